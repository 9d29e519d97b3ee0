/** What the help of a command says. Settings of its own are named in `help.ts`. */
export interface CommandHelp {
  readonly about: string;
  readonly usage: readonly string[];
  readonly options?: readonly (readonly [flag: string, text: string])[];
  readonly examples: readonly string[];
}

const JSON_OPTION = ["--json", "print JSON"] as const;
const URL_OPTION = [
  "--url URL",
  "the gateway; default: ATOMA_URL, or the port of this configuration on this machine",
] as const;

export const COMMANDS = {
  up: {
    about: "Ledger, node and gateway in one process, on embedded defaults.",
    usage: ["up [settings]"],
    options: [["--json", "print one JSON line when ready: url, keys, data folder"]],
    examples: ["atoma up --port 8081 --data /srv/atoma", "atoma up --models tiny,/models/sdxl"],
  },
  gateway: {
    about: "A gateway for the nodes of the configuration and of the ledger.",
    usage: ["gateway [--config FILE] [settings]"],
    options: [["--json", "print one JSON line when ready: url, pid"]],
    examples: ["atoma gateway --config atoma.toml --host 0.0.0.0"],
  },
  node: {
    about: "An AI node for model folders. With --join it tells a gateway that it is there.",
    usage: ["node --models DIR[,DIR] [--join URL --token TOKEN] [settings]"],
    options: [
      ["--token TOKEN", "the node's credential at the gateway that it joins, of `atoma nodes expect`"],
      ["--json", "print one JSON line when ready: url, pid"],
    ],
    examples: [
      "atoma node --models /models/sdxl --port 8090",
      "atoma node --models /models/sdxl --join http://gateway:8080 --token atoma-join-…",
    ],
  },
  generate: {
    about: "Makes pictures through a gateway. The key comes from ATOMASDK_BEARER_AUTH, or from the data folder.",
    usage: ['generate "PROMPT" [-o FILE] [options]'],
    options: [
      [
        "-o, --output FILE",
        "ends in .png, .jpg, .jpeg or .webp (picture.png); of several pictures each gets its number",
      ],
      ["-n, --count N", "how many pictures (1)"],
      ["--model ID", "default: the gateway's"],
      ["--size WxH", "in pixels; default: the model's"],
      ["--quality Q", "auto, low, medium or high"],
      ["--negative-prompt TEXT", "what the picture must not show"],
      ["--guidance G", "guidance scale, 0 to 20; default: the model's"],
      ["--seed N", "picture i of several uses N + i; default: any"],
      ["--steps N", "denoising steps; default: the model's"],
      ["--progress", "tell each step, also where the output is no terminal"],
      URL_OPTION,
      ["--json", "print JSON: file, size and seed of each picture"],
    ],
    examples: [
      'atoma generate "a red circle on a blue background" -o circle.png',
      'atoma generate "a lighthouse at dusk" -n 4 --size 512x512 --seed 7 --negative-prompt "people" -o lighthouse.webp',
    ],
  },
  accounts: {
    about: "Accounts and their compute units, in the ledger of the configuration.",
    usage: ["accounts create NAME", "accounts list", "accounts grant ACCOUNT UNITS [REFERENCE]"],
    options: [JSON_OPTION],
    examples: [
      "atoma accounts create team",
      "atoma accounts grant acct_01k9… 1000000000 invoice-17   # the same reference again adds nothing",
      "atoma accounts list --json",
    ],
  },
  keys: {
    about: "API keys of accounts, and where they are told that an asynchronous generation has ended.",
    usage: ["keys create ACCOUNT [NAME]", "keys list", "keys revoke KEY", "keys webhook KEY URL|none"],
    options: [JSON_OPTION],
    examples: ["atoma keys create acct_01k9… laptop   # prints the key, once", "atoma keys revoke 1m8gs28g2a7tb6"],
  },
  models: {
    about: "The model folders of this machine: list, check, fetch from the Hugging Face Hub, add.",
    usage: [
      "models list",
      "models show NAME|DIR | check NAME|DIR",
      "models pull ORG/NAME[@REVISION] [--as NAME]",
      "models add DIR [--as NAME]",
      "models remove NAME",
    ],
    options: [
      ["--as NAME", "the name under which it is listed and served"],
      ["--json", "(list) print JSON"],
    ],
    examples: ["atoma models pull someone/small-model-onnx --as small", "atoma models check small   # draws one step"],
  },
  nodes: {
    about: "Nodes that all gateways of a ledger share, and how the gateway's nodes are.",
    usage: [
      "nodes list",
      "nodes add NAME URL [--dialect D] [--token T] [--model ID[=UPSTREAM]]… [--max-concurrent N]",
      "nodes expect NAME",
      "nodes drain NAME | resume NAME | remove NAME",
      "nodes check URL [--dialect D] [--token T] [--model ID[=UPSTREAM]] [--generate]",
      "            [--tls-ca FILE] [--tls-cert FILE --tls-key FILE]",
    ],
    options: [
      ["--dialect D", "atoma, or the kind of another server: see docs/nodes.md (atoma)"],
      ["--token T", "bearer token that the node asks for"],
      ["--model ID[=UPSTREAM]", "a model of another server, and its name there"],
      ["--max-concurrent N", "requests at once"],
      ["--generate", "(check) make one small picture"],
      URL_OPTION,
      JSON_OPTION,
    ],
    examples: [
      "atoma nodes list",
      "atoma nodes add gpu-3 http://10.0.0.13:8090 --token change-me",
      "atoma nodes expect gpu-4   # a node that will join; shows its credential, once",
      "atoma nodes check http://10.0.0.13:8090 --generate",
    ],
  },
  ledger: {
    about: "Recomputes every balance from the journal and the holds, and prints what differs. Changes nothing.",
    usage: ["ledger verify"],
    options: [JSON_OPTION],
    examples: ["atoma ledger verify --data /srv/atoma   # exit code 0: the books are right; 1: they are not"],
  },
  "check-config": {
    about: "Reads the configuration and prints what it means, as JSON, without secrets.",
    usage: ["check-config [--config FILE] [settings]"],
    examples: ["atoma check-config --config atoma.toml"],
  },
} as const satisfies Readonly<Record<string, CommandHelp>>;

export type CommandName = keyof typeof COMMANDS;

export const isCommand = (name: string | undefined): name is CommandName =>
  name !== undefined && Object.hasOwn(COMMANDS, name);

/** `usage: atoma keys …`, for arguments that cannot be meant. */
export function usageOf(command: CommandName): string {
  const lines = COMMANDS[command].usage.map((line, i) => `${i === 0 ? "usage: " : "       "}atoma ${line}`);
  return `${lines.join("\n")}\n\`atoma ${command} --help\` says more`;
}
