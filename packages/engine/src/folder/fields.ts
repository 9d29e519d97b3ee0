import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parsePythonJson } from "./parse-python-json.ts";

const MAX_BYTES = 32 * 1024 * 1024;

/** Something of a model folder is missing or wrong; the message names the file and the thing. */
export class ModelFolderError extends Error {
  override readonly name = "ModelFolderError";
}

/** The fields of one JSON object of a model folder, read with checks. */
export interface Fields {
  /** A refusal that names the file. */
  fail(what: string): ModelFolderError;
  has(key: string): boolean;
  value(key: string): unknown;
  string(key: string, fallback?: string): string;
  boolean(key: string, fallback?: boolean): boolean;
  /** A finite number of at least `min` (default: any). */
  number(key: string, fallback?: number, min?: number): number;
  /** A whole number of at least `min` (default 1). */
  integer(key: string, fallback?: number, min?: number): number;
  strings(key: string, fallback?: readonly string[]): readonly string[];
  numbers(key: string): readonly number[];
  /** A nested object; undefined where it is absent. */
  object(key: string): Fields | undefined;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const isString = (v: unknown): v is string => typeof v === "string" && v !== "";
const isBoolean = (v: unknown): v is boolean => typeof v === "boolean";
const isStrings = (v: unknown): v is string[] => Array.isArray(v) && v.every((item) => typeof item === "string");
const isNumbers = (v: unknown): v is number[] => Array.isArray(v) && v.every((item) => Number.isFinite(item));

/** Wraps an object; `where` is what error messages call it. Null counts as absent, as in diffusers' own files. */
export function fieldsOf(source: Readonly<Record<string, unknown>>, where: string): Fields {
  const value = (key: string) => (Object.hasOwn(source, key) ? (source[key] ?? undefined) : undefined);
  const fail = (what: string) => new ModelFolderError(`${where}: ${what}`);
  const read = <T>(key: string, is: (v: unknown) => v is T, expected: string, fallback: T | undefined): T => {
    const found = value(key);
    if (found === undefined) {
      if (fallback === undefined) throw fail(`"${key}" is missing; expected ${expected}`);
      return fallback;
    }
    if (!is(found)) throw fail(`"${key}" must be ${expected}`);
    return found;
  };
  return {
    fail,
    value,
    has: (key) => value(key) !== undefined,
    string: (key, fallback) => read(key, isString, "a string", fallback),
    boolean: (key, fallback) => read(key, isBoolean, "true or false", fallback),
    number: (key, fallback, min = Number.NEGATIVE_INFINITY) =>
      read(key, (v): v is number => Number.isFinite(v) && Number(v) >= min, `a number of at least ${min}`, fallback),
    integer: (key, fallback, min = 1) => {
      const is = (v: unknown): v is number => Number.isSafeInteger(v) && Number(v) >= min;
      return read(key, is, `a whole number of at least ${min}`, fallback);
    },
    strings: (key, fallback) => read(key, isStrings, "a list of strings", fallback ? [...fallback] : undefined),
    numbers: (key) => read(key, isNumbers, "a list of numbers", undefined),
    object: (key) => {
      const found = value(key);
      if (found === undefined) return undefined;
      if (!isObject(found)) throw fail(`"${key}" must be an object`);
      return fieldsOf(found, `${where}: "${key}"`);
    },
  };
}

/** Reads a JSON object of at most 32 MiB. Throws ModelFolderError naming the file when that fails. */
export function readJsonObject(...path: string[]): Record<string, unknown> {
  const file = join(...path);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new ModelFolderError(`${file}: cannot be read`, { cause });
  }
  if (text.length > MAX_BYTES) throw new ModelFolderError(`${file}: larger than ${MAX_BYTES} bytes`);
  let parsed: unknown;
  try {
    parsed = parsePythonJson(text);
  } catch (cause) {
    throw new ModelFolderError(`${file}: not JSON`, { cause });
  }
  if (!isObject(parsed)) throw new ModelFolderError(`${file}: not a JSON object`);
  return parsed;
}

export function readFields(...path: string[]): Fields {
  return fieldsOf(readJsonObject(...path), join(...path));
}
