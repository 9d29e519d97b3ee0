import { Decoder } from "cbor-x";
import { CutOffError } from "./dialect.ts";

const decoder = new Decoder({ useRecords: false, mapsAsObjects: true });

const BYTES = 2;
const TEXT = 3;
const ARRAY = 4;
const MAP = 5;
const TAG = 6;

/** Where a walk over the heads of one item is: the next head begins at `at`, and so many items, nested ones too, are to come. */
interface Walk {
  at: number;
  left: number;
}

/** The argument of the head at `at` (RFC 8949, section 3) and where the head ends; undefined while it is not there. */
function readHead(buffer: Buffer, at: number): { argument: number; end: number } | undefined {
  const info = (buffer[at] ?? 0) & 31;
  if (info < 24) return { argument: info, end: at + 1 };
  if (info > 27) throw new Error("CBOR of indefinite length, or none");
  const width = 1 << (info - 24);
  const end = at + 1 + width;
  if (end > buffer.length) return undefined;
  return { argument: width === 8 ? Number(buffer.readBigUInt64BE(at + 1)) : buffer.readUIntBE(at + 1, width), end };
}

/**
 * Goes on over the heads that are there; strings are jumped over, even where they are not there yet. Throws when the item needs
 * more than `maxBytes`.
 */
function walkOn(walk: Walk, buffer: Buffer, maxBytes: number): void {
  while (walk.left > 0 && walk.at < buffer.length) {
    const head = readHead(buffer, walk.at);
    if (!head) return;
    const major = (buffer[walk.at] ?? 0) >> 5;
    const { argument, end } = head;
    walk.at = end + (major === BYTES || major === TEXT ? argument : 0);
    walk.left += -1 + (major === ARRAY ? argument : major === MAP ? 2 * argument : major === TAG ? 1 : 0);
    // What is still to come takes a byte each, at least.
    if (walk.at + walk.left > maxBytes) throw new Error("event too large");
  }
}

/**
 * The items of a CBOR sequence (RFC 8742), whose lengths are definite, of at most `maxBytes` each. Each is decoded once, when all of it
 * is there; its byte strings are views of what was received. Takes time in proportion to the bytes, however they are cut.
 * Throws on what is no CBOR, and CutOffError where the last item is not whole.
 */
export async function* cborSequence(body: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<unknown> {
  let buffer = Buffer.alloc(0);
  let size = 0;
  let walk: Walk = { at: 0, left: 1 };
  for await (const chunk of body) {
    if (size + chunk.length > buffer.length) {
      // As large as the item is known to be, or else twice as large, so that copying stays linear.
      const larger = Buffer.allocUnsafe(Math.max(walk.at, size + chunk.length, Math.min(2 * buffer.length, maxBytes)));
      buffer.copy(larger, 0, 0, size);
      buffer = larger;
    }
    buffer.set(chunk, size);
    size += chunk.length;
    let rest = buffer.subarray(0, size);
    for (walkOn(walk, rest, maxBytes); walk.left === 0 && walk.at <= rest.length; walkOn(walk, rest, maxBytes)) {
      const item: unknown = decoder.decode(rest.subarray(0, walk.at));
      rest = rest.subarray(walk.at);
      walk = { at: 0, left: 1 };
      yield item;
    }
    if (rest.length < size) {
      // A new buffer, because what was just decoded may be views of the old one.
      buffer = Buffer.from(rest);
      size = rest.length;
    }
  }
  if (size > 0) throw new CutOffError("truncated event");
}
