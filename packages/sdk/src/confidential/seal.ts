import { encodeBase64 } from "../lib/base64.ts";
import { InvalidRequestError } from "../models/errors/invalidrequesterror.ts";
import { SDKValidationError } from "../models/errors/sdkvalidationerror.ts";
import type { Bytes } from "../types/bytes.ts";
import { blake2b } from "./blake2b.ts";

const AES = "AES-GCM";
const X25519 = { name: "X25519" };

/** A message that only the node can read, and the way to read what it answers. */
export interface Sealed {
  /** The fields of the request that carry it, all in base64. */
  readonly fields: Record<string, string>;
  /** @throws SDKValidationError when the answer was not sealed with the same key, or was changed on the way */
  open(ciphertext: Bytes, nonce: Bytes): Promise<string>;
}

/**
 * Seals a message for a node: X25519 with a key pair of its own, HKDF-SHA256 (16 bytes of salt, no info), AES-256-GCM (12
 * bytes of nonce, the tag at the end), and BLAKE2b-256 of the message beside it.
 * @param nodeKey the node's X25519 public key, 32 bytes
 * @throws InvalidRequestError where WebCrypto has no X25519; SDKValidationError for a key that is none
 */
export async function seal(message: string, nodeKey: Bytes): Promise<Sealed> {
  const { subtle } = crypto;
  const pair = await keyPair();
  const salt = crypto.getRandomValues(new Uint8Array(16));
  const key = await subtle
    .importKey("raw", nodeKey, X25519, false, [])
    .then((theirs) => subtle.deriveBits({ ...X25519, public: theirs }, pair.privateKey, 256))
    .then((secret) => subtle.importKey("raw", secret, "HKDF", false, ["deriveKey"]))
    .then((secret) => {
      const hkdf = { name: "HKDF", hash: "SHA-256", salt, info: new Uint8Array() };
      return subtle.deriveKey(hkdf, secret, { name: AES, length: 256 }, false, ["encrypt", "decrypt"]);
    })
    .catch((cause: unknown) => {
      throw new SDKValidationError("Response", "the key of the node is not one of X25519", undefined, { cause });
    });
  const plain = new TextEncoder().encode(message);
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const fields = {
    ciphertext: await subtle.encrypt({ name: AES, iv }, key, plain),
    nonce: iv,
    salt,
    client_dh_public_key: await subtle.exportKey("raw", pair.publicKey),
    node_dh_public_key: nodeKey,
    plaintext_body_hash: blake2b(plain, 32),
  };
  const encoded = Object.entries(fields).map(([name, bytes]) => [name, encodeBase64(new Uint8Array(bytes))]);
  return {
    fields: Object.fromEntries(encoded),
    async open(ciphertext, nonce) {
      try {
        return new TextDecoder().decode(await subtle.decrypt({ name: AES, iv: nonce }, key, ciphertext));
      } catch (cause) {
        const message = "the answer was sealed with another key, or changed on the way";
        throw new SDKValidationError("Response", message, undefined, { cause });
      }
    },
  };
}

async function keyPair(): Promise<CryptoKeyPair> {
  try {
    const pair = await crypto.subtle.generateKey(X25519, false, ["deriveBits"]);
    // The types know the algorithm only by name, and so not that it makes pairs.
    return pair as CryptoKeyPair;
  } catch (cause) {
    throw new InvalidRequestError("Confidential calls need WebCrypto with X25519, and in a browser https", { cause });
  }
}
