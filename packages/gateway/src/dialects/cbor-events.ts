import { CutOffError } from "./dialect.ts";

const UNSIGNED = 0;
const NEGATIVE = 1;
const BYTES = 2;
const TEXT = 3;
const ARRAY = 4;
const MAP = 5;
const TAG = 6;

/** A byte string from this length on is received into memory of its own, of exactly its length. */
const OWN_MEMORY_BYTES = 16 * 1024;
const MAX_DEPTH = 16;
const INDEFINITE = "CBOR of indefinite length, or none";

/** How many bytes the head at `at` has (RFC 8949, section 3): 1, 2, 3, 5 or 9. */
function headLength(initial: number): number {
  const info = initial & 31;
  if (info > 27) throw new Error(INDEFINITE);
  return info < 24 ? 1 : 1 + (1 << (info - 24));
}

function argumentAt(buffer: Buffer, at: number): number {
  const info = (buffer[at] ?? 0) & 31;
  if (info < 24) return info;
  if (info === 27) return Number(buffer.readBigUInt64BE(at + 1));
  return buffer.readUIntBE(at + 1, 1 << (info - 24));
}

/** IEEE 754 half precision (RFC 8949, appendix D). */
function halfFloat(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const mantissa = bits & 1023;
  const size =
    exponent === 0
      ? mantissa * 2 ** -24
      : exponent === 31
        ? mantissa === 0
          ? Number.POSITIVE_INFINITY
          : Number.NaN
        : (mantissa + 1024) * 2 ** (exponent - 25);
  return bits & 0x8000 ? -size : size;
}

/** `false`, `true`, null, undefined and floating-point numbers. */
function simpleValue(buffer: Buffer, at: number): unknown {
  switch ((buffer[at] ?? 0) & 31) {
    case 20:
      return false;
    case 21:
      return true;
    case 22:
      return null;
    case 23:
      return undefined;
    case 25:
      return halfFloat(buffer.readUInt16BE(at + 1));
    case 26:
      return buffer.readFloatBE(at + 1);
    case 27:
      return buffer.readDoubleBE(at + 1);
    default:
      throw new Error("a CBOR value that means nothing");
  }
}

/** A byte string that has memory of its own: its bytes are not in the item's, where they would begin at `at`. */
interface Hole {
  readonly at: number;
  readonly bytes: Buffer;
}

/** Decodes one whole item that begins at 0; the byte strings of `holes` come from there. */
function decodeItem(buffer: Buffer, holes: readonly Hole[]): unknown {
  let at = 0;
  let hole = 0;

  function bytes(length: number): Uint8Array {
    const own = holes[hole];
    if (own?.at === at) {
      hole++;
      return own.bytes;
    }
    at += length;
    return buffer.subarray(at - length, at);
  }

  function decode(depth: number): unknown {
    if (depth > MAX_DEPTH) throw new Error("CBOR nested too deeply");
    const head = at;
    const initial = buffer[head] ?? 0;
    const major = initial >> 5;
    at += headLength(initial);
    if (major === 7) return simpleValue(buffer, head);
    const argument = argumentAt(buffer, head);
    switch (major) {
      case UNSIGNED:
        return argument;
      case NEGATIVE:
        return -1 - argument;
      case BYTES:
        return bytes(argument);
      case TEXT:
        at += argument;
        return buffer.toString("utf8", at - argument, at);
      case ARRAY:
        return Array.from({ length: argument }, () => decode(depth + 1));
      case MAP: {
        const map: Record<string, unknown> = {};
        for (let left = argument; left > 0; left--) {
          const key = decode(depth + 1);
          if (typeof key !== "string" || key === "__proto__") throw new Error("a CBOR map with an odd key");
          map[key] = decode(depth + 1);
        }
        return map;
      }
      default:
        return decode(depth + 1); // what a tag is of
    }
  }

  return decode(0);
}

/** Takes a CBOR sequence apart. */
export interface CborReader {
  /** The items that are whole with these bytes, to be read to the end. */
  push(chunk: Uint8Array): Iterable<unknown>;
  /** Throws CutOffError within an item. */
  end(): void;
  /** Bytes of the item under way, as far as its heads tell. */
  readonly needs: number;
}

