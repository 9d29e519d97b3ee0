import { OUTPUT_FORMATS, type OutputFormat } from "@atoma/contract";

const NAME = /^([0-9a-z]{6,9})-([0-9A-Za-z_-]{22,43})\.(png|webp|jpeg)$/;

export interface ParsedName {
  readonly expiresAtMs: number;
  readonly format: OutputFormat;
}

/**
 * A name that nobody can guess (at least 128 random bits) and that tells when it stops being good:
 * `<expiry in seconds, base 36>-<random, base64url>.<format>`.
 */
export function fileName(expiresAtMs: number, random: Uint8Array, format: OutputFormat): string {
  if (random.length < 16) throw new RangeError("a file name needs at least 16 random bytes");
  return `${Math.floor(expiresAtMs / 1000).toString(36)}-${Buffer.from(random).toString("base64url")}.${format}`;
}

/** Undefined for anything that `fileName` did not make, path separators included. */
export function parseFileName(name: string): ParsedName | undefined {
  const match = NAME.exec(name);
  const format = OUTPUT_FORMATS.find((f) => f === match?.[3]);
  if (match?.[1] === undefined || format === undefined) return undefined;
  return { expiresAtMs: Number.parseInt(match[1], 36) * 1000, format };
}
