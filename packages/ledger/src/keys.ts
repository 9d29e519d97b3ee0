import { createHash, timingSafeEqual } from "node:crypto";
import { type KeyId, keyIdFrom, type RandomBytes } from "./ids.ts";

/** An API key taken apart. */
export interface ParsedKey {
  keyId: KeyId;
  secret: string;
}

const KEY = /^sk-atoma-([0-9a-z]{12,32})-([0-9A-Za-z]{43,128})$/;
const MAX_KEY_LENGTH = 9 + 32 + 1 + 128;
const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const SECRET_BYTES = 32;

/** The key as its owner sees it, once: `sk-atoma-<public id>-<secret>`. */
export function formatKey(key: ParsedKey): string {
  return `sk-atoma-${key.keyId}-${key.secret}`;
}

/** Takes a key apart. Anything that is not exactly a key gives undefined; it never throws. */
export function parseKey(text: unknown): ParsedKey | undefined {
  if (typeof text !== "string" || text.length > MAX_KEY_LENGTH) return undefined;
  const match = KEY.exec(text);
  const [, publicId, secret] = match ?? [];
  if (publicId === undefined || secret === undefined) return undefined;
  return { keyId: keyIdFrom(publicId), secret };
}

/** 32 random bytes written in base 62, 43 characters without `-` or `_`. */
export function newSecret(randomBytes: RandomBytes): string {
  const bytes = randomBytes(SECRET_BYTES);
  let value = 0n;
  for (const byte of bytes) value = value * 256n + BigInt(byte);
  let text = "";
  for (let i = 0; i < 43; i++) {
    text = ALPHABET.charAt(Number(value % 62n)) + text;
    value /= 62n;
  }
  return text;
}

const WEBHOOK_SECRET_BYTES = 32;

/** A webhook's secret as its receiver gets it: `whsec_` and 32 random bytes in base64 (Standard Webhooks). */
export function newWebhookSecret(randomBytes: RandomBytes): string {
  return `whsec_${Buffer.from(randomBytes(WEBHOOK_SECRET_BYTES)).toString("base64")}`;
}

/**
 * SHA-256 of the secret, 32 bytes. A secret has 256 random bits, so nothing slower is needed to store it
 * (a password hash defends guessable secrets).
 */
export function hashSecret(secret: string): Uint8Array {
  return createHash("sha256").update(secret, "utf8").digest();
}

/** Whether `secret` is the one whose hash is given, in time that does not depend on where they differ. */
export function verifySecret(secret: string, secretHash: Uint8Array): boolean {
  const actual = hashSecret(secret);
  return actual.length === secretHash.length && timingSafeEqual(actual, secretHash);
}
