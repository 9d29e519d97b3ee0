import { parseArgs } from "node:util";
import type { Ledger } from "@atoma/ledger";
import { type Config, flagOf, readConfig, SETTING_NAMES, settingsHelp } from "./config.ts";
import { openConfiguredLedger, requireLedger } from "./data-folder.ts";
import { s3Options } from "./s3-options.ts";
import { tell } from "./tell.ts";
import { UsageError } from "./usage-error.ts";

const HELP = `usage: atoma COMMAND [--config FILE] [settings]

  up                                  ledger, node and gateway in one process, on embedded defaults
  gateway                             a gateway for the nodes of the configuration file
  node --models DIR[,DIR]             an AI node; with --join URL --token TOKEN it tells a gateway that it is there
  generate "PROMPT" [-o FILE]         one picture, through the SDK
  accounts create NAME | list | grant ACCOUNT UNITS [REFERENCE]
  keys create ACCOUNT [NAME] | list | revoke KEY | webhook KEY URL|none
  models list | show MODEL | check MODEL | pull ORG/NAME | add DIR | remove NAME
  nodes add NAME URL | expect NAME | list | drain NAME | resume NAME | remove NAME | check URL
  ledger verify                       recomputes the books; exit code 1 when they are wrong
  check-config                        reads the configuration and says what it means

Settings, as flags, as ATOMA_* variables, or as keys of the TOML file:
${settingsHelp()}
  --json                   (up) print one JSON line when ready
`;

const COMMANDS = [
  "up",
  "gateway",
  "node",
  "generate",
  "accounts",
  "keys",
  "models",
  "nodes",
  "ledger",
  "check-config",
] as const;

/** Splits the arguments into settings (anywhere) and what is left for the command. */
function readArguments(args: readonly string[], env: NodeJS.ProcessEnv, command: string) {
  const settings = Object.fromEntries(
    [...SETTING_NAMES, "config", "models"].map((name) => [flagOf(name), { type: "string" as const }]),
  );
  const { tokens } = parseArgs({ args: [...args], options: settings, strict: false, tokens: true });
  const flags: Record<string, string> = {};
  const consumed = new Set<number>();
  for (const token of tokens) {
    if (token.kind !== "option" || !(token.name in settings)) continue;
    if (token.value === undefined) throw new UsageError(`--${token.name}: expected a value`);
    flags[token.name.replaceAll("-", "_")] = token.value;
    consumed.add(token.index);
    if (!token.inlineValue) consumed.add(token.index + 1);
  }
  const rest = args.filter((_, i) => !consumed.has(i));
  // A person who starts everything by hand wants to see what to do, not a log.
  const quiet = command === "up" && !rest.includes("--json") ? ({ log_level: "warn" } as const) : {};
  const model = command === "up" ? { default_model: "atoma-tiny" } : {};
  return { rest, config: readConfig({ flags, env, defaults: { ...quiet, ...model } }) };
}

async function withLedger(config: Config, work: (ledger: Ledger) => Promise<void>): Promise<void> {
  const ledger = await openConfiguredLedger(config);
  try {
    await work(ledger);
  } finally {
    await ledger.close();
  }
}

async function run([command, ...args]: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  if (command === undefined || command === "help" || command === "--help" || args.includes("--help")) {
    process.stdout.write(HELP);
    return;
  }
  if (!COMMANDS.some((name) => name === command)) throw new UsageError(`unknown command: ${command}\n\n${HELP}`);
  const { rest, config } = readArguments(args, env, command);
  const nothingElse = (allowed: readonly string[] = []) => {
    const unknown = rest.find((arg) => !allowed.includes(arg));
    if (unknown !== undefined) throw new UsageError(`unknown argument: ${unknown}`);
  };
  // Each command is loaded only when it runs: `atoma keys` needs no model runtime.
  switch (command) {
    case "up":
      nothingElse(["--json"]);
      return (await import("./commands/up.ts")).up(config, rest.includes("--json"));
    case "gateway":
      nothingElse();
      return (await import("./commands/gateway.ts")).gateway(config);
    case "node": {
      const at = rest.indexOf("--token");
      const [, token] = at < 0 ? [] : rest.splice(at, 2);
      nothingElse();
      return (await import("./commands/node.ts")).node({ ...config, join_token: token ?? config.join_token });
    }
    case "nodes": {
      const { nodes } = await import("./commands/nodes.ts");
      return nodes(config, rest);
    }
    case "models":
      return (await import("./commands/models.ts")).models(config, rest, env);
    case "generate":
      return (await import("./commands/generate.ts")).generate(config, rest, env);
    case "accounts": {
      const { accounts } = await import("./commands/accounts.ts");
      return withLedger(config, (ledger) => accounts(ledger, rest));
    }
    case "keys": {
      const { keys } = await import("./commands/keys.ts");
      return withLedger(config, (ledger) => keys(ledger, rest, config.webhook_targets));
    }
    case "ledger": {
      const { ledger } = await import("./commands/ledger.ts");
      requireLedger(config);
      return withLedger(config, async (books) => {
        process.exitCode = await ledger(books, rest);
      });
    }
    case "check-config": {
      nothingElse();
      s3Options(config);
      const secrets = {
        s3_secret_access_key: config.s3_secret_access_key && "***",
        node_token: config.node_token && "***",
        join_token: config.join_token && "***",
        admin_key: config.admin_key && "***",
        database_url: config.database_url?.replace(/:\/\/[^@/]*@/, "://***@"),
      };
      const hidden = { ...config, ...secrets, nodes: config.nodes.map((n) => n.url) };
      process.stdout.write(`${JSON.stringify(hidden, null, 2)}\n`);
    }
  }
}

try {
  await run(process.argv.slice(2), process.env);
} catch (error) {
  const { text, exitCode } = tell(error);
  process.stderr.write(`atoma: ${text}\n`);
  process.exitCode = exitCode;
}
