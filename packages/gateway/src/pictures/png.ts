import { crc32, createInflate, inflateSync } from "node:zlib";

/** https://www.w3.org/TR/png-3/ */
const SIGNATURE_BYTES = 8;
const FRAME_BYTES = 12;
/** Samples of a pixel, by colour type. */
const SAMPLES: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
/** Which bit depths each colour type has. */
const DEPTHS: Readonly<Record<number, readonly number[]>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};
/** Adam7: where each pass begins and how far its pixels lie apart. */
const PASSES = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;
const FILTERS = 5;
/** Up to so many bytes of pixels are looked at at once: that takes less than handing them to another thread. */
const AT_ONCE_BYTES = 64 * 1024;
const CHUNK_BYTES = 256 * 1024;

/** Rows of one length in the decompressed data; each begins with the number of its filter. */
interface Rows {
  readonly count: number;
  readonly bytes: number;
}

interface Chunks {
  readonly rows: readonly Rows[];
  readonly data: readonly Buffer[];
  /** Where the picture ends; what follows is none of it. */
  readonly end: number;
}

function rowsOf(header: Buffer): Rows[] {
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  const [depth = 0, colour = -1, compression, filter, interlace] = header.subarray(8, 13);
  const known = DEPTHS[colour]?.includes(depth) && compression === 0 && filter === 0;
  if (!known || width === 0 || height === 0) throw new Error("PNG: a header that means nothing");
  const bits = depth * (SAMPLES[colour] ?? 0);
  const rows = (w: number, h: number): Rows[] =>
    w > 0 && h > 0 ? [{ count: h, bytes: 1 + Math.ceil((w * bits) / 8) }] : [];
  if (interlace === 0) return rows(width, height);
  if (interlace !== 1) throw new Error("PNG: a header that means nothing");
  return PASSES.flatMap(([x, y, dx, dy]) => rows(Math.ceil((width - x) / dx), Math.ceil((height - y) / dy)));
}

/** Bit of a chunk's first letter that says that decoders may do without the chunk. */
const ANCILLARY = 0x20;
const MAX_PALETTE_BYTES = 256 * 3;

function isPalette(body: Buffer | undefined): boolean {
  return body !== undefined && body.length > 0 && body.length <= MAX_PALETTE_BYTES && body.length % 3 === 0;
}

/** Takes the chunks apart and checks their sums and their order. */
function readChunks(png: Buffer): Chunks {
  const data: Buffer[] = [];
  let rows: Rows[] | undefined;
  let palette: Buffer | undefined;
  let before = "";
  for (let at = SIGNATURE_BYTES; at + FRAME_BYTES <= png.length; ) {
    const length = png.readUInt32BE(at);
    const next = at + FRAME_BYTES + length;
    if (next > png.length) break;
    const type = png.toString("latin1", at + 4, at + 8);
    if (crc32(png.subarray(at + 4, next - 4)) !== png.readUInt32BE(next - 4)) throw new Error("PNG: a wrong checksum");
    const body = png.subarray(at + 8, next - 4);
    if ((type === "IHDR") === (rows !== undefined) || (type === "IHDR" && length !== 13)) {
      throw new Error("PNG: not exactly one header, at the beginning");
    }
    if (type === "IHDR") rows = rowsOf(body);
    else if (type === "PLTE") {
      if (palette) throw new Error("PNG: two palettes");
      palette = body;
    } else if (type === "IDAT") {
      if (data.length > 0 && before !== type) throw new Error("PNG: data in two places");
      if (png[SIGNATURE_BYTES + 17] === 3 && !isPalette(palette)) throw new Error("PNG: no palette");
      data.push(body);
    } else if (type === "IEND" && rows) return { rows, data, end: next };
    else if (((png[at + 4] ?? 0) & ANCILLARY) === 0) throw new Error("PNG: a critical chunk of no known kind");
    before = type;
    at = next;
  }
  throw new Error("PNG: no end");
}

/** Checks decompressed data as it comes: its length, and the filter of each row. */
function rowCheck(rows: readonly Rows[]) {
  const expected = rows.reduce((sum, { count, bytes }) => sum + count * bytes, 0);
  let group = 0;
  let row = 0;
  let rowAt = 0;
  let size = 0;
  return {
    expected,
    take(chunk: Uint8Array): void {
      const end = size + chunk.length;
      if (end > expected) throw new Error("PNG: more data than pixels");
      while (rowAt < end) {
        if ((chunk[rowAt - size] ?? FILTERS) >= FILTERS) throw new Error("PNG: a filter that does not exist");
        rowAt += rows[group]?.bytes ?? 1;
        if (++row === rows[group]?.count) {
          group++;
          row = 0;
        }
      }
      size = end;
    },
    end(): void {
      if (size < expected) throw new Error("PNG: less data than pixels");
    },
  };
}

/**
 * Decompresses a PNG's pixels once, within the size that its header gives, and lets go of them: the zlib stream and every chunk's
 * checksum must be right, every row must be there and have a filter that exists. Larger ones are decompressed on libuv's threads.
 * Gives where the picture ends. Throws on anything else.
 */
export async function checkPng(png: Buffer): Promise<number> {
  const { rows, data, end } = readChunks(png);
  const check = rowCheck(rows);
  if (check.expected <= AT_ONCE_BYTES) {
    const compressed = data.length === 1 && data[0] ? data[0] : Buffer.concat(data);
    check.take(inflateSync(compressed, { maxOutputLength: check.expected }));
    check.end();
    return end;
  }
  const inflate = createInflate({ chunkSize: CHUNK_BYTES });
  // What is written after a fault is no fault of its own.
  inflate.on("error", () => {});
  for (const part of data) inflate.write(part);
  inflate.end();
  for await (const chunk of inflate) check.take(chunk);
  check.end();
  return end;
}
