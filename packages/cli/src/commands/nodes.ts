import { parseArgs } from "node:util";
import { checkNode, DIALECT_NAMES, type DialectName, type NodeTls, readForeignModels } from "@atoma/gateway";
import { type Ledger, LedgerInputError, type NodeEntry } from "@atoma/ledger";
import type { Config } from "../config.ts";
import { openConfiguredLedger } from "../data-folder.ts";
import { readOrigin, readToken } from "../read-nodes.ts";
import { readClientTls } from "../read-tls.ts";
import { UsageError } from "../usage-error.ts";

const BY = { actor: "atoma nodes" };
const HELP = `usage: atoma nodes add NAME URL [--dialect D] [--token T] [--model ID[=UPSTREAM]]… [--max-concurrent N]
       atoma nodes expect NAME      a node that will join; shows its credential, once
       atoma nodes list
       atoma nodes drain NAME | resume NAME | remove NAME
       atoma nodes check URL [--dialect D] [--token T] [--model ID[=UPSTREAM]] [--generate]
                             [--tls-ca FILE] [--tls-cert FILE --tls-key FILE]
                                    what a server can do; with --generate it makes one small picture

dialects: ${DIALECT_NAMES.join(", ")}
`;

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
        "tls-ca": { type: "string" },
        "tls-cert": { type: "string" },
        "tls-key": { type: "string" },
      },
    });
  } catch {
    throw new UsageError(HELP);
  }
}

type Flags = ReturnType<typeof readFlags>["values"];

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

function stateOf({ url, draining, leaving, expiresAt }: NodeEntry): string {
  if (url === null) return draining ? "draining" : "expected";
  if (expiresAt !== null && expiresAt <= Date.now()) return "gone";
  return draining ? "draining" : leaving ? "leaving" : "there";
}

function list(entries: readonly NodeEntry[], config: Config): void {
  const marks = new Map(entries.map(({ name, draining }) => [name, draining]));
  for (const { name, url, dialect = "atoma" } of config.nodes) {
    print(`${name}  ${url}  ${dialect}  ${marks.get(name) ? "draining" : "there"}  configuration`);
  }
  for (const entry of entries) {
    if (config.nodes.some(({ name }) => name === entry.name)) continue;
    const where = entry.url === null ? "-" : new URL(entry.url).origin;
    print(`${entry.name}  ${where}  ${entry.dialect}  ${stateOf(entry)}  ${entry.joins ? "joins" : "ledger"}`);
  }
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
  print(`${name} added`);
}

async function change(ledger: Ledger, config: Config, flags: Flags, [action, name, url]: readonly string[]) {
  if (action === "list" && name === undefined) return list(await ledger.nodes.list(), config);
  if (name === undefined) throw new UsageError(HELP);
  switch (action) {
    case "add":
      if (url === undefined) throw new UsageError(HELP);
      return add(ledger, name, url, flags);
    case "expect": {
      const { token } = await ledger.nodes.expect(name, BY);
      return print(`${token}\nThis credential is shown once: atoma node --join GATEWAY --token …`);
    }
    case "drain":
    case "resume":
      await requireKnown(ledger, config, name);
      await ledger.nodes.setDraining(name, action === "drain", BY);
      return print(action === "drain" ? `${name} gets nothing new` : `${name} gets requests again`);
    case "remove":
      await ledger.nodes.remove(name, BY);
      return print(`${name} removed`);
    default:
      throw new UsageError(HELP);
  }
}

/** `atoma nodes …`. The gateways of the ledger see a change within a second. */
export async function nodes(config: Config, args: readonly string[]): Promise<void> {
  const { values: flags, positionals } = readFlags(args);
  const [action, subject] = positionals;
  if (action === "check") {
    if (subject === undefined) throw new UsageError(HELP);
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
  const ledger = await openConfiguredLedger(config);
  try {
    await change(ledger, config, flags, positionals);
  } catch (error) {
    if (error instanceof LedgerInputError) throw new UsageError(error.message);
    throw error;
  } finally {
    await ledger.close();
  }
}
