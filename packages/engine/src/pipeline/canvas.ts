import type { Size } from "@atoma/contract";
import type { Family } from "../folder/family.ts";
import { compose, softened } from "../image/compose.ts";
import { decodeImage, decodeMask, type PaintMap } from "../image/decode.ts";
import { intoFrame, resample } from "../image/frame.ts";
import { type Pixels, toPlanes } from "../image/pixels.ts";
import type { Encoder, Posterior } from "./encoder.ts";
import type { Grid } from "./grid.ts";
import type { EditInput } from "./picture-request.ts";

/** Where an edit paints. */
export interface CanvasMask {
  /** 1 for each cell [rows, columns] that is painted anew, else 0. */
  readonly cells: Float32Array<ArrayBuffer>;
  /** The picture with grey where it is painted, for networks that see it. */
  readonly beneath: Posterior | undefined;
}

/** What an edit starts from, as the denoiser and the finished picture need it. */
export interface Canvas {
  readonly picture: Posterior;
  readonly mask: CanvasMask | undefined;
  /** A decoded picture at the requested size, outside the mask the original, pixel by pixel. */
  finish(pixels: Pixels): Promise<Pixels>;
}

/** From which paint on, 0 to 255, a pixel counts as painted. */
const PAINTED = 128;

/** 1 for each cell [rows, columns] in which some pixel is to be painted, else 0. */
export function paintedCells(
  map: Uint8Array,
  { rows, columns }: Grid,
  pixelsPerCell: number,
): Float32Array<ArrayBuffer> {
  const cells = new Float32Array(rows * columns);
  const width = columns * pixelsPerCell;
  for (const [i, paint] of map.entries()) {
    if (paint < PAINTED) continue;
    const row = Math.floor(i / width / pixelsPerCell);
    cells[row * columns + Math.floor((i % width) / pixelsPerCell)] = 1;
  }
  return cells;
}

/** 1 for each cell whose first pixel is to be painted: the nearest neighbour, as the reference resizes masks. */
export function nearestCells(
  map: Uint8Array,
  { rows, columns }: Grid,
  pixelsPerCell: number,
): Float32Array<ArrayBuffer> {
  const width = columns * pixelsPerCell;
  return Float32Array.from({ length: rows * columns }, (_, i) => {
    const pixel = Math.floor(i / columns) * pixelsPerCell * width + (i % columns) * pixelsPerCell;
    return (map[pixel] ?? 0) >= PAINTED ? 1 : 0;
  });
}

export interface CanvasOptions {
  /** Of the finished picture. */
  readonly size: Size;
  readonly grid: Grid;
  readonly pixelsPerCell: number;
  readonly encoder: Encoder;
  readonly family: Family;
  /** Whether the network sees the mask and the picture beneath. */
  readonly paintsUnderMasks: boolean;
}

/** Encodes a picture [3, height, width], grey (0) where the map paints. */
async function encodeBeneath(
  planes: Float32Array,
  map: Uint8Array,
  { encoder, grid }: CanvasOptions,
): Promise<Posterior> {
  const grey = planes.map((value, i) => ((map[i % map.length] ?? 0) >= PAINTED ? 0 : value));
  return encoder.encode(grey, grid);
}

/** Decodes and encodes the pictures of an edit. Throws InputImageError. */
export async function openCanvas({ image, mask }: EditInput, options: CanvasOptions): Promise<Canvas> {
  const { size, grid, pixelsPerCell, encoder, family, paintsUnderMasks } = options;
  const frame = { width: grid.columns * pixelsPerCell, height: grid.rows * pixelsPerCell };
  const original = await decodeImage(image, size);
  const map: PaintMap | undefined = mask && (await decodeMask(mask, size));
  const planes = toPlanes(await intoFrame(original, 3, frame));
  const picture = await encoder.encode(planes, grid);
  if (!map) return { picture, mask: undefined, finish: (pixels) => resample(pixels, size) };

  const framed = await intoFrame(map, 1, frame);
  // The embedded model's cells are so large that a nearest neighbour would miss what is painted.
  const cells = (family === "plain" ? paintedCells : nearestCells)(framed, grid, pixelsPerCell);
  const soft = await softened(map);
  return {
    picture,
    mask: { cells, beneath: paintsUnderMasks ? await encodeBeneath(planes, framed, options) : undefined },
    finish: async (pixels) => compose(original, await resample(pixels, size), soft),
  };
}

/** For networks that paint under masks and a request without a picture: everything is painted, on grey. */
export async function blankCanvas({ grid, pixelsPerCell, encoder }: CanvasOptions): Promise<CanvasMask> {
  const area = grid.rows * grid.columns;
  const planes = new Float32Array(3 * area * pixelsPerCell ** 2);
  return { cells: new Float32Array(area).fill(1), beneath: await encoder.encode(planes, grid) };
}
