import type { Size } from "@atoma/contract";
import { compose, softened } from "../image/compose.ts";
import { decodeImage, decodeMask, type PaintMap } from "../image/decode.ts";
import { intoFrame, resample } from "../image/frame.ts";
import { type Pixels, toPlanes } from "../image/pixels.ts";
import type { Latent } from "../schedulers/scheduler.ts";
import type { Grid } from "./denoiser.ts";
import type { Encoder } from "./encoder.ts";
import type { EditInput } from "./picture-request.ts";

/** What an edit starts from, as the denoiser and the finished picture need it. */
export interface Canvas {
  /** The picture's latent [channels, rows, columns]. */
  readonly latent: Latent;
  /** Puts the known latent where nothing is to be painted; without a mask gives `painted` itself. */
  keep(painted: Latent, known: Latent): Latent;
  /** A decoded picture at the requested size, outside the mask the original, pixel by pixel. */
  finish(pixels: Pixels): Promise<Pixels>;
}

/** From which paint on, 0 to 255, a pixel has its whole cell painted anew. */
const PAINTED = 128;

/** 1 for each cell [rows, columns] in which some pixel is to be painted, else 0. */
export function paintedCells(map: Uint8Array, { rows, columns }: Grid, pixelsPerCell: number): Float32Array {
  const cells = new Float32Array(rows * columns);
  const width = columns * pixelsPerCell;
  for (const [i, paint] of map.entries()) {
    if (paint < PAINTED) continue;
    const row = Math.floor(i / width / pixelsPerCell);
    cells[row * columns + Math.floor((i % width) / pixelsPerCell)] = 1;
  }
  return cells;
}

/** Decodes and encodes the pictures of an edit whose result is to have `size`. Throws InputImageError. */
export async function openCanvas(
  { image, mask }: EditInput,
  { size, grid, pixelsPerCell, encoder }: { size: Size; grid: Grid; pixelsPerCell: number; encoder: Encoder },
): Promise<Canvas> {
  const frame = { width: grid.columns * pixelsPerCell, height: grid.rows * pixelsPerCell };
  const original = await decodeImage(image, size);
  const map: PaintMap | undefined = mask && (await decodeMask(mask, size));
  const latent = await encoder.encode(toPlanes(await intoFrame(original, 3, frame)), grid);
  if (!map) return { latent, keep: (painted) => painted, finish: (pixels) => resample(pixels, size) };

  const cells = paintedCells(await intoFrame(map, 1, frame), grid, pixelsPerCell);
  const soft = await softened(map);
  return {
    latent,
    keep: (painted, known) => painted.map((value, i) => (cells[i % cells.length] === 1 ? value : (known[i] ?? 0))),
    finish: async (pixels) => compose(original, await resample(pixels, size), soft),
  };
}
