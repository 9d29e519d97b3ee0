import assert from "node:assert/strict";
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  randomBytes,
} from "node:crypto";
import { type TestContext, test } from "node:test";
import { blake2b } from "../src/confidential/blake2b.ts";
import { confidentialImagesGenerate } from "../src/funcs/confidentialImagesGenerate.ts";
import { AtomaSDK } from "../src/index.ts";
import { APIError, RequestTimeoutError, SDKValidationError } from "../src/models/errors/index.ts";
import { ANSWER, core, errorOf, KEY, successOf } from "./support/calls.ts";
import { manualClock } from "./support/manual-clock.ts";
import { json, type Seen, serve } from "./support/server.ts";

const SECRET_PROMPT = "a cat that nobody may know of";

interface Confidential {
  ciphertext: string;
  client_dh_public_key: string;
  node_dh_public_key: string;
  nonce: string;
  salt: string;
  plaintext_body_hash: string;
  model_name: string;
  num_compute_units: number;
  stack_small_id: number;
  stream: boolean;
}

type Answer = { ciphertext: Buffer; nonce: Buffer };

const bytesOf = (text: string) => Buffer.from(text, "base64");

/** The first bytes of an X25519 public key in SPKI; the raw 32 follow. */
const SPKI = Buffer.from("302a300506032b656e032100", "hex");

/** A node that reads and answers sealed requests, with OpenSSL's cryptography. */
async function confidentialNode(t: TestContext, change: (answer: Answer) => Answer = (answer) => answer) {
  const pair = generateKeyPairSync("x25519");
  const publicKey = pair.publicKey.export({ type: "spki", format: "der" }).subarray(12).toString("base64");
  const read: { request: Confidential; message: string }[] = [];
  const server = await serve(t, (response, { url, body }) => {
    if (url === "/v1/nodes/lock") return json(response, { public_key: publicKey, node_small_id: 3, stack_small_id: 7 });
    const request: Confidential = JSON.parse(String(body));
    const theirs = createPublicKey({
      key: Buffer.concat([SPKI, bytesOf(request.client_dh_public_key)]),
      type: "spki",
      format: "der",
    });
    const secret = diffieHellman({ privateKey: pair.privateKey, publicKey: theirs });
    const key = Buffer.from(hkdfSync("sha256", secret, bytesOf(request.salt), "", 32));
    const sealed = bytesOf(request.ciphertext);
    const decipher = createDecipheriv("aes-256-gcm", key, bytesOf(request.nonce));
    decipher.setAuthTag(sealed.subarray(-16));
    const message = Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
    read.push({ request, message: message.toString() });
    const nonce = randomBytes(12);
    const cipher = createCipheriv("aes-256-gcm", key, nonce);
    const text = [cipher.update(JSON.stringify(ANSWER)), cipher.final(), cipher.getAuthTag()];
    const answer = change({ ciphertext: Buffer.concat(text), nonce });
    json(response, { ciphertext: answer.ciphertext.toString("base64"), nonce: answer.nonce.toString("base64") });
  });
  return { ...server, read, publicKey };
}

test("K-071 a confidential picture comes back, and its prompt is read by the node alone", async (t) => {
  const node = await confidentialNode(t);
  const request = { model: "m", prompt: SECRET_PROMPT, n: 2, size: "512x256" as const, responseFormat: "b64_json" };
  const value = successOf(await confidentialImagesGenerate(core(node), request));
  assert.equal((await value.data[0]?.bytes())?.length, 70);
  const [{ request: sent, message } = assert.fail()] = node.read;
  assert.deepEqual(JSON.parse(message), {
    model: "m",
    prompt: SECRET_PROMPT,
    n: 2,
    size: "512x256",
    response_format: "b64_json",
  });
  assert.deepEqual(
    [sent.model_name, sent.num_compute_units, sent.stack_small_id, sent.stream, sent.node_dh_public_key],
    ["m", 2 * 512 * 256, 7, false, node.publicKey],
  );
  assert.deepEqual([bytesOf(sent.salt).length, bytesOf(sent.nonce).length], [16, 12]);
  assert.equal(sent.plaintext_body_hash, Buffer.from(blake2b(Buffer.from(message), 32)).toString("base64"));
  const [lock, call] = node.seen;
  assert.deepEqual(JSON.parse(String(lock?.body)), { model: "m" });
  assert.deepEqual([lock, call].map(authorization), Array(2).fill(`Bearer ${KEY}`));
  for (const { body } of node.seen) assert.ok(!String(body).includes("cat"));
});

function authorization(seen: Seen | undefined): string | undefined {
  return seen?.headers.authorization;
}

