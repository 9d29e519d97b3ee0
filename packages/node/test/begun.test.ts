import assert from "node:assert/strict";
import { test } from "node:test";
import { begun } from "../src/answers/begun.ts";
import { withHeartbeat } from "../src/answers/with-heartbeat.ts";
import { acceptsExplicitly } from "../src/http/accepts.ts";

async function* counting(log: string[]) {
  try {
    for (let i = 0; i < 3; i++) yield { i };
  } finally {
    log.push("released");
  }
}

test("begun gives every item, the first one too", async () => {
  const items = [];
  for await (const { i } of await begun(counting([]))) items.push(i);
  assert.deepEqual(items, [0, 1, 2]);
});

test("begun fails as its source does before the first item", async () => {
  const broken = (async function* (): AsyncGenerator<number, void, undefined> {
    yield* [];
    throw new Error("nothing came");
  })();
  await assert.rejects(begun(broken), /nothing came/);
});

test("dropped unread, begun releases its source", async () => {
  const log: string[] = [];
  await (await begun(counting(log))).return?.();
  assert.deepEqual(log, ["released"]);
});

test("a heartbeat fills each silence, and what comes is not lost", async () => {
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  async function* slow() {
    for (const gate of gates) {
      await gate.promise;
      yield { item: true };
    }
  }
  const seen: string[] = [];
  for await (const item of withHeartbeat(slow(), 5)) {
    seen.push(item === "heartbeat" ? "beat" : "item");
    // Each gate opens after a silence was noticed.
    if (seen.at(-1) === "beat") gates[seen.includes("item") ? 1 : 0]?.resolve();
  }
  const compact = seen.filter((kind, i) => kind !== seen[i - 1]);
  assert.deepEqual(compact, ["beat", "item", "beat", "item"]);
});

test("a stream that is left while it is silent releases its source", async () => {
  const log: string[] = [];
  for await (const item of withHeartbeat(counting(log), 1000)) {
    assert.notEqual(item, "heartbeat");
    break;
  }
  assert.deepEqual(log, ["released"]);
});

test("a media type is accepted when it is named", () => {
  const cbor = "application/cbor-seq";
  for (const accept of [cbor, "application/json, application/cbor-seq", "Application/CBOR-seq;q=0.5"]) {
    assert.ok(acceptsExplicitly(accept, cbor), accept);
  }
  for (const accept of [undefined, "", "*/*", "application/*", "application/cbor-seq;q=0", "application/cbor-seqx"]) {
    assert.ok(!acceptsExplicitly(accept, cbor), accept);
  }
});
