const START_OF_SCAN = 0xda;
const END = 0xd9;
/** Markers without a length of their own: TEM and the restart markers. */
const isBare = (marker: number) => marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7);

/** Where the entropy-coded data that begins at `at` ends: at the next marker that is none of its own. */
function endOfScan(jpeg: Buffer, at: number): number {
  for (let found = jpeg.indexOf(0xff, at); found >= 0; found = jpeg.indexOf(0xff, found + 1)) {
    const next = jpeg[found + 1] ?? 0;
    // 00 stands for an FF of the data, restart markers belong to it, and FF may be filled up with more of its kind.
    if (next !== 0 && next !== 0xff && !isBare(next)) return found;
  }
  return jpeg.length;
}

/** Where a JPEG ends, behind its EOI marker (ITU-T T.81, annex B); undefined when it has none. */
export function jpegEnd(jpeg: Buffer): number | undefined {
  let at = 2;
  while (at + 2 <= jpeg.length) {
    const marker = jpeg[at + 1] ?? 0;
    if (jpeg[at] !== 0xff) return undefined;
    if (marker === END) return at + 2;
    if (marker === 0xff) {
      at++;
      continue;
    }
    if (isBare(marker)) {
      at += 2;
      continue;
    }
    if (at + 4 > jpeg.length) return undefined;
    at += 2 + jpeg.readUInt16BE(at + 2);
    if (marker === START_OF_SCAN) at = endOfScan(jpeg, at);
  }
  return undefined;
}
