import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { ModelCard } from "@atoma/contract";
import { createScheduler } from "../schedulers/create-scheduler.ts";
import type { Scheduler } from "../schedulers/scheduler.ts";
import { ModelFolderError, readFields } from "./fields.ts";
import type { Native } from "./native-size.ts";
import { readCard } from "./read-card.ts";

/** How the decoder's latents relate to the denoiser's: decoder input = latent / scalingFactor + shiftFactor. */
export interface LatentSpace {
  readonly channels: number;
  readonly pixelsPerCell: number;
  readonly scalingFactor: number;
  readonly shiftFactor: number;
}

/** Everything a model folder says outside its networks. */
export interface ModelFolder {
  readonly path: string;
  readonly card: ModelCard;
  readonly native: Native | undefined;
  readonly latents: LatentSpace;
  readonly scheduler: Scheduler;
  /** Which network removes the noise, and the ONNX files. */
  readonly denoiser: "transformer" | "unet";
  readonly files: {
    readonly textEncoder: string;
    readonly denoiser: string;
    readonly vaeDecoder: string;
    /** There when the card promises edits. */
    readonly vaeEncoder: string | undefined;
  };
}

function readLatentSpace(path: string): LatentSpace {
  const config = readFields(path, "vae_decoder", "config.json");
  const levels = config.numbers("block_out_channels").length;
  if (levels < 1 || levels > 8) throw config.fail(`"block_out_channels" must have 1 to 8 entries`);
  const scalingFactor = config.number("scaling_factor", 0.18215);
  if (scalingFactor === 0) throw config.fail(`"scaling_factor" must not be 0`);
  return {
    channels: config.integer("latent_channels"),
    pixelsPerCell: 2 ** (levels - 1),
    scalingFactor,
    shiftFactor: config.number("shift_factor", 0),
  };
}

/**
 * Reads a folder in the diffusers / optimum ONNX layout, with `atoma.json` beside `model_index.json`. Loads no network.
 * Throws ModelFolderError naming the file and what is missing or wrong in it.
 */
export function readModelFolder(folder: string): ModelFolder {
  const path = resolve(folder);
  const index = readFields(path, "model_index.json");
  const denoiser = index.has("transformer") ? "transformer" : "unet";
  if (!index.has(denoiser)) throw index.fail(`neither "transformer" nor "unet" is listed`);
  const network = (part: string) => {
    const file = join(path, part, "model.onnx");
    if (!existsSync(file)) throw new ModelFolderError(`${file}: missing`);
    return file;
  };
  const latents = readLatentSpace(path);
  const described = readCard(path, latents.pixelsPerCell);
  return {
    path,
    ...described,
    latents,
    scheduler: createScheduler(readFields(path, "scheduler", "scheduler_config.json")),
    denoiser,
    files: {
      textEncoder: network("text_encoder"),
      denoiser: network(denoiser),
      vaeDecoder: network("vae_decoder"),
      vaeEncoder: described.card.edits ? network("vae_encoder") : undefined,
    },
  };
}
