import { access, constants } from "node:fs/promises";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { AtomaSDK } from "atoma-sdk";
import { ConnectionError } from "atoma-sdk/models/errors";
import { usageOf } from "../command-help.ts";
import type { Config } from "../config.ts";
import { readCredentials } from "../credentials.ts";
import { gatewayUrl } from "../gateway-url.ts";
import { printJson } from "../json-option.ts";
import { UsageError } from "../usage-error.ts";

const OPTIONS = {
  output: { type: "string", short: "o", default: "picture.png" },
  count: { type: "string", short: "n" },
  url: { type: "string" },
  model: { type: "string" },
  size: { type: "string" },
  quality: { type: "string" },
  "negative-prompt": { type: "string" },
  guidance: { type: "string" },
  seed: { type: "string" },
  steps: { type: "string" },
  progress: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
} as const;

const FORMATS: Readonly<Record<string, string>> = { png: "png", jpg: "jpeg", jpeg: "jpeg", webp: "webp" };
const EXTENSION = /\.([a-z]+)$/i;

function number(name: string, text: string | undefined, pattern: RegExp, what: string): number | undefined {
  if (text === undefined) return undefined;
  if (!pattern.test(text)) throw new UsageError(`--${name}: expected ${what}`);
  return Number(text);
}

const whole = (name: string, text: string | undefined) => number(name, text, /^\d{1,10}$/, "a whole number");

/** A picture that cannot be written would be charged all the same. Throws UsageError. */
async function requireFolder(file: string): Promise<void> {
  await access(dirname(file), constants.W_OK).catch(() => {
    throw new UsageError(`--output: cannot write to the folder of ${file}`);
  });
}

/** Without what was not said. */
function given<Fields extends Record<string, unknown>>(fields: Fields) {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof Fields]: Exclude<Fields[K], undefined> };
}

function readRequest(args: readonly string[]) {
  const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  const [prompt] = positionals;
  if (!prompt || positionals.length > 1) throw new UsageError(usageOf("generate"));
  const outputFormat = FORMATS[EXTENSION.exec(values.output)?.[1]?.toLowerCase() ?? ""];
  if (!outputFormat) throw new UsageError("--output: expected a file name that ends in .png, .jpg, .jpeg or .webp");
  const request = {
    prompt,
    outputFormat,
    ...given({
      n: whole("count", values.count),
      model: values.model,
      size: values.size,
      quality: values.quality,
      negativePrompt: values["negative-prompt"],
      guidanceScale: number("guidance", values.guidance, /^\d{1,3}(\.\d{1,6})?$/, "a number"),
      seed: whole("seed", values.seed),
      steps: whole("steps", values.steps),
    }),
  };
  return { request, values };
}

/** The file of the i-th of so many pictures, from 0: `picture.png`, or `picture-1.png`, `picture-2.png`, … */
function fileOf(output: string, i: number, count: number): string {
  return count === 1 ? output : output.replace(EXTENSION, `-${i + 1}$&`);
}

/** Tells each step: in one line that is written over on a terminal, in a line each elsewhere. */
function progressLine(wanted: boolean) {
  const terminal = process.stderr.isTTY === true;
  let shown = false;
  return {
    step(step: number, steps: number): void {
      if (!terminal && !wanted) return;
      shown = terminal;
      process.stderr.write(`${terminal ? "\r" : ""}  step ${step} of ${steps}${terminal ? "" : "\n"}`);
    },
    /** Goes to the start of the line, and makes it empty. */
    end(): void {
      if (shown) process.stderr.write("\r\u001b[K");
      shown = false;
    },
  };
}

/** `atoma generate "PROMPT" -o FILE`: pictures through the SDK. */
export async function generate(config: Config, args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const { request, values } = readRequest(args);
  const bearerAuth = env.ATOMASDK_BEARER_AUTH ?? readCredentials(config)?.apiKey;
  if (!bearerAuth) throw new UsageError("no API key: set ATOMASDK_BEARER_AUTH, or --data to a gateway's data folder");
  await requireFolder(values.output);

  const serverURL = gatewayUrl(config, values.url, env);
  const sdk = new AtomaSDK({ bearerAuth, serverURL });
  const stream = await sdk.images.generateStream(request, { progress: true }).catch((error: unknown) => {
    if (!(error instanceof ConnectionError)) throw error;
    throw new UsageError(`nothing answers at ${serverURL}; start a gateway with \`npm start\`, or name one with --url`);
  });
  const progress = progressLine(values.progress);
  const made: { file: string; size: string | undefined; seed: number | undefined }[] = [];
  for await (const event of stream) {
    if (event.type === "image_generation.progress") progress.step(event.step, event.steps);
    if (event.type !== "image_generation.completed") continue;
    const file = fileOf(values.output, made.length, request.n ?? 1);
    await event.save(file);
    made.push({ file, size: event.size, seed: event.seed });
    progress.end();
    if (!values.json) process.stderr.write(`${file}  ${event.size}  seed ${event.seed}\n`);
  }
  if (values.json) printJson(made);
}
