export { ModelFolderError } from "./folder/fields.ts";
export type { LatentSpace } from "./folder/latent-space.ts";
export { type Native, renderSize } from "./folder/native-size.ts";
export { type ModelFolder, readModelFolder } from "./folder/read-model-folder.ts";
export { isProviderChoice, PROVIDERS, type Provider, type ProviderChoice } from "./network/runtime.ts";
export { loadPipeline, type Pipeline, type PipelineOptions } from "./pipeline/load-pipeline.ts";
export type { PictureMetadata } from "./pipeline/parameters.ts";
export { mostEvents, type PictureRequest, toPictureRequest } from "./pipeline/picture-request.ts";
export { pixelSteps } from "./pipeline/pixel-steps.ts";
export { stepsToRun } from "./pipeline/strength.ts";
export { type EventQueue, eventQueue } from "./process/event-queue.ts";
export type { LoadedFacts, Timings } from "./process/messages.ts";
export {
  type GenerateOptions,
  type ModelProcess,
  type ModelProcessOptions,
  type ModelProcessState,
  startModelProcess,
} from "./process/model-process.ts";
export { NOISE_SOURCES, type NoiseSource } from "./random/create-generator.ts";
