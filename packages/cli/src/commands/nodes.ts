import { parseArgs } from "node:util";
import { checkNode, DIALECT_NAMES, type DialectName, type NodeTls, readForeignModels } from "@atoma/gateway";
import { type Ledger, LedgerInputError } from "@atoma/ledger";
import { usageOf } from "../command-help.ts";
import type { Config } from "../config.ts";
import { withLedger } from "../data-folder.ts";
import { gatewayUrl } from "../gateway-url.ts";
import { printJson } from "../json-option.ts";
import { readOrigin, readToken } from "../read-nodes.ts";
import { readClientTls } from "../read-tls.ts";
import { UsageError } from "../usage-error.ts";
import { listNodes } from "./list-nodes.ts";

const BY = { actor: "atoma nodes" };

const print = (line: string) => void process.stdout.write(`${line}\n`);

function readFlags(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        dialect: { type: "string", default: "atoma" },
        token: { type: "string" },
        model: { type: "string", multiple: true },
        "max-concurrent": { type: "string" },
        generate: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        url: { type: "string" },
        "tls-ca": { type: "string" },
        "tls-cert": { type: "string" },
        "tls-key": { type: "string" },
      },
    });
  } catch {
    throw new UsageError(usageOf("nodes"));
  }
}

type Flags = ReturnType<typeof readFlags>["values"];

/** Says what was done. */
function done(facts: Readonly<Record<string, unknown>>, line: string, { json }: Flags): void {
  if (json) printJson(facts);
  else print(line);
}

function dialectOf({ dialect }: Flags): DialectName {
  const known = DIALECT_NAMES.find((name) => name === dialect);
  if (!known) throw new UsageError(`--dialect: expected one of ${DIALECT_NAMES.join(", ")}`);
  return known;
}

/** `ID` or `ID=UPSTREAM`, as the configuration would have it. */
function modelsOf({ model }: Flags): Record<string, string>[] | undefined {
  return model?.map((text) => {
    const [id = "", upstream] = text.split("=", 2);
    return upstream === undefined ? { id } : { id, upstream };
  });
}

function checkedModels(flags: Flags, dialect: DialectName) {
  try {
    return readForeignModels(modelsOf(flags), dialect);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : "models: not understood");
  }
}

function tlsOf(flags: Flags, url: string): NodeTls | undefined {
  const { "tls-ca": ca, "tls-cert": cert, "tls-key": key } = flags;
  return ca === undefined && cert === undefined && key === undefined
    ? undefined
    : readClientTls({ ca, cert, key }, url, "--tls");
}

async function requireKnown(ledger: Ledger, config: Config, name: string): Promise<void> {
  const known = [...config.nodes, ...(await ledger.nodes.list())].some((node) => node.name === name);
  if (!known) throw new UsageError(`there is no node ${name}`);
}

async function add(ledger: Ledger, name: string, url: string, flags: Flags): Promise<void> {
  const dialect = dialectOf(flags);
  checkedModels(flags, dialect);
  const models = modelsOf(flags);
  const most = flags["max-concurrent"];
  if (most !== undefined && !/^[1-9]\d{0,4}$/.test(most)) throw new UsageError("--max-concurrent: expected a number");
  await ledger.nodes.add(
    {
      name,
      url: readOrigin(url, "nodes add"),
      dialect,
      token: flags.token,
      models: models && JSON.stringify(models),
      maxConcurrent: most === undefined ? undefined : Number(most),
    },
    BY,
  );
  done({ name, added: true }, `${name} added`, flags);
}

async function change(ledger: Ledger, config: Config, flags: Flags, [action, name, url]: readonly string[]) {
  if (name === undefined) throw new UsageError(usageOf("nodes"));
  switch (action) {
    case "add":
      if (url === undefined) throw new UsageError(usageOf("nodes"));
      return add(ledger, name, url, flags);
    case "expect": {
      const { token } = await ledger.nodes.expect(name, BY);
      const line = `${token}\nThis credential is shown once: atoma node --join GATEWAY --token …`;
      return done({ name, join_token: token }, line, flags);
    }
    case "drain":
    case "resume":
      await requireKnown(ledger, config, name);
      await ledger.nodes.setDraining(name, action === "drain", BY);
      return done(
        { name, draining: action === "drain" },
        action === "drain" ? `${name} gets nothing new` : `${name} gets requests again`,
        flags,
      );
    case "remove":
      await ledger.nodes.remove(name, BY);
      return done({ name, removed: true }, `${name} removed`, flags);
    default:
      throw new UsageError(usageOf("nodes"));
  }
}

/** `atoma nodes …`. The gateways of the ledger see a change within a second. */
export async function nodes(config: Config, args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const { values: flags, positionals } = readFlags(args);
  const [action, subject] = positionals;
  if (action === "list" && subject === undefined)
    return listNodes(config, gatewayUrl(config, flags.url, env), flags.json);
  if (action === "check") {
    if (subject === undefined) throw new UsageError(usageOf("nodes"));
    const dialect = dialectOf(flags);
    const models = dialect === "atoma" ? undefined : checkedModels(flags, dialect);
    const url = readOrigin(subject, "nodes check");
    const node = {
      name: "checked",
      url,
      tls: tlsOf(flags, url),
      dialect,
      token: readToken(flags.token, "--token"),
      models,
    };
    const fine = await checkNode(node, { generate: flags.generate, print, model: flags.model?.[0] });
    process.exitCode = fine ? 0 : 1;
    return;
  }
  try {
    await withLedger(config, (ledger) => change(ledger, config, flags, positionals));
  } catch (error) {
    throw error instanceof LedgerInputError ? new UsageError(error.message) : error;
  }
}
