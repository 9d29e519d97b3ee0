import type { ModelFolder } from "../folder/read-model-folder.ts";
import { type Pixels, toPixels } from "../image/pixels.ts";
import { loadNetwork, type NetworkOptions } from "../network/load-network.ts";
import { floatsOf, makeTensor } from "../network/tensor-data.ts";
import type { Latent } from "../schedulers/scheduler.ts";
import type { Grid } from "./grid.ts";
import { decodeTiles, type Planes } from "./tiles.ts";

export interface Decoder {
  /** The picture of one latent [channels, rows, columns], in tiles where it is too large for one run. */
  decode(latent: Latent, grid: Grid): Promise<Pixels>;
  close(): Promise<void>;
}

export async function loadDecoder(folder: ModelFolder, options: NetworkOptions): Promise<Decoder> {
  const file = folder.parts.vaeDecoder;
  const network = await loadNetwork(file, options);
  network.expect(["latent_sample"], ["sample"]);
  const input = network.requireInput("latent_sample");
  const { channels, pixelsPerCell, offset, factor, tile } = folder.latents;
  const tileCells = Math.ceil(tile / pixelsPerCell);

  const run = async ({ data, rows, columns }: Planes): Promise<Planes> => {
    const tensor = makeTensor(input.type, data, [1, channels, rows, columns]);
    const { sample } = await network.run({ latent_sample: tensor });
    if (!sample) throw new Error(`${file}: gave no sample`);
    return { data: floatsOf(sample), rows: rows * pixelsPerCell, columns: columns * pixelsPerCell };
  };

  return {
    decode: async (latent, { rows, columns }) => {
      const area = rows * columns;
      const data = latent.map((value, i) => {
        const channel = Math.floor(i / area);
        return value / (factor[channel] ?? 1) + (offset[channel] ?? 0);
      });
      const whole = { data, rows, columns };
      const width = columns * pixelsPerCell;
      const height = rows * pixelsPerCell;
      const planes =
        width * height > folder.settings.decodePixels
          ? await decodeTiles(whole, { channels, tileCells, pixelsPerCell }, run)
          : (await run(whole)).data;
      if (planes.some(Number.isNaN)) {
        throw new Error(
          `${file}: gave values that are no numbers; a VAE that overflows in float16 (force_upcast) needs a float32 export`,
        );
      }
      return toPixels(planes, width, height);
    },
    close: network.close,
  };
}
