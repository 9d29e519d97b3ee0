import { LedgerInputError } from "./errors.ts";

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** Who pays. */
export type AccountId = Branded<"AccountId">;
/** An API key's public id, the part of `sk-atoma-<public id>-<secret>` that is no secret. */
export type KeyId = Branded<"KeyId">;
/** One reservation. Chosen by the caller, so that a reservation whose answer was lost can be asked for again. */
export type HoldId = Branded<"HoldId">;
/** An asynchronous generation. */
export type JobId = Branded<"JobId">;

/** Where random bytes come from: `node:crypto`'s `randomBytes`, or a seeded source in a simulation. */
export type RandomBytes = (size: number) => Uint8Array;

const ID = /^[A-Za-z0-9_-]{4,64}$/;
const BASE32 = "0123456789abcdefghjkmnpqrstvwxyz";

// The only places where a plain string becomes a branded one: after its form has been checked, or by making it.
function branded<Id extends AccountId | KeyId | HoldId | JobId>(noun: string, text: string): Id {
  if (!ID.test(text)) throw new LedgerInputError("invalid_argument", `malformed ${noun} id`);
  return text as Id;
}

/** Checks the form of an account id that came from outside. Throws `LedgerInputError` (`invalid_argument`). */
export const accountIdFrom = (text: string): AccountId => branded("account", text);
/** Checks the form of a key id that came from outside. Throws `LedgerInputError` (`invalid_argument`). */
export const keyIdFrom = (text: string): KeyId => branded("key", text);
/** Checks the form of a hold id that came from outside. Throws `LedgerInputError` (`invalid_argument`). */
export const holdIdFrom = (text: string): HoldId => branded("hold", text);

/** Checks the form of a job id that came from outside. Throws `LedgerInputError` (`invalid_argument`). */
export const jobIdFrom = (text: string): JobId => branded("job", text);

const TIME_CHARACTERS = 9;

/**
 * The millisecond in nine characters of Crockford base32, then five random bits a character: ids made after one another
 * sort after one another and sit beside one another in an index (the idea of ULID). Good until the year 3084.
 */
function orderedId(nowMs: number, randomCharacters: number, randomBytes: RandomBytes): string {
  let rest = nowMs;
  let text = "";
  for (let i = 0; i < TIME_CHARACTERS; i++) {
    text = BASE32.charAt(rest % 32) + text;
    rest = Math.floor(rest / 32);
  }
  for (const byte of randomBytes(randomCharacters)) text += BASE32.charAt(byte & 31);
  return text;
}

/** `acct_`, the time, 50 random bits. */
export const newAccountId = (nowMs: number, randomBytes: RandomBytes): AccountId =>
  branded("account", `acct_${orderedId(nowMs, 10, randomBytes)}`);

/** The time and 50 random bits, 19 characters. What keeps a key safe is its secret. */
export const newKeyId = (nowMs: number, randomBytes: RandomBytes): KeyId =>
  branded("key", orderedId(nowMs, 10, randomBytes));

/** `hold_`, the time, 80 random bits. */
export const newHoldId = (nowMs: number, randomBytes: RandomBytes): HoldId =>
  branded("hold", `hold_${orderedId(nowMs, 16, randomBytes)}`);

/** The one job that a hold may pay for: `gen_` and the rest of the hold's id. */
export const jobIdOf = (holdId: HoldId): JobId => branded("job", holdId.replace(/^hold_/, "gen_"));
