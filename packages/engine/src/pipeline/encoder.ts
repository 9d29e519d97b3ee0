import { ModelFolderError } from "../folder/fields.ts";
import type { LatentSpace } from "../folder/latent-space.ts";
import { loadNetwork, type NetworkOptions } from "../network/load-network.ts";
import { floatsOf, makeTensor } from "../network/tensor-data.ts";
import type { Generator } from "../random/generator.ts";
import type { Latent } from "../schedulers/scheduler.ts";
import type { Grid } from "./grid.ts";

/** What the encoder says about a picture: a latent for each generator, if it gave a distribution of latents. */
export interface Posterior {
  /** A sample, scaled for the denoiser. Draws from the generator only where there is a distribution. */
  sample(generator: Generator): Latent;
}

export interface Encoder {
  /** Encodes a picture [3, height, width] in −1 … 1 that covers the grid. */
  encode(planes: Float32Array, grid: Grid): Promise<Posterior>;
  close(): Promise<void>;
}

/** Names of what optimum's exporters give: mean and log-variance of a latent behind each other, or one latent. */
const OUTPUTS = ["latent_parameters", "moments", "latent_sample"] as const;

/** Bounds of a log-variance in the reference (diffusers, `DiagonalGaussianDistribution`). */
const LEAST_LOG_VARIANCE = -30;
const MOST_LOG_VARIANCE = 20;

function sampled(moments: Latent, length: number, generator: Generator): Latent {
  if (moments.length === length) return moments;
  const noise = generator.normals(length);
  const { fround } = Math;
  return noise.map((n, i) => {
    const logVariance = Math.min(Math.max(moments[length + i] ?? 0, LEAST_LOG_VARIANCE), MOST_LOG_VARIANCE);
    return (moments[i] ?? 0) + fround(fround(Math.exp(0.5 * logVariance)) * n);
  });
}

/** Loads a VAE encoder. Throws ModelFolderError naming the file. */
export async function loadEncoder(file: string, space: LatentSpace, options: NetworkOptions): Promise<Encoder> {
  const network = await loadNetwork(file, options);
  network.expect(["sample"], []);
  const input = network.requireInput("sample");
  const name = OUTPUTS.find((known) => network.outputs.includes(known));
  if (name === undefined) throw new ModelFolderError(`${file}: has none of the outputs ${OUTPUTS.join(", ")}`);
  const { channels, pixelsPerCell, offset, factor } = space;

  return {
    encode: async (planes, { rows, columns }) => {
      const dims = [1, 3, rows * pixelsPerCell, columns * pixelsPerCell];
      const output = (await network.run({ sample: makeTensor(input.type, planes, dims) }))[name];
      const moments = output && floatsOf(output);
      const area = rows * columns;
      const length = channels * area;
      if (moments?.length !== length && moments?.length !== 2 * length) {
        throw new Error(`${file}: its output is no latent of ${channels} channels`);
      }
      return {
        sample: (generator) =>
          sampled(moments, length, generator).map((value, i) => {
            const channel = Math.floor(i / area);
            return (value - (offset[channel] ?? 0)) * (factor[channel] ?? 1);
          }),
      };
    },
    close: network.close,
  };
}
