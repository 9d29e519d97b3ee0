import type { Size } from "@atoma/contract";

/** Height and width of a latent in cells. */
export interface Grid {
  readonly rows: number;
  readonly columns: number;
}

/** The grid of a picture. Throws RangeError unless its sides are whole numbers of cells. */
export function gridOf({ width, height }: Size, pixelsPerCell: number): Grid {
  const grid = { rows: height / pixelsPerCell, columns: width / pixelsPerCell };
  if (Number.isInteger(grid.rows) && Number.isInteger(grid.columns)) return grid;
  throw new RangeError(`${width}x${height} is not in whole latent cells of ${pixelsPerCell} pixels`);
}
