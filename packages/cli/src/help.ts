import { COMMANDS, type CommandHelp, type CommandName, isCommand } from "./command-help.ts";
import { SETTING_NAMES, type SettingName, settingLine } from "./settings.ts";
import { UsageError } from "./usage-error.ts";

const isOfNode = (name: SettingName) => /^(node_|join|advertise_url$)/.test(name);
const OF_NODE: readonly SettingName[] = SETTING_NAMES.filter(
  (name) => isOfNode(name) || ["host", "port", "drain_s", "log_level"].includes(name),
);
const OF_LEDGER: readonly SettingName[] = ["data", "database_url"];

/** The settings that a command reads. */
const SETTINGS_OF: Readonly<Record<CommandName, readonly SettingName[]>> = {
  up: SETTING_NAMES.filter((name) => !/^(node_token|node_tls|join|advertise_url$)/.test(name)),
  gateway: SETTING_NAMES.filter((name) => !isOfNode(name)),
  node: OF_NODE,
  generate: ["data", "port"],
  accounts: OF_LEDGER,
  keys: [...OF_LEDGER, "webhook_targets"],
  models: ["data", "node_threads"],
  nodes: [...OF_LEDGER, "port", "admin_key"],
  ledger: OF_LEDGER,
  "check-config": [],
};

const WIDTH = 24;
const line = (name: string, text: string) => `  ${name.padEnd(WIDTH)} ${text}`;

function general(): string {
  const commands = Object.entries<CommandHelp>(COMMANDS).map(([name, { about }]) => line(name, about));
  return `usage: atoma COMMAND [arguments] [settings]

${commands.join("\n")}

${line("help COMMAND", "what a command takes, with examples; the same as COMMAND --help")}
${line("help settings", "all settings: as flags, ATOMA_* variables, or keys of the TOML file")}
${line("--version", "of this installation")}
`;
}

function settings(): string {
  return `Settings, as flags, as ATOMA_* variables, or as keys of the TOML file of --config; the defaults in brackets.

${SETTING_NAMES.map(settingLine).join("\n")}
  --models DIR[,DIR]       model folders of the node
  --config FILE            the TOML file (ATOMA_CONFIG)
`;
}

function ofCommand(name: CommandName): string {
  const { about, usage, options = [], examples }: CommandHelp = COMMANDS[name];
  const own = SETTINGS_OF[name];
  const models = ["up", "node"].includes(name) ? ["  --models DIR[,DIR]       model folders of the node"] : [];
  const parts = [
    usage.map(
      (form, i) => `${i === 0 ? "usage: " : "       "}${form.startsWith(" ") ? `      ${form}` : `atoma ${form}`}`,
    ),
    [about],
    options.length === 0 ? [] : ["Options:", ...options.map(([flag, text]) => line(flag, text))],
    own.length + models.length === 0
      ? []
      : ["Settings, also as ATOMA_* variables or in the TOML file of --config:", ...models, ...own.map(settingLine)],
    examples.length === 1 ? ["Example:"] : ["Examples:"],
  ];
  const sections = parts.filter((part) => part.length > 0).map((part) => part.join("\n"));
  return `${sections.join("\n\n")}\n${examples.map((example) => `  $ ${example}`).join("\n")}\n`;
}

/** The page on a command, or on `settings`; without a topic the list of commands. Throws UsageError for another topic. */
export function helpFor(topic: string | undefined): string {
  if (topic === undefined) return general();
  if (topic === "settings") return settings();
  if (isCommand(topic)) return ofCommand(topic);
  throw new UsageError(`there is no help on ${topic}; \`atoma help\` lists the commands`);
}
