import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { ModelCard } from "@atoma/contract";
import { createScheduler } from "../schedulers/create-scheduler.ts";
import type { Scheduler } from "../schedulers/scheduler.ts";
import { type Family, readFamily } from "./family.ts";
import { fieldsOf, ModelFolderError, readFields, readJsonObject } from "./fields.ts";
import { type LatentSpace, readLatentSpace } from "./latent-space.ts";
import type { Native } from "./native-size.ts";
import { findParts, type Parts } from "./parts.ts";
import type { PipelineSettings } from "./pipeline-settings.ts";
import { readCard } from "./read-card.ts";
import { chooseSchedulers } from "./scheduler-choices.ts";

/** Everything a model folder says outside its networks. */
export interface ModelFolder {
  readonly path: string;
  readonly family: Family;
  readonly card: ModelCard;
  readonly native: Native | undefined;
  readonly settings: PipelineSettings;
  readonly latents: LatentSpace;
  readonly scheduler: Scheduler;
  /** Those that a request may choose, by the names that the card has. */
  readonly schedulers: ReadonlyMap<string, Scheduler>;
  /** A latent consistency model: its edits run all their steps over the rest of the noise. */
  readonly latentConsistency: boolean;
  /** SDXL: an empty negative prompt is zeros instead of the encoded empty text. */
  readonly zerosForEmptyPrompt: boolean;
  readonly parts: Parts;
}

/**
 * Reads a folder in the layout of diffusers and of optimum's ONNX exporter, which `model_index.json` marks. Loads no network.
 * Throws ModelFolderError naming the file and what is missing or wrong in it.
 */
export function readModelFolder(folder: string): ModelFolder {
  const path = resolve(folder);
  if (!existsSync(join(path, "model_index.json"))) {
    throw new ModelFolderError(
      `${path}: no model folder; it has no model_index.json, which diffusers and optimum write`,
    );
  }
  const index = readFields(path, "model_index.json");
  const family = readFamily(index);
  const parts = findParts(path, index, family);
  const latents = readLatentSpace(path, family);
  const schedulerFile = join(path, "scheduler", "scheduler_config.json");
  const options = readJsonObject(schedulerFile);
  const config = fieldsOf(options, schedulerFile);
  const edits = parts.vaeEncoder !== undefined && family !== "plain";
  const described = readCard({ path, family, denoiserKind: parts.denoiserKind, latents, scheduler: config, edits });
  if (described.card.edits && parts.vaeEncoder === undefined) {
    throw new ModelFolderError(parts.encoderRefused ?? `${join(path, "vae_encoder", "model.onnx")}: missing`);
  }
  return {
    path,
    family,
    ...described,
    latents,
    scheduler: createScheduler(config),
    schedulers: chooseSchedulers(described.card.schedulers ?? [], options, index),
    latentConsistency: index.string("_class_name").includes("LatentConsistency"),
    zerosForEmptyPrompt: family === "sdxl" && index.boolean("force_zeros_for_empty_prompt", true),
    parts,
  };
}
