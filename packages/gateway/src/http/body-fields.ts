import { errors } from "@atoma/contract";

type Body = Readonly<Record<string, unknown>>;

/** Throws ApiError 400 when the body has a field that its schema does not list. */
export function onlyFieldsOf(body: Body, { properties }: { readonly properties: object }): void {
  const unknown = Object.keys(body).find((key) => !Object.hasOwn(properties, key));
  if (unknown !== undefined) throw errors.unknownParameter(unknown);
}

export function text(body: Body, name: string): string | undefined {
  const value = body[name];
  if (value === undefined) return undefined;
  if (typeof value !== "string") throw errors.invalidType(name, "a string", value);
  return value;
}

export function requiredText(body: Body, name: string): string {
  const value = text(body, name);
  if (value === undefined) throw errors.missingParameter(name);
  if (value === "") throw errors.emptyString(name);
  return value;
}

export function flag(body: Body, name: string): boolean | undefined {
  const value = body[name];
  if (value !== undefined && typeof value !== "boolean") throw errors.invalidType(name, "a boolean", value);
  return value;
}

/** Beyond it JSON's numbers are not told apart. */
const MOST = Number.MAX_SAFE_INTEGER;

/** A whole number from `min` to `max`. */
export function whole(body: Body, name: string, min: number, max = MOST): number | undefined {
  const value = body[name];
  if (value === undefined) return undefined;
  const isInteger = Number.isInteger(value) || value === Infinity || value === -Infinity;
  if (typeof value !== "number" || !isInteger) throw errors.invalidType(name, "an integer", value);
  if (value < min) throw errors.belowMinimum(name, "integer", min, value);
  if (value > max) throw errors.aboveMaximum(name, "integer", max, value);
  return value;
}

/** As `whole`, where null has a meaning of its own. */
export function wholeOrNull(body: Body, name: string, min: number, max: number): number | null | undefined {
  return body[name] === null ? null : whole(body, name, min, max);
}

/** One of some texts, where null has a meaning of its own. */
export function oneOrNull<T extends string>(body: Body, name: string, values: readonly T[]): T | null | undefined {
  if (body[name] === null) return null;
  const given = text(body, name);
  if (given === undefined) return undefined;
  const known = values.find((value) => value === given);
  if (known === undefined) throw errors.invalidValue(name, given, values);
  return known;
}

export function textsOrNull(body: Body, name: string): readonly string[] | null | undefined {
  const value = body[name];
  if (value === undefined || value === null) return value;
  if (!Array.isArray(value)) throw errors.invalidType(name, "an array of strings", value);
  return value.map((item: unknown, i) => {
    if (typeof item !== "string") throw errors.invalidType(`${name}[${i}]`, "a string", item);
    return item;
  });
}

/** An http or https origin: scheme, host and port alone. */
export function requiredOrigin(body: Body, name: string): string {
  const url = requiredText(body, name);
  const right = /^https?:\/\//.test(url) && URL.canParse(url) && new URL(url).href === `${new URL(url).origin}/`;
  if (right) return url;
  throw errors.conflict(name, `Invalid '${name}': expected an http or https origin, without path or user.`);
}
