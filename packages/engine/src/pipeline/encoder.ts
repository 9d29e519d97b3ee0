import type { LatentSpace } from "../folder/read-model-folder.ts";
import { loadNetwork, type NetworkOptions } from "../network/load-network.ts";
import { floatsOf, makeTensor } from "../network/tensor-data.ts";
import type { Latent } from "../schedulers/scheduler.ts";
import type { Grid } from "./denoiser.ts";

export interface Encoder {
  /** The latent [channels, rows, columns] of a picture [3, height, width] in −1 … 1 that covers the grid. */
  encode(planes: Float32Array, grid: Grid): Promise<Latent>;
  close(): Promise<void>;
}

/** Names of what optimum's exporters give: a latent, or the mean and log-variance of one behind each other. */
const OUTPUTS = ["latent_sample", "latent_parameters", "moments"] as const;

/** Loads a VAE encoder. Of a distribution of latents the mean is taken, so that the same picture gives the same latent. */
export async function loadEncoder(file: string, space: LatentSpace, options: NetworkOptions): Promise<Encoder> {
  const network = await loadNetwork(file, options);
  network.expect(["sample"], []);
  const input = network.requireInput("sample");
  const { channels, pixelsPerCell, scalingFactor, shiftFactor } = space;
  return {
    encode: async (planes, { rows, columns }) => {
      const result = await network.run({
        sample: makeTensor(input.type, planes, [1, 3, rows * pixelsPerCell, columns * pixelsPerCell]),
      });
      const output = OUTPUTS.map((name) => result[name]).find((tensor) => tensor !== undefined);
      if (!output) throw new Error(`${file}: has none of the outputs ${OUTPUTS.join(", ")}`);
      const values = floatsOf(output);
      const length = channels * rows * columns;
      if (values.length !== length && values.length !== 2 * length) {
        throw new Error(`${file}: its output is no latent of ${channels} channels`);
      }
      return values.subarray(0, length).map((value) => (value - shiftFactor) * scalingFactor);
    },
    close: network.close,
  };
}
