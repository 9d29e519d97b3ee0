import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import type { NodeConfig } from "@atoma/gateway";
import { parse as parseToml } from "smol-toml";
import type * as readNodesModule from "./read-nodes.ts";
import { Expected, flagOf, SETTING_NAMES, SETTINGS, type Settings, type Value } from "./settings.ts";
import { UsageError } from "./usage-error.ts";

export interface Config extends Settings {
  readonly nodes: readonly NodeConfig[];
  /** Model folders that this machine's node serves. */
  readonly models: readonly string[];
  readonly model_aliases: Readonly<Record<string, string>>;
}

function readFile(path: string): Record<string, unknown> {
  let source: string;
  try {
    source = readFileSync(path, "utf8");
  } catch {
    throw new UsageError(`cannot read the configuration file ${path}`);
  }
  try {
    return parseToml(source);
  } catch (error) {
    throw new UsageError(`${path}: ${error instanceof Error ? error.message : "not TOML"}`);
  }
}

function readStrings(key: string, value: unknown): string[] {
  const list = typeof value === "string" ? value.split(",").filter(Boolean) : (value ?? []);
  if (Array.isArray(list) && list.every((v): v is string => typeof v === "string")) return list;
  throw new UsageError(`${key}: expected a list of texts`);
}

function readAliases(value: unknown): Record<string, string> {
  const pairs = typeof value === "string" ? value.split(",").map((p) => p.split("=")) : Object.entries(value ?? {});
  const aliases: Record<string, string> = {};
  for (const [alias, id] of pairs) {
    if (typeof alias !== "string" || typeof id !== "string" || id === "") {
      throw new UsageError("model_aliases: expected alias = model id");
    }
    aliases[alias] = id;
  }
  return aliases;
}

/** Loaded where there are nodes only: it brings the gateway, which most commands do without. */
function readNodes(value: unknown): NodeConfig[] {
  if (value === undefined) return [];
  // The module of that path.
  const module = createRequire(import.meta.url)("./read-nodes.ts") as typeof readNodesModule;
  return module.readNodes(value);
}

export interface Sources {
  /** Flags by their setting's name. */
  readonly flags: Readonly<Record<string, string | undefined>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Settings that a command wants to be otherwise where nobody says anything. */
  readonly defaults?: Partial<Settings>;
}

/**
 * The configuration: defaults, then the TOML file (`--config` or ATOMA_CONFIG), then ATOMA_* variables, then flags.
 * Throws UsageError with the name of the key that is wrong.
 */
export function readConfig({ flags, env, defaults = {} }: Sources): Config {
  const path = flags.config ?? env.ATOMA_CONFIG;
  const file = path === undefined ? {} : readFile(resolve(path));
  for (const key of Object.keys(file)) {
    if (!(key in SETTINGS) && !["nodes", "models", "model_aliases"].includes(key)) {
      throw new UsageError(`${key}: unknown key in ${path}`);
    }
  }
  const settings: Record<string, unknown> = {};
  for (const name of SETTING_NAMES) {
    const variable = `ATOMA_${name.toUpperCase()}`;
    const given = flags[name] ?? env[variable] ?? file[name];
    if (given === undefined || given === "") {
      settings[name] = defaults[name] ?? SETTINGS[name].fallback;
      continue;
    }
    try {
      // Anything else than a text, number or boolean fails the check.
      settings[name] = SETTINGS[name].check(given as Value);
    } catch (error) {
      if (!(error instanceof Expected)) throw error;
      const source = flags[name] !== undefined ? `--${flagOf(name)}` : env[variable] !== undefined ? variable : name;
      throw new UsageError(`${source}: expected ${error.message}`);
    }
  }
  return {
    // Each entry was made by the check of the same name, or is its fallback.
    ...(settings as Settings),
    nodes: readNodes(file.nodes),
    models: readStrings("models", flags.models ?? env.ATOMA_MODELS ?? file.models),
    model_aliases: readAliases(env.ATOMA_MODEL_ALIASES ?? file.model_aliases),
  };
}
