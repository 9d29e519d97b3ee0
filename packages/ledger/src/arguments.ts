// Arguments are checked before they reach a database: one bad text must not fail the batch it travels in.
import type { KeyLimits } from "./core/types.ts";
import { LedgerInputError } from "./errors.ts";
import type { PriceSnapshot } from "./ledger.ts";
import { RESPONSE_DEFAULTS, type ResponseDefault } from "./response-default.ts";

const VISIBLE = /^[\x21-\x7e]+$/;
// Control characters: PostgreSQL cannot store U+0000, and none of them belongs into a name.
const CONTROL = /\p{Cc}/u;
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const MAX_LIMIT = 1_000_000_000;
const MAX_TIME = 8_640_000_000_000_000;

function invalid(message: string): LedgerInputError {
  return new LedgerInputError("invalid_argument", message);
}

/** An integer from `min` to `max`. */
export function checkInteger(name: string, value: number, min: number, max = Number.MAX_SAFE_INTEGER): number {
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw invalid(`${name} must be an integer from ${min} to ${max}`);
  }
  return value;
}

export const checkTime = (name: string, value: number): number => checkInteger(name, value, 0, MAX_TIME);

/** Text of 1 to `max` characters on one line. */
export function checkName(name: string, value: string, max: number): string {
  if (value.length === 0 || value.length > max || CONTROL.test(value) || !value.isWellFormed()) {
    throw invalid(`${name} must be text of 1 to ${max} characters on one line`);
  }
  return value;
}

/** 1 to `max` visible ASCII characters. */
export function checkVisible(name: string, value: string, max: number): string {
  if (value.length > max || !VISIBLE.test(value)) throw invalid(`${name} must be 1 to ${max} visible characters`);
  return value;
}

/** Any text up to `max` characters, but for U+0000. */
export function checkText(name: string, value: string, max: number): string {
  if (value.length > max || value.includes("\0") || !value.isWellFormed()) {
    throw invalid(`${name} must be text of at most ${max} characters`);
  }
  return value;
}

/** An http or https URL of at most 2,048 characters. Whether it may be called is the caller's to decide. */
export function checkUrl(name: string, value: string): string {
  const right = value.length <= 2_048 && /^https?:\/\//i.test(value) && URL.canParse(value) && value.isWellFormed();
  if (!right) throw invalid(`${name} must be an http or https URL of at most 2048 characters`);
  return new URL(value).href;
}

export function checkDay(name: string, value: string): string {
  const day = new Date(DAY.test(value) ? `${value}T00:00:00Z` : Number.NaN);
  // JavaScript takes the 30th of February for a day in March.
  if (Number.isNaN(day.getTime()) || !day.toISOString().startsWith(value))
    throw invalid(`${name} must be a day as YYYY-MM-DD`);
  return value;
}

/** The snapshot as JSON. */
export function checkPrice(price: PriceSnapshot): string {
  return checkText("price", JSON.stringify(price), 2_048);
}

export function checkModels(models: readonly string[] | null): readonly string[] | null {
  if (models === null) return null;
  checkInteger("the number of allowed models", models.length, 0, 1_000);
  return models.map((model) => checkName("allowed model", model, 256));
}

export function checkResponseFormat(format: string | null): ResponseDefault | null {
  if (format === null) return null;
  const known = RESPONSE_DEFAULTS.find((value) => value === format);
  if (known === undefined) throw invalid(`the response format must be one of ${RESPONSE_DEFAULTS.join(", ")}`);
  return known;
}

export function checkLimits(limits: Partial<KeyLimits>): Partial<KeyLimits> {
  const checked: Partial<KeyLimits> = {};
  for (const name of ["requestsPerMinute", "imagesPerMinute", "concurrentRequests"] as const) {
    const value = limits[name];
    if (value !== undefined) checked[name] = value === null ? null : checkInteger(name, value, 0, MAX_LIMIT);
  }
  return checked;
}
