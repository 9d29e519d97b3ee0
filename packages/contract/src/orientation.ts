/**
 * How a stored picture is turned to be seen, as EXIF numbers it (CIPA DC-008, tag 0x0112): 1 as it is, 2 mirrored, 3 turned by
 * half, 4 flipped, 5 to 8 with rows and columns swapped.
 */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

const ORIENTATION_TAG = 0x0112;
const SHORT = 3;
const LITTLE_ENDIAN = 0x4949;
const BIG_ENDIAN = 0x4d4d;
const ENTRY_BYTES = 12;

function isOrientation(value: number): value is Orientation {
  return Number.isInteger(value) && value >= 1 && value <= 8;
}

/** Whether a picture is seen with its stored rows as columns. */
export function swapsSides(orientation: Orientation): boolean {
  return orientation >= 5;
}

/** What brings stored pixels upright: mirrored first, then turned clockwise. */
export interface Turn {
  /** `flip`: top and bottom change places; `flop`: left and right. */
  readonly mirror: "flip" | "flop" | undefined;
  readonly degrees: 0 | 90 | 180 | 270;
}

const TURNS: Readonly<Record<Orientation, Turn>> = {
  1: { mirror: undefined, degrees: 0 },
  2: { mirror: "flop", degrees: 0 },
  3: { mirror: undefined, degrees: 180 },
  4: { mirror: "flip", degrees: 0 },
  5: { mirror: "flip", degrees: 90 },
  6: { mirror: undefined, degrees: 90 },
  7: { mirror: "flop", degrees: 90 },
  8: { mirror: undefined, degrees: 270 },
};

/** How a picture that is stored with this orientation is brought upright. */
export function turnOf(orientation: Orientation): Turn {
  return TURNS[orientation];
}

/** The orientation in EXIF data, which is a TIFF header and its directories; 1 where it says none that EXIF knows. */
export function readOrientation(exif: DataView): Orientation {
  if (exif.byteLength < 8) return 1;
  const order = exif.getUint16(0);
  if (order !== LITTLE_ENDIAN && order !== BIG_ENDIAN) return 1;
  const little = order === LITTLE_ENDIAN;
  const directory = exif.getUint32(4, little);
  if (directory + 2 > exif.byteLength) return 1;
  const entries = exif.getUint16(directory, little);
  for (let i = 0; i < entries; i++) {
    const at = directory + 2 + i * ENTRY_BYTES;
    if (at + ENTRY_BYTES > exif.byteLength) return 1;
    if (exif.getUint16(at, little) !== ORIENTATION_TAG) continue;
    const value = exif.getUint16(at + 8, little);
    const isOneShort = exif.getUint16(at + 2, little) === SHORT && exif.getUint32(at + 4, little) === 1;
    return isOneShort && isOrientation(value) ? value : 1;
  }
  return 1;
}
