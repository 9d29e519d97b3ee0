import { type GenerationEvent, seedOf } from "@atoma/contract";
import { renderSize } from "../folder/native-size.ts";
import type { ModelFolder } from "../folder/read-model-folder.ts";
import { encodeImage, limitCodec } from "../image/encode.ts";
import type { RunClock } from "../network/load-network.ts";
import { torchGenerator } from "../random/torch-generator.ts";
import type { Latent } from "../schedulers/scheduler.ts";
import { type Canvas, openCanvas } from "./canvas.ts";
import { loadDecoder } from "./decoder.ts";
import { type Grid, loadDenoiser } from "./denoiser.ts";
import { loadEncoder } from "./encoder.ts";
import { describeParameters } from "./parameters.ts";
import { partialSteps } from "./partial-steps.ts";
import type { PictureRequest } from "./picture-request.ts";
import { stepsAtStrength } from "./strength.ts";
import { type Conditioning, loadTextEncoder } from "./text-encoder.ts";
import { countUsage } from "./usage.ts";

export interface PipelineOptions {
  /** Threads for networks and codec: 1 or more. */
  readonly threads: number;
  /** Whether a PNG's `parameters` chunk also holds the prompt. Default false. */
  readonly promptInPng?: boolean;
}

/** A loaded model that makes pictures in this process. While a network runs it blocks the event loop. */
export interface Pipeline {
  /**
   * Makes the pictures one after the other: `progress` after each step, `partial` where asked for, `image` for each, then
   * `done`. `pause` is awaited before each step; to cancel, let it throw. Throws RangeError on a side that is no multiple
   * of a latent cell, where the model has no native size, and InputImageError on a picture that cannot be decoded.
   */
  generate(request: PictureRequest, pause?: () => Promise<void>): AsyncGenerator<GenerationEvent, void, undefined>;
  readonly clock: RunClock;
  close(): Promise<void>;
}

/** Loads the networks of a model folder. Throws ModelFolderError naming the file that is wrong. */
export async function loadPipeline(folder: ModelFolder, options: PipelineOptions): Promise<Pipeline> {
  const clock: RunClock = { runMs: 0 };
  const network = { threads: options.threads, clock };
  limitCodec(options.threads);
  const textEncoder = await loadTextEncoder(folder, network);
  const denoiser = await loadDenoiser(folder, network);
  const decoder = await loadDecoder(folder, network);
  const { vaeEncoder } = folder.files;
  const encoder = vaeEncoder === undefined ? undefined : await loadEncoder(vaeEncoder, folder.latents, network);
  const { channels, pixelsPerCell } = folder.latents;

  function gridOf(request: PictureRequest): Grid {
    const { width, height } = renderSize(request, folder.native);
    const grid = { rows: height / pixelsPerCell, columns: width / pixelsPerCell };
    if (!Number.isInteger(grid.rows) || !Number.isInteger(grid.columns)) {
      throw new RangeError(`${width}x${height} is not in whole latent cells of ${pixelsPerCell} pixels`);
    }
    return grid;
  }

  async function canvasOf(request: PictureRequest): Promise<Canvas | undefined> {
    if (!request.edit) return undefined;
    if (!encoder) throw new RangeError(`${folder.card.id} has no encoder for pictures`);
    return openCanvas(request.edit, { size: request, grid: gridOf(request), pixelsPerCell, encoder });
  }

  async function* picture(
    request: PictureRequest,
    index: number,
    { text, canvas }: { text: Conditioning; canvas: Canvas | undefined },
    pause: () => Promise<void>,
  ) {
    const grid = gridOf(request);
    const { guidanceScale, outputFormat: format, edit } = request;
    const seed = seedOf(request.seed, index);
    const schedule = folder.scheduler.plan({ steps: request.steps });
    const skipped = edit ? request.steps - stepsAtStrength(request.steps, edit.strength) : 0;
    const steps = schedule.timesteps.length - skipped;
    const previews = partialSteps(steps, request.partialImages);
    const parameters = describeParameters(folder.card.id, request, seed, options.promptInPng ?? false);
    const encoding = { format, compression: request.outputCompression, size: request, parameters };
    const render = async (latent: Latent) => {
      const pixels = await decoder.decode(latent, grid);
      return encodeImage(canvas ? await canvas.finish(pixels) : pixels, encoding);
    };

    const generator = torchGenerator(seed);
    const noise = generator.normals(channels * grid.rows * grid.columns);
    // Who starts at the first step starts from noise alone.
    let latent: Latent =
      canvas && skipped > 0
        ? schedule.addNoise(canvas.latent, noise, skipped)
        : noise.map((x) => x * schedule.initNoiseSigma);
    const run = schedule.begin(generator, skipped);
    for (let i = skipped; i < schedule.timesteps.length; i++) {
      await pause();
      const timestep = schedule.timesteps[i] ?? 0;
      const output = await denoiser.predict(run.scaleInput(latent), timestep, grid, text, guidanceScale);
      const step = i + 1 - skipped;
      const partial = previews.indexOf(step);
      const original = partial >= 0 ? run.predictOriginal(output, latent) : undefined;
      latent = run.step(output, latent);
      if (canvas) latent = canvas.keep(latent, schedule.addNoise(canvas.latent, noise, i + 1));
      yield { type: "progress", index, step, steps } as const;
      if (original) yield { type: "partial", index, partial, bytes: await render(original) } as const;
    }
    await pause();
    const { width, height } = request;
    yield { type: "image", index, bytes: await render(latent), seed, width, height, format } as const;
  }

  return {
    clock,
    async *generate(request, pause = async () => {}) {
      const guided = request.guidanceScale > 1;
      const text = await textEncoder.encode(guided ? [request.negativePrompt, request.prompt] : [request.prompt]);
      await pause();
      const canvas = await canvasOf(request);
      for (let index = 0; index < request.n; index++) yield* picture(request, index, { text, canvas }, pause);
      yield { type: "done", usage: countUsage(text.textTokens, request, request.n, canvas !== undefined) };
    },
    close: async () => {
      await Promise.all([textEncoder.close(), denoiser.close(), decoder.close(), encoder?.close()]);
    },
  };
}
