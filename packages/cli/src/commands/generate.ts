import { access, constants } from "node:fs/promises";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { AtomaSDK } from "atoma-sdk";
import { ConnectionError } from "atoma-sdk/models/errors";
import type { Config } from "../config.ts";
import { readCredentials } from "../credentials.ts";
import { UsageError } from "../usage-error.ts";

const OPTIONS = {
  output: { type: "string", short: "o", default: "picture.png" },
  url: { type: "string" },
  model: { type: "string" },
  size: { type: "string" },
  seed: { type: "string" },
  steps: { type: "string" },
} as const;

export const GENERATE_HELP = `usage: atoma generate "PROMPT" [-o FILE] [--model ID] [--size WxH] [--seed N] [--steps N] [--url URL]
The key comes from ATOMASDK_BEARER_AUTH, or from the data folder of a gateway on this machine.`;

const FORMATS: Readonly<Record<string, string>> = { png: "png", jpg: "jpeg", jpeg: "jpeg", webp: "webp" };

function whole(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,10}$/.test(text)) throw new UsageError(`--${name}: expected a whole number`);
  return Number(text);
}

/** A picture that cannot be written would be charged all the same. Throws UsageError. */
async function requireFolder(file: string): Promise<void> {
  await access(dirname(file), constants.W_OK).catch(() => {
    throw new UsageError(`--output: cannot write to the folder of ${file}`);
  });
}

/** `atoma generate "PROMPT" -o FILE`: one picture through the SDK, with a progress line on a terminal. */
export async function generate(config: Config, args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  const [prompt] = positionals;
  if (!prompt || positionals.length > 1) throw new UsageError(GENERATE_HELP);
  const outputFormat = FORMATS[/\.([a-z]+)$/i.exec(values.output)?.[1]?.toLowerCase() ?? ""];
  if (!outputFormat) throw new UsageError("--output: expected a file name that ends in .png, .jpg, .jpeg or .webp");
  const bearerAuth = env.ATOMASDK_BEARER_AUTH ?? readCredentials(config)?.apiKey;
  if (!bearerAuth) throw new UsageError("no API key: set ATOMASDK_BEARER_AUTH, or --data to a gateway's data folder");

  await requireFolder(values.output);

  const serverURL = values.url ?? env.ATOMA_URL ?? `http://127.0.0.1:${config.port}`;
  const sdk = new AtomaSDK({ bearerAuth, serverURL });
  const seed = whole("seed", values.seed);
  const steps = whole("steps", values.steps);
  const request = {
    prompt,
    outputFormat,
    ...(values.model !== undefined && { model: values.model }),
    ...(values.size !== undefined && { size: values.size }),
    ...(seed !== undefined && { seed }),
    ...(steps !== undefined && { steps }),
  };
  const stream = await sdk.images.generateStream(request, { progress: true }).catch((error: unknown) => {
    if (!(error instanceof ConnectionError)) throw error;
    throw new UsageError(`nothing answers at ${serverURL}; start a gateway with \`npm start\`, or name one with --url`);
  });
  const terminal = process.stderr.isTTY === true;
  for await (const event of stream) {
    if (event.type === "image_generation.progress" && terminal) {
      process.stderr.write(`\r  step ${event.step} of ${event.steps}`);
    } else if (event.type === "image_generation.completed") {
      await event.save(values.output);
      process.stderr.write(`${terminal ? "\r" : ""}${values.output}  ${event.size}  seed ${event.seed}\n`);
    }
  }
}