/**
 * Reads the items of a CBOR sequence (RFC 8742), whose lengths are definite, of at most `maxBytes` each. A long byte string is
 * received into memory of exactly its length, which is allocated with the chunk behind its first bytes; short ones are views of what was
 * received. Takes time in proportion to the bytes, however they are cut. Throws on what is no CBOR.
 */
export function cborReader(maxBytes: number): CborReader {
  /** What came of the item under way, without the byte strings that have their own memory. */
  let buffer: Buffer = Buffer.alloc(0);
  let size = 0;
  /** Where its next head begins, and how many items, nested ones too, are still to come. */
  let at = 0;
  let left = 1;
  let holes: Hole[] = [];
  /** Bytes of `holes`. */
  let held = 0;
  /** The byte string under way that has its own memory, or will have. */
  let length = 0;
  let filling: Buffer | undefined;
  let filled = 0;

  function append(chunk: Buffer): void {
    if (size === 0) {
      buffer = chunk;
      size = chunk.length;
      return;
    }
    if (size + chunk.length > buffer.length) {
      // Twice as large, so that copying stays linear.
      const larger = Buffer.allocUnsafe(Math.max(size + chunk.length, Math.min(2 * size, maxBytes)));
      buffer.copy(larger, 0, 0, size);
      buffer = larger;
    }
    buffer.set(chunk, size);
    size += chunk.length;
  }

  /** Goes on over the heads that are there, up to the item's end or a long byte string. */
  function walk(): void {
    while (left > 0 && length === 0 && at < size) {
      const initial = buffer[at] ?? 0;
      const end = at + headLength(initial);
      if (end > size) return;
      const major = initial >> 5;
      const argument = major === 7 ? 0 : argumentAt(buffer, at);
      left += -1 + (major === ARRAY ? argument : major === MAP ? 2 * argument : major === TAG ? 1 : 0);
      const string = major === BYTES || major === TEXT ? argument : 0;
      at = end + string;
      // What is still to come takes a byte each, at least.
      if (held + at + left > maxBytes) throw new Error("event too large");
      if (major === BYTES && argument >= OWN_MEMORY_BYTES) {
        at = end;
        length = argument;
      }
    }
  }

  /** Moves bytes that are there into the long byte string, for which there is memory now. */
  function fill(): void {
    filling ??= Buffer.allocUnsafe(length);
    const end = at + Math.min(length - filled, size - at);
    filling.set(buffer.subarray(at, end), filled);
    filled += end - at;
    // The heads before it stay, and what comes behind it moves up to them.
    buffer = Buffer.concat([buffer.subarray(0, at), buffer.subarray(end, size)]);
    size = buffer.length;
    closeIfFull();
  }

  function closeIfFull(): void {
    if (!filling || filled < length) return;
    holes.push({ at, bytes: filling });
    held += length;
    length = 0;
    filled = 0;
    filling = undefined;
  }

  function takeItem(): unknown {
    const item = decodeItem(buffer.subarray(0, at), holes);
    // Without room behind it: what is appended gets other memory than the views that were just given away.
    buffer = buffer.subarray(at, size);
    size = buffer.length;
    at = 0;
    left = 1;
    holes = [];
    held = 0;
    return item;
  }

  return {
    *push(chunk) {
      let bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      // Not before: whoever reads the connection has waited until there is room for as much as `needs` said.
      if (length > 0) fill();
      if (filling) {
        const taken = Math.min(length - filled, bytes.length);
        filling.set(bytes.subarray(0, taken), filled);
        filled += taken;
        bytes = bytes.subarray(taken);
        closeIfFull();
      }
      if (bytes.length > 0) append(bytes);
      while (true) {
        walk();
        if (length > 0 && size - at >= length) fill();
        else if (left === 0 && length === 0 && at <= size) yield takeItem();
        else break;
      }
    },
    end() {
      if (size > 0 || length > 0) throw new CutOffError("truncated event");
    },
    get needs() {
      return held + length;
    },
  };
}
