import type { ModelFolder } from "../folder/read-model-folder.ts";
import { type Pixels, toPixels } from "../image/pixels.ts";
import { loadNetwork, type NetworkOptions } from "../network/load-network.ts";
import { floatsOf, makeTensor } from "../network/tensor-data.ts";
import type { Latent } from "../schedulers/scheduler.ts";
import type { Grid } from "./denoiser.ts";

export interface Decoder {
  /** The picture of one latent [channels, rows, columns]. */
  decode(latent: Latent, grid: Grid): Promise<Pixels>;
  close(): Promise<void>;
}

export async function loadDecoder(folder: ModelFolder, options: NetworkOptions): Promise<Decoder> {
  const network = await loadNetwork(folder.files.vaeDecoder, options);
  network.expect(["latent_sample"], ["sample"]);
  const input = network.requireInput("latent_sample");
  const { channels, pixelsPerCell, scalingFactor, shiftFactor } = folder.latents;
  return {
    decode: async (latent, grid) => {
      const unscaled = latent.map((value) => value / scalingFactor + shiftFactor);
      const tensor = makeTensor(input.type, unscaled, [1, channels, grid.rows, grid.columns]);
      const { sample } = await network.run({ latent_sample: tensor });
      if (!sample) throw new Error("the decoder gave no sample");
      return toPixels(floatsOf(sample), grid.columns * pixelsPerCell, grid.rows * pixelsPerCell);
    },
    close: network.close,
  };
}
