import type { Fields } from "../folder/fields.ts";

/** How one key of a scheduler's file is read. Throws ModelFolderError naming file, key and value. */
export type Key<T> = (config: Fields, key: string) => T;

/** The keys that a class of the reference declares, and what becomes of each. */
export type KeyTable = Readonly<Record<string, Key<unknown>>>;

export type Settings<T extends KeyTable> = { readonly [K in keyof T]: T[K] extends Key<infer V> ? V : never };

/** Reads the keys of the table; others, which belong to other classes, are ignored as in diffusers. */
export function readSettings<T extends KeyTable>(config: Fields, table: T): Settings<T> {
  const settings = Object.fromEntries(Object.entries(table).map(([key, read]) => [key, read(config, key)]));
  // Each entry was read by the table's own key.
  return settings as Settings<T>;
}

export const flag =
  (fallback: boolean): Key<boolean> =>
  (config, key) =>
    config.boolean(key, fallback);

export const whole =
  (fallback: number, min = 1): Key<number> =>
  (config, key) =>
    config.integer(key, fallback, min);

export const decimal =
  (fallback: number, min?: number): Key<number> =>
  (config, key) =>
    config.number(key, fallback, min);

export const optionalDecimal: Key<number | undefined> = (config, key) =>
  config.has(key) ? config.number(key) : undefined;

export const optionalDecimals: Key<readonly number[] | undefined> = (config, key) =>
  config.has(key) ? config.numbers(key) : undefined;

/** One of the words that are built. */
export const oneOf =
  <const T extends string>(fallback: NoInfer<T>, ...built: readonly T[]): Key<T> =>
  (config, key) => {
    const word = config.string(key, fallback);
    const found = built.find((known) => known === word);
    if (found === undefined)
      throw config.fail(`"${key}" is "${word}", which is not supported; use ${built.join(", ")}`);
    return found;
  };

/** Reads the words of another class as those that the reference replaces them by. */
export const renamed =
  <T>(words: Readonly<Record<string, NoInfer<T>>>, otherwise: Key<T>): Key<T> =>
  (config, key) => {
    const value = config.value(key);
    return typeof value === "string" && Object.hasOwn(words, value) ? (words[value] as T) : otherwise(config, key);
  };

/** A number that may be minus infinity, as Python writes it into JSON. */
export const leastOr =
  (fallback: number): Key<number> =>
  (config, key) =>
    config.value(key) === Number.NEGATIVE_INFINITY ? Number.NEGATIVE_INFINITY : config.number(key, fallback);

/** A key that is not built: anything but its default, or nothing, is refused. */
export const only =
  (fallback: string | number | boolean | null): Key<undefined> =>
  (config, key) => {
    if (!config.has(key) || config.value(key) === fallback) return undefined;
    throw config.fail(
      `"${key}" is ${JSON.stringify(config.value(key))}, which is not supported; use ${fallback} or leave it out`,
    );
  };
