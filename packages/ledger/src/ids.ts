import { LedgerInputError } from "./errors.ts";

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** Who pays: `acct_` and 20 lower-case letters or digits. */
export type AccountId = Branded<"AccountId">;
/** An API key's public id, the part of `sk-atoma-<public id>-<secret>` that is no secret. */
export type KeyId = Branded<"KeyId">;
/** One reservation. Chosen by the caller, so that a reservation whose answer was lost can be asked for again. */
export type HoldId = Branded<"HoldId">;

/** Where random bytes come from: `node:crypto`'s `randomBytes`, or a seeded source in a simulation. */
export type RandomBytes = (size: number) => Uint8Array;

const ID = /^[A-Za-z0-9_-]{4,64}$/;
const BASE32 = "0123456789abcdefghjkmnpqrstvwxyz";

// The only places where a plain string becomes a branded one: after its form has been checked, or by making it.
function branded<Id extends AccountId | KeyId | HoldId>(noun: string, text: string): Id {
  if (!ID.test(text)) throw new LedgerInputError("invalid_argument", `malformed ${noun} id`);
  return text as Id;
}

/** Checks the form of an account id that came from outside. Throws `LedgerInputError` (`invalid_argument`). */
export const accountIdFrom = (text: string): AccountId => branded("account", text);
/** Checks the form of a key id that came from outside. Throws `LedgerInputError` (`invalid_argument`). */
export const keyIdFrom = (text: string): KeyId => branded("key", text);
/** Checks the form of a hold id that came from outside. Throws `LedgerInputError` (`invalid_argument`). */
export const holdIdFrom = (text: string): HoldId => branded("hold", text);

/** Bytes as Crockford base32 in lower case, one character for each byte's low five bits. */
export function base32(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += BASE32.charAt(byte & 31);
  return text;
}

export const newAccountId = (randomBytes: RandomBytes): AccountId => branded("account", `acct_${base32(randomBytes(20))}`);

/** A key's public id: 16 characters, 80 random bits. */
export const newKeyId = (randomBytes: RandomBytes): KeyId => branded("key", base32(randomBytes(16)));

/**
 * A hold id: the millisecond in ten characters, then 80 random bits, so that ids made after one another sit beside
 * one another in an index (the idea of ULID).
 */
export function newHoldId(nowMs: number, randomBytes: RandomBytes): HoldId {
  let rest = nowMs;
  let time = "";
  for (let i = 0; i < 10; i++) {
    time = BASE32.charAt(rest % 32) + time;
    rest = Math.floor(rest / 32);
  }
  return branded("hold", `hold_${time}${base32(randomBytes(16))}`);
}
