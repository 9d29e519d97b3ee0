import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Family } from "./family.ts";
import { type Fields, fieldsOf, readFields } from "./fields.ts";

/**
 * How the decoder's latents z relate to the denoiser's: the decoder takes latent · std / scalingFactor + mean, where the file
 * has `latents_mean` and `latents_std` for each channel, otherwise latent / scalingFactor + shiftFactor.
 */
export interface LatentSpace {
  readonly channels: number;
  readonly pixelsPerCell: number;
  /** latent = (z − offset[c]) · factor[c], by channel. */
  readonly offset: readonly number[];
  readonly factor: readonly number[];
  /** Side in pixels of the pictures that the VAE was trained on; the size of a tile where a decode is cut. */
  readonly tile: number;
}

/** Numbers for each channel; undefined where the file has null. */
function perChannel(config: Fields, key: string, channels: number): readonly number[] | undefined {
  if (!config.has(key)) return undefined;
  const values = config.numbers(key);
  if (values.length !== channels) throw config.fail(`"${key}" must have ${channels} entries, one for each channel`);
  return values;
}

/** What every VAE of Stable Diffusion 1 and 2 has; folders of diffusers' first ONNX converter hold no file that says it. */
const STABLE_DIFFUSION = { latent_channels: 4, block_out_channels: [128, 256, 512, 512], scaling_factor: 0.18215 };

function readConfig(path: string, family: Family): Fields {
  const folder = ["vae_decoder", "vae", "vae_encoder"].find((part) => existsSync(join(path, part, "config.json")));
  if (folder === undefined && family === "sd") return fieldsOf(STABLE_DIFFUSION, "Stable Diffusion's VAE");
  return readFields(path, folder ?? "vae_decoder", "config.json");
}

/** Reads `vae_decoder/config.json`. A key that is missing has the value that diffusers' class gives it. */
export function readLatentSpace(path: string, family: Family): LatentSpace {
  const config = readConfig(path, family);
  const levels = config.numbers("block_out_channels").length;
  if (levels < 1 || levels > 8) throw config.fail(`"block_out_channels" must have 1 to 8 entries`);
  const scaling = config.number("scaling_factor", 0.18215);
  if (scaling === 0) throw config.fail(`"scaling_factor" must not be 0`);
  const channels = config.integer("latent_channels", 4);
  const mean = perChannel(config, "latents_mean", channels);
  const std = perChannel(config, "latents_std", channels);
  if ((mean === undefined) !== (std === undefined)) {
    throw config.fail(`"latents_mean" and "latents_std" go together`);
  }
  const shift = config.number("shift_factor", 0);
  return {
    channels,
    pixelsPerCell: 2 ** (levels - 1),
    offset: mean ?? Array<number>(channels).fill(shift),
    factor: std ? std.map((s) => scaling / s) : Array<number>(channels).fill(scaling),
    tile: config.integer("sample_size", 512),
  };
}
