import type { Latent } from "../schedulers/scheduler.ts";
import type { Grid } from "./grid.ts";

/** Calls `visit` for each cell with its places in [channels, rows, columns] and in the packed form. */
function eachCell(channels: number, { rows, columns }: Grid, visit: (plain: number, packed: number) => void): void {
  for (let channel = 0; channel < channels; channel++) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const token = (row >> 1) * (columns >> 1) + (column >> 1);
        const inToken = channel * 4 + (row & 1) * 2 + (column & 1);
        visit((channel * rows + row) * columns + column, token * channels * 4 + inToken);
      }
    }
  }
}

/**
 * A latent [channels, rows, columns] as FLUX sees it: a token for each 2 × 2 cells, row by row, and in it for each channel
 * the cells (0, 0), (0, 1), (1, 0), (1, 1) (diffusers, `_pack_latents`). Rows and columns must be even.
 */
export function pack(latent: Latent, channels: number, grid: Grid): Latent {
  const packed = new Float32Array(latent.length);
  eachCell(channels, grid, (from, to) => {
    packed[to] = latent[from] ?? 0;
  });
  return packed;
}

/** The inverse of `pack`. */
export function unpack(packed: Latent, channels: number, grid: Grid): Latent {
  const latent = new Float32Array(packed.length);
  eachCell(channels, grid, (to, from) => {
    latent[to] = packed[from] ?? 0;
  });
  return latent;
}

/** Where each of FLUX's tokens is: (0, row, column) of the packed grid, row by row. */
export function imageIds({ rows, columns }: Grid): number[] {
  const ids: number[] = [];
  for (let row = 0; row < rows / 2; row++) {
    for (let column = 0; column < columns / 2; column++) ids.push(0, row, column);
  }
  return ids;
}
