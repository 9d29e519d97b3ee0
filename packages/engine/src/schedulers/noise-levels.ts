import type { Fields } from "../folder/fields.ts";
import { linspace } from "./scheduler.ts";

const { fround } = Math;

/**
 * The training noise schedule of DDPM-like models (Ho et al., 2020): the cumulative product of 1 − β for each training
 * timestep, in float32 as torch.cumprod gives it.
 */
export function alphasCumprod(config: Fields): Float32Array {
  const count = config.integer("num_train_timesteps", 1000);
  if (config.has("trained_betas")) throw config.fail(`"trained_betas" is not supported`);
  if (config.boolean("rescale_betas_zero_snr", false)) throw config.fail(`"rescale_betas_zero_snr" is not supported`);
  const betas = readBetas(config, count);
  let product = 1;
  return Float32Array.from(betas, (beta) => {
    product = fround(product * fround(1 - beta));
    return product;
  });
}

function readBetas(config: Fields, count: number): number[] {
  const start = config.number("beta_start", 0.0001);
  const end = config.number("beta_end", 0.02);
  const schedule = config.string("beta_schedule", "linear");
  switch (schedule) {
    case "linear":
      return linspace(start, end, count).map(fround);
    case "scaled_linear":
      return linspace(Math.sqrt(start), Math.sqrt(end), count).map((root) => fround(fround(root) ** 2));
    default:
      throw config.fail(`"beta_schedule" ${schedule} is not supported; use linear or scaled_linear`);
  }
}

/**
 * Which of `trainSteps` training timesteps a run of `steps` visits, highest first (Lin et al., 2023, table 2).
 * May give fractions with `linspace`.
 */
export function spacedTimesteps(config: Fields, steps: number, trainSteps: number, fallback: string): number[] {
  const spacing = config.string("timestep_spacing", fallback);
  const offset = config.integer("steps_offset", 0, 0);
  switch (spacing) {
    case "linspace":
      return linspace(0, trainSteps - 1, steps).reverse();
    case "leading": {
      const stride = Math.floor(trainSteps / steps);
      return Array.from({ length: steps }, (_, i) => (steps - 1 - i) * stride + offset);
    }
    case "trailing": {
      const stride = trainSteps / steps;
      return Array.from({ length: steps }, (_, i) => Math.round(trainSteps - i * stride) - 1);
    }
    default:
      throw config.fail(`"timestep_spacing" ${spacing} is not supported; use linspace, leading or trailing`);
  }
}
