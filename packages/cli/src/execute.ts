import { parseArgs } from "node:util";
import { type CommandName, isCommand } from "./command-help.ts";
import { type Config, readConfig } from "./config.ts";
import { requireLedger, withLedger } from "./data-folder.ts";
import { s3Options } from "./s3-options.ts";
import { flagOf, SETTING_NAMES } from "./settings.ts";
import { UsageError } from "./usage-error.ts";

/** Splits the arguments into settings (anywhere) and what is left for the command. */
function readArguments(args: readonly string[], env: NodeJS.ProcessEnv, command: CommandName) {
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

/** Takes a flag out of the arguments. Returns whether it was there. */
function takeFlag(args: string[], flag: string): boolean {
  const at = args.indexOf(flag);
  if (at >= 0) args.splice(at, 1);
  return at >= 0;
}

function nothingElse(rest: readonly string[]): void {
  if (rest[0] !== undefined) throw new UsageError(`unknown argument: ${rest[0]}`);
}

function checkConfig(config: Config): void {
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

/** Does what the command line says. Each command is loaded only when it runs: `atoma keys` needs no model runtime. */
export async function execute([command, ...args]: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  if (!isCommand(command)) throw new UsageError(`unknown command: ${command}; \`atoma help\` lists them`);
  const { rest, config } = readArguments(args, env, command);
  switch (command) {
    case "up": {
      const json = takeFlag(rest, "--json");
      nothingElse(rest);
      return (await import("./commands/up.ts")).up(config, json);
    }
    case "gateway": {
      const json = takeFlag(rest, "--json");
      nothingElse(rest);
      return (await import("./commands/gateway.ts")).gateway(config, json);
    }
    case "node": {
      const json = takeFlag(rest, "--json");
      const at = rest.indexOf("--token");
      const [, token] = at < 0 ? [] : rest.splice(at, 2);
      nothingElse(rest);
      return (await import("./commands/node.ts")).node({ ...config, join_token: token ?? config.join_token }, json);
    }
    case "models":
      return (await import("./commands/models.ts")).models(config, rest, env);
    case "nodes":
      return (await import("./commands/nodes.ts")).nodes(config, rest, env);
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
    case "check-config":
      nothingElse(rest);
      return checkConfig(config);
  }
}
