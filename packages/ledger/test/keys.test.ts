import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import fc from "fast-check";
import { formatKey, hashSecret, keyIdFrom, newHoldId, newSecret, parseKey, verifySecret } from "../src/index.ts";

const SECRET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg";

describe("API keys", () => {
  it("are taken apart as they were put together", () => {
    const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(
      fc.property(bytes, fc.stringMatching(/^[0-9a-z]{12,32}$/), (random, publicId) => {
        const secret = newSecret(() => random);
        assert.match(secret, /^[0-9A-Za-z]{43}$/);
        const key = { keyId: keyIdFrom(publicId), secret };
        assert.deepEqual(parseKey(formatKey(key)), key);
      }),
    );
  });

  it("have different secrets for different random bytes", () => {
    const secret = (first: number) =>
      newSecret(() => Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? first : 255)));
    const secrets = Array.from({ length: 256 }, (_, first) => secret(first));
    assert.equal(new Set(secrets).size, 256);
    assert.equal(
      newSecret(() => new Uint8Array(32)),
      "0".repeat(43),
    );
  });

  it("are parsed strictly, and anything else is no key and no error", () => {
    assert.deepEqual(parseKey(`sk-atoma-0123456789ab-${SECRET}`), { keyId: "0123456789ab", secret: SECRET });
    const wrong = [
      undefined,
      null,
      7,
      {},
      "",
      "sk-atoma-",
      `sk-atoma-0123456789a-${SECRET}`,
      `sk-atoma-0123456789ab-${SECRET.slice(1)}`,
      `sk-atoma-0123456789AB-${SECRET}`,
      `sk-atoma-0123456789ab-${SECRET}-`,
      `sk-atoma-0123456789ab-${SECRET}\n`,
      ` sk-atoma-0123456789ab-${SECRET}`,
      `sk-other-0123456789ab-${SECRET}`,
      `sk-atoma-0123456789ab-${"a".repeat(129)}`,
      "sk-atoma-".padEnd(1_000_000, "a"),
    ];
    for (const text of wrong) assert.equal(parseKey(text), undefined, String(text).slice(0, 80));
    fc.assert(fc.property(fc.string(), (text) => parseKey(text) === undefined));
  });

  it("are verified by their hash", () => {
    const hash = hashSecret("abc");
    // FIPS 180-2, appendix B.1
    assert.equal(Buffer.from(hash).toString("hex"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert(verifySecret("abc", hash));
    assert(!verifySecret("abd", hash));
    assert(!verifySecret("abc", hash.slice(1)));
  });
});

describe("hold ids", () => {
  it("sort by the time they were made at", () => {
    fc.assert(
      fc.property(fc.nat(2 ** 44), fc.nat(1_000), (at, later) => {
        const [first, second] = [newHoldId(at, randomBytes), newHoldId(at + later + 1, randomBytes)];
        assert(first < second);
        assert.match(first, /^hold_[0-9a-hjkmnp-tv-z]{25}$/);
      }),
    );
  });
});
