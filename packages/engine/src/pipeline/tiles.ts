import type { Grid } from "./grid.ts";

/** A piece [channels, rows, columns] of something larger. */
export interface Planes extends Grid {
  readonly data: Float32Array<ArrayBuffer>;
}

/** The part of `whole` from (row, column), at most `size` cells a side. */
export function cut(whole: Planes, channels: number, row: number, column: number, size: number): Planes {
  const rows = Math.min(size, whole.rows - row);
  const columns = Math.min(size, whole.columns - column);
  const data = new Float32Array(channels * rows * columns);
  for (let channel = 0; channel < channels; channel++) {
    for (let r = 0; r < rows; r++) {
      const from = (channel * whole.rows + row + r) * whole.columns + column;
      data.set(whole.data.subarray(from, from + columns), (channel * rows + r) * columns);
    }
  }
  return { data, rows, columns };
}

/** Fades the last `extent` rows of `above` into the first ones of `tile`, in place (diffusers, `blend_v`). */
function blendRows(above: Planes, tile: Planes, extent: number): void {
  const count = Math.min(above.rows, tile.rows, extent);
  for (let channel = 0; channel < 3; channel++) {
    for (let r = 0; r < count; r++) {
      for (let c = 0; c < tile.columns; c++) {
        const old = above.data[(channel * above.rows + above.rows - count + r) * above.columns + c] ?? 0;
        const at = (channel * tile.rows + r) * tile.columns + c;
        tile.data[at] = old * (1 - r / count) + (tile.data[at] ?? 0) * (r / count);
      }
    }
  }
}

/** The same with the last columns of `left` (diffusers, `blend_h`). */
function blendColumns(left: Planes, tile: Planes, extent: number): void {
  const count = Math.min(left.columns, tile.columns, extent);
  for (let row = 0; row < 3 * tile.rows; row++) {
    for (let c = 0; c < count; c++) {
      const old = left.data[row * left.columns + left.columns - count + c] ?? 0;
      const at = row * tile.columns + c;
      tile.data[at] = old * (1 - c / count) + (tile.data[at] ?? 0) * (c / count);
    }
  }
}

/** Neighbouring tiles share a quarter of their side. */
const OVERLAP = 0.25;

/**
 * A decode in tiles whose overlaps fade into each other, for pictures too large for one (diffusers, `tiled_decode`): `latent`
 * [channels, rows, columns] in tiles of `tileCells` a side, each decoded to RGB planes of `pixelsPerCell` the size.
 */
export async function decodeTiles(
  latent: Planes,
  { channels, tileCells, pixelsPerCell }: { channels: number; tileCells: number; pixelsPerCell: number },
  decode: (tile: Planes) => Promise<Planes>,
): Promise<Float32Array<ArrayBuffer>> {
  const stride = Math.floor(tileCells * (1 - OVERLAP));
  const tilePixels = tileCells * pixelsPerCell;
  const extent = Math.floor(tilePixels * OVERLAP);
  const limit = tilePixels - extent;
  const height = latent.rows * pixelsPerCell;
  const width = latent.columns * pixelsPerCell;
  const picture = new Float32Array(3 * height * width);
  let above: Planes[] = [];
  let top = 0;
  for (let row = 0; row < latent.rows; row += stride) {
    const tiles: Planes[] = [];
    for (let column = 0; column < latent.columns; column += stride) {
      tiles.push(await decode(cut(latent, channels, row, column, tileCells)));
    }
    let left = 0;
    for (const [i, tile] of tiles.entries()) {
      const upper = above[i];
      if (upper) blendRows(upper, tile, extent);
      const before = tiles[i - 1];
      if (before) blendColumns(before, tile, extent);
      paste(picture, { width, height }, tile, { top, left, limit });
      left += Math.min(limit, tile.columns);
    }
    top += Math.min(limit, tiles[0]?.rows ?? 0);
    above = tiles;
  }
  return picture;
}

function paste(
  picture: Float32Array,
  { width, height }: { width: number; height: number },
  tile: Planes,
  { top, left, limit }: { top: number; left: number; limit: number },
): void {
  const rows = Math.min(tile.rows, limit, height - top);
  const columns = Math.min(tile.columns, limit, width - left);
  for (let channel = 0; channel < 3; channel++) {
    for (let r = 0; r < rows; r++) {
      const from = (channel * tile.rows + r) * tile.columns;
      picture.set(tile.data.subarray(from, from + columns), (channel * height + top + r) * width + left);
    }
  }
}
