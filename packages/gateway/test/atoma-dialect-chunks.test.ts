import assert from "node:assert/strict";
import { test } from "node:test";
import { Encoder } from "cbor-x";
import fc from "fast-check";
import { atoma } from "../src/dialects/atoma.ts";
import { cborReader } from "../src/dialects/cbor-events.ts";
import { type AnswerEvent, CutOffError } from "../src/dialects/dialect.ts";

const encoder = new Encoder({ useRecords: false, tagUint8Array: false });

function* split(bytes: Uint8Array, cuts: readonly number[]): Generator<Uint8Array> {
  const places = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  let at = 0;
  for (const end of places) {
    yield bytes.slice(at, end);
    at = end;
  }
}

/** What a reader gives for these chunks, as far as it comes; `got` has it also when it throws. */
function readAll<T>(
  reader: { push(chunk: Uint8Array): Iterable<T>; end(): unknown },
  chunks: Iterable<Uint8Array>,
  got: T[] = [],
): T[] {
  for (const chunk of chunks) for (const item of reader.push(chunk)) got.push(item);
  reader.end();
  return got;
}

// The dialect reads no field of the job, nor of the assignment.
const decode = async (bytes: Uint8Array, cuts: readonly number[], got: AnswerEvent[] = []) =>
  readAll(atoma.reader(undefined as never, undefined as never), split(bytes, cuts), got);

const count = fc.nat(2 ** 32 - 1);
const picture = fc
  .tuple(fc.oneof(fc.nat(300), fc.integer({ min: 65_530, max: 65_540 })), fc.nat(255))
  .map(([size, byte]) => new Uint8Array(size).fill(byte));
const event = fc.oneof(
  fc.record({ type: fc.constant("progress"), index: count, step: count, steps: count }),
  fc.record({ type: fc.constant("partial"), index: count, partial: count, bytes: picture }),
  fc.record({
    type: fc.constant("image"),
    index: count,
    bytes: picture,
    seed: count,
    width: count,
    format: fc.string(),
  }),
  fc.constant({ type: "done" }),
  fc.record({ type: fc.constant("error"), code: fc.string(), message: fc.string({ unit: "grapheme" }) }),
);
const cuts = fc.array(fc.nat(), { maxLength: 40 });
const encoded = (events: readonly unknown[]) => Buffer.concat(events.map((one) => encoder.encode(one)));
/** With pictures as text, whatever kind of view they are. */
const plain = (events: readonly object[]) =>
  events.map((one) => ({
    ...one,
    ...("bytes" in one && { bytes: Buffer.from(one.bytes as Uint8Array).toString("hex") }),
  }));

test("any cutting of any sequence of events gives these events", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 8 }), cuts, async (events, places) => {
      assert.deepEqual(plain(await decode(encoded(events), places)), plain(events));
    }),
    { numRuns: 100 },
  );
});

test("a sequence that breaks off within an event gives those before it, and then throws", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(event, { maxLength: 3 }),
      event,
      fc.nat(),
      cuts,
      async (before, last, missing, places) => {
        const tail = encoded([last]);
        const bytes = Buffer.concat([encoded(before), tail.subarray(0, 1 + (missing % (tail.length - 1)))]);
        const got: AnswerEvent[] = [];
        await assert.rejects(decode(bytes, places, got), CutOffError);
        assert.deepEqual(plain(got), plain(before));
      },
    ),
    { numRuns: 100 },
  );
});

test("garbage throws", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 200 }), cuts, async (bytes, places) => {
      await assert.rejects(decode(bytes, places));
    }),
    { numRuns: 500 },
  );
  for (const indefinite of [[0xbf, 0xff], [0x9f, 0xff], [0x5f, 0xff], [0x1c], [0xff]]) {
    await assert.rejects(decode(Uint8Array.from(indefinite), []), /indefinite/);
  }
});

test("an item that is larger than may be is refused by its head, before it arrives", () => {
  const heads = {
    "bytes, 32 bits": [0x5a, 0x10, 0, 0, 0],
    "text, 64 bits": [0x7b, 0, 0, 0, 1, 0, 0, 0, 0],
    "more than a number can be": [0x5b, 255, 255, 255, 255, 255, 255, 255, 255],
    "an array of too many": [0x9a, 0x10, 0, 0, 0],
    "a map of too many": [0xba, 0x10, 0, 0, 0],
    "nested arrays": [0x99, 0xff, 0xff, 0x9a, 0x03, 0xff, 0xff, 0xff],
  };
  for (const [name, head] of Object.entries(heads)) {
    const reader = cborReader(64 * 2 ** 20);
    assert.throws(() => [...reader.push(Uint8Array.from(head))], /too large/, name);
  }
  const small = encoder.encode({ bytes: new Uint8Array(100) });
  assert.equal(readAll(cborReader(small.length), split(small, [3])).length, 1);
  assert.throws(() => readAll(cborReader(small.length - 1), split(small, [3])), /too large/);
});
