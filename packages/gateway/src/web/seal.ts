import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Encrypts small texts that a browser keeps and brings back. */
export interface Sealer {
  /** Base64url, about 1.4 times as long as the text and 38 characters. */
  seal(text: string): string;
  /** Undefined when it was not sealed with the same secret for the same purpose, or was changed. */
  open(sealed: string): string | undefined;
}

/**
 * AES-256-GCM with a random nonce. The key is derived from the secret by HKDF-SHA-256 (RFC 5869), one for each purpose, so that
 * what was sealed for one purpose cannot be used for another.
 */
export function openSealer(secret: string, purpose: string): Sealer {
  const key = Buffer.from(hkdfSync("sha256", secret, "", `atoma ${purpose}`, 32));
  return {
    seal(text) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv("aes-256-gcm", key, nonce);
      const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
      return Buffer.concat([nonce, sealed, cipher.getAuthTag()]).toString("base64url");
    },
    open(sealed) {
      const bytes = Buffer.from(sealed, "base64url");
      if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
      const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, NONCE_BYTES));
      decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES));
      try {
        const body = bytes.subarray(NONCE_BYTES, bytes.length - TAG_BYTES);
        return Buffer.concat([decipher.update(body), decipher.final()]).toString("utf8");
      } catch {
        return undefined; // wrong secret, or changed
      }
    },
  };
}
