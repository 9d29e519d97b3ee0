import { CapabilitiesError } from "@atoma/contract";
import { DIALECT_NAMES, type DialectName, type NodeConfig, type NodeModel, readForeignModels } from "@atoma/gateway";
import { readNodeTls } from "./read-tls.ts";
import { UsageError } from "./usage-error.ts";

type Table = Readonly<Record<string, unknown>>;

const KEYS = ["name", "url", "token", "dialect", "models", "max_concurrent", "trusted", "tls"];
const MAX_CONCURRENT = 10_000;

const isTable = (value: unknown): value is Table =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function readModels(value: unknown, dialect: DialectName, at: string): NodeModel[] | undefined {
  try {
    return readForeignModels(value, dialect);
  } catch (error) {
    if (error instanceof CapabilitiesError) throw new UsageError(`${at}.${error.message}`);
    throw error;
  }
}

/** Throws UsageError that begins with `at`. */
export function readOrigin(value: unknown, at: string): string {
  if (typeof value !== "string" || !/^https?:\/\//.test(value) || !URL.canParse(value)) {
    throw new UsageError(`${at}.url: expected an http or https URL`);
  }
  const { origin, href } = new URL(value);
  if (href !== `${origin}/`) throw new UsageError(`${at}.url: expected an origin, without path or user`);
  return value;
}

/** What may stand in a header. Throws UsageError that begins with `at`. */
export function readToken(value: unknown, at: string): string | undefined {
  if (value === undefined || (typeof value === "string" && /^[!-~]{1,512}$/.test(value))) return value;
  throw new UsageError(`${at}: expected up to 512 letters, digits and signs of ASCII, without spaces`);
}

function readNode(entry: Table, i: number): NodeConfig {
  const at = `nodes[${i}]`;
  const unknown = Object.keys(entry).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) throw new UsageError(`${at}.${unknown}: unknown key`);
  const { name = `node-${i + 1}`, max_concurrent: most } = entry;
  const token = readToken(entry.token, `${at}.token`);
  const url = readOrigin(entry.url, at);
  if (typeof name !== "string" || name === "") throw new UsageError(`${at}.name: expected a text`);
  const dialect = DIALECT_NAMES.find((known) => known === (entry.dialect ?? "atoma"));
  if (!dialect) throw new UsageError(`${at}.dialect: expected one of ${DIALECT_NAMES.join(", ")}`);
  const right = typeof most === "number" && Number.isInteger(most) && most >= 1 && most <= MAX_CONCURRENT;
  if (most !== undefined && !right) {
    throw new UsageError(`${at}.max_concurrent: expected a whole number from 1 to ${MAX_CONCURRENT}`);
  }
  const { trusted = false } = entry;
  if (typeof trusted !== "boolean") throw new UsageError(`${at}.trusted: expected true or false`);
  const models = readModels(entry.models, dialect, at);
  const tls = readNodeTls(entry.tls, url, at);
  return {
    name,
    url,
    token,
    ...(tls && { tls }),
    ...(dialect !== "atoma" && { dialect }),
    ...(models && { models }),
    ...(right && { maxConcurrent: most }),
    ...(trusted && { trusted }),
  };
}

/** The `[[nodes]]` of a configuration file. Throws UsageError that names the key. */
export function readNodes(value: unknown): NodeConfig[] {
  if (value === undefined) return [];
  if (!Array.isArray(value) || !value.every(isTable)) throw new UsageError("nodes: expected [[nodes]] tables");
  const nodes = value.map(readNode);
  const twice = nodes.find(({ name }, i) => nodes.findIndex((other) => other.name === name) !== i);
  if (twice) throw new UsageError(`nodes: two are named ${twice.name}`);
  return nodes;
}