test("K-071 the class makes confidential pictures too, each with a key, salt and nonce of its own", async (t) => {
  const node = await confidentialNode(t);
  const sdk = new AtomaSDK({ serverURL: node.url, bearerAuth: KEY });
  const request = { model: "m", prompt: "x" };
  for (let i = 0; i < 2; i++) assert.equal((await sdk.confidentialImages.generate(request)).data.length, 1);
  const [first, second] = node.read.map((one) => one.request);
  assert.equal(first?.num_compute_units, 1024 * 1024, "what a server takes for a request without a size");
  for (const field of ["client_dh_public_key", "salt", "nonce", "ciphertext"] as const) {
    assert.notEqual(first?.[field], second?.[field]);
  }
  const lock = await sdk.nodes.nodesCreateLock({ model: "m" });
  assert.deepEqual(lock, { publicKey: node.publicKey, nodeSmallId: 3, stackSmallId: 7 });
});

const flip = (bytes: Buffer, i: number) => Buffer.from(bytes.map((byte, at) => (at === i ? byte ^ 1 : byte)));

for (const [what, change] of [
  ["tag", ({ ciphertext, nonce }) => ({ ciphertext: flip(ciphertext, ciphertext.length - 1), nonce })],
  ["text", ({ ciphertext, nonce }) => ({ ciphertext: flip(ciphertext, 0), nonce })],
  ["nonce", ({ ciphertext, nonce }) => ({ ciphertext, nonce: flip(nonce, 3) })],
  ["key", ({ nonce }) => ({ ciphertext: sealedByAStranger(nonce), nonce })],
  ["length", ({ nonce }) => ({ ciphertext: Buffer.from("short"), nonce })],
] satisfies [string, (answer: Answer) => Answer][]) {
  test(`K-071 an answer with another ${what} is an error, and nothing is printed`, async (t) => {
    const node = await confidentialNode(t, change);
    const printed = t.mock.method(console, "error");
    const result = await confidentialImagesGenerate(core(node), { model: "m", prompt: SECRET_PROMPT });
    const error = errorOf(result, SDKValidationError);
    assert.match(error.message, /sealed with another key, or changed on the way/);
    assert.equal(node.read.length, 1, "it is not asked again");
    assert.equal(printed.mock.callCount(), 0);
    for (const text of [error.message, error.pretty(), JSON.stringify(error), error.stack]) {
      assert.ok(!text?.includes(SECRET_PROMPT));
    }
  });
}

function sealedByAStranger(nonce: Buffer): Buffer {
  const cipher = createCipheriv("aes-256-gcm", randomBytes(32), nonce);
  return Buffer.concat([cipher.update(JSON.stringify(ANSWER)), cipher.final(), cipher.getAuthTag()]);
}

test("K-071 a node that is not there, or whose key is none, is an error before anything is sealed", async (t) => {
  const keys = [Buffer.alloc(32), Buffer.alloc(31, 9), "@@@@"];
  for (const key of keys) {
    const server = await serve(t, (response) =>
      json(response, { public_key: Buffer.from(key).toString("base64"), node_small_id: 1, stack_small_id: 1 }),
    );
    const result = await confidentialImagesGenerate(core(server), { model: "m", prompt: "x" });
    errorOf(result, SDKValidationError);
    assert.equal(server.seen.length, 1);
  }
  const none = await serve(t, (response) => json(response, { error: { message: "none", code: "no_node" } }, 500));
  const refused = errorOf(await confidentialImagesGenerate(core(none), { model: "m", prompt: "x" }), APIError);
  assert.equal(refused.code, "no_node");
});

test("K-071 one deadline covers both requests, and input is checked before the first", async (t) => {
  const server = await serve(t, () => {});
  const clock = manualClock();
  const call = confidentialImagesGenerate(core(server, {}, clock), { model: "m", prompt: "x" }, { timeoutMs: 150 });
  await server.received(1);
  clock.advance(150);
  errorOf(await call, RequestTimeoutError);
  assert.ok(!server.seen.some(({ url }) => url.includes("confidential")));
  const asked = server.connections();
  for (const request of [{ model: "m" }, { prompt: "x" }, { model: "m", prompt: "x", stream: true }]) {
    // Cast, since the types refuse what callers in JavaScript can give.
    const wrong = request as { model: string; prompt: string };
    errorOf(await confidentialImagesGenerate(core(server), wrong), SDKValidationError);
  }
  assert.equal(server.connections(), asked);
});

test("a node's address is sent in the order that is signed", async (t) => {
  const server = await serve(t, (response) => json(response, { message: "Success" }));
  const sdk = new AtomaSDK({ serverURL: server.url });
  const data = { country: "CH", publicAddress: "https://node.example", nodeSmallId: 4 };
  assert.deepEqual(await sdk.nodes.nodesCreate({ data, signature: "c2ln" }), { message: "Success" });
  assert.equal(
    String(server.seen[0]?.body),
    '{"data":{"node_small_id":4,"public_address":"https://node.example","country":"CH"},"signature":"c2ln"}',
  );
});

test("BLAKE2b agrees with OpenSSL's at every length up to four blocks, and with the known digests of 32 bytes", () => {
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
  const data = randomBytes(513);
  for (let length = 0; length <= data.length; length++) {
    const part = data.subarray(0, length);
    assert.equal(hex(blake2b(part, 64)), createHash("blake2b512").update(part).digest("hex"));
  }
  const known = "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319";
  assert.equal(hex(blake2b(Buffer.from("abc"), 32)), known);
});
