import { type GenerationEvent, seedOf } from "@atoma/contract";
import { renderSize } from "../folder/native-size.ts";
import type { ModelFolder } from "../folder/read-model-folder.ts";
import { encodeImage, limitCodec } from "../image/encode.ts";
import type { Pixels } from "../image/pixels.ts";
import { provenanceXmp } from "../image/provenance.ts";
import type { RunClock } from "../network/load-network.ts";
import type { RunQueue } from "../network/run-queue.ts";
import { openRuntime, type Runtime } from "../network/runtime.ts";
import { createGenerator, type NoiseSource } from "../random/create-generator.ts";
import type { Latent, Scheduler } from "../schedulers/scheduler.ts";
import { loadConditioner } from "../text/conditioners.ts";
import type { Conditioning } from "../text/conditioning.ts";
import { blankCanvas, type Canvas, type CanvasMask, openCanvas } from "./canvas.ts";
import { loadDecoder } from "./decoder.ts";
import { loadDenoiser } from "./denoiser.ts";
import { begin, denoise } from "./draw-picture.ts";
import { loadEncoder } from "./encoder.ts";
import { gridOf } from "./grid.ts";
import { describeParameters, type PictureMetadata } from "./parameters.ts";
import { partialSteps } from "./partial-steps.ts";
import type { PictureRequest } from "./picture-request.ts";
import { makePlan, type Plan } from "./plan.ts";
import { together } from "./together.ts";
import { countUsage } from "./usage.ts";

export interface PipelineOptions {
  /** Threads for networks and codec: 1 or more. */
  readonly threads: number;
  /** What a picture's file says of how it was made. Default: its provenance. */
  readonly metadata?: PictureMetadata;
  /** What the networks run on. Default: the CPU. */
  readonly runtime?: Runtime;
  /** Whose sequence a seed stands for. Default: that of torch on a CPU. */
  readonly noise?: NoiseSource;
  /** Where the networks of several requests take turns. */
  readonly queue?: RunQueue;
}

/** Told what happens inside a run, for comparisons with the reference. */
export interface Trace {
  readonly conditioning?: (conditioning: Conditioning) => void;
  /** After each step of picture `index`. */
  readonly latent?: (index: number, latent: Latent) => void;
  /** A finished picture as it comes from the decoder. */
  readonly pixels?: (index: number, pixels: Pixels) => void;
}

export interface GenerateHooks {
  /** Awaited before each step; to cancel, let it throw. */
  readonly pause?: () => Promise<void>;
  readonly trace?: Trace;
}

/** A loaded model that makes pictures in this process. While a network runs it blocks the event loop. */
export interface Pipeline {
  /**
   * Makes the pictures, one after the other or as many beside each other as may share a batch: `progress` after each step,
   * `partial` where asked for, `image` for each, then `done`. Throws RangeError on a side that is no multiple of a latent cell, where the model has no native size, and
   * InputImageError on a picture that cannot be decoded.
   */
  generate(request: PictureRequest, hooks?: GenerateHooks): AsyncGenerator<GenerationEvent, void, undefined>;
  readonly clock: RunClock;
  /** Number type of the denoiser's input. */
  readonly precision: string;
  close(): Promise<void>;
}

/** What the pictures of a request share. */
interface Shared {
  readonly text: Conditioning;
  readonly canvas: Canvas | undefined;
  readonly mask: CanvasMask | undefined;
  readonly plan: Plan;
}

/** Loads the networks of a model folder. Throws ModelFolderError naming the file that is wrong. */
export async function loadPipeline(folder: ModelFolder, options: PipelineOptions): Promise<Pipeline> {
  const clock: RunClock = { runMs: 0 };
  const { threads, queue, noise = "cpu", runtime = openRuntime({ provider: "cpu", threads }) } = options;
  const network = { runtime, clock, ...(queue && { queue }) };
  limitCodec(threads);
  const conditioner = await loadConditioner(folder, network);
  const denoiser = await loadDenoiser(folder, network);
  const decoder = await loadDecoder(folder, network);
  const { vaeEncoder } = folder.parts;
  const encoder = vaeEncoder === undefined ? undefined : await loadEncoder(vaeEncoder, folder.latents, network);
  const { channels, pixelsPerCell } = folder.latents;
  const { paintsUnderMasks } = denoiser;

  const gridFor = (request: PictureRequest) => gridOf(renderSize(request, folder.native), pixelsPerCell);

  function schedulerFor({ scheduler: name }: PictureRequest): Scheduler {
    if (name === undefined) return folder.scheduler;
    const chosen = folder.schedulers.get(name);
    if (!chosen) throw new RangeError(`${folder.card.id} has no scheduler ${name}`);
    return chosen;
  }

  /** What the picture's file says of how it was made. */
  function told(request: PictureRequest, seed: number) {
    const { metadata = "provenance" } = options;
    if (metadata === "none") return {};
    const made = {
      model: folder.card.id,
      scheduler: schedulerFor(request).name,
      seed,
      withPrompt: metadata === "prompt",
    };
    return {
      parameters: describeParameters(request, made),
      xmp: provenanceXmp(request.edit ? "compositeWithTrainedAlgorithmicMedia" : "trainedAlgorithmicMedia"),
    };
  }

  async function share(request: PictureRequest, text: Conditioning): Promise<Shared> {
    const { edit, steps } = request;
    const grid = gridFor(request);
    const plan = makePlan(folder, schedulerFor(request), {
      steps,
      grid,
      strength: edit?.strength,
      masked: edit?.mask !== undefined,
    });
    if (!edit && !paintsUnderMasks) return { text, plan, canvas: undefined, mask: undefined };
    if (!encoder) throw new RangeError(`${folder.card.id} has no encoder for pictures`);
    const canvasOptions = { size: request, grid, pixelsPerCell, encoder, family: folder.family, paintsUnderMasks };
    const canvas = edit && (await openCanvas(edit, canvasOptions));
    const mask = canvas?.mask ?? (paintsUnderMasks ? await blankCanvas(canvasOptions) : undefined);
    return { text, plan, canvas, mask };
  }

  async function* picture(request: PictureRequest, index: number, shared: Shared, { pause, trace }: GenerateHooks) {
    const { text, canvas, mask, plan } = shared;
    const grid = gridFor(request);
    const { guidanceScale, outputFormat: format, edit, width, height } = request;
    const seed = seedOf(request.seed, index);
    const encoding = { format, compression: request.outputCompression, size: request, ...told(request, seed) };
    const encode = async (pixels: Pixels) => encodeImage(canvas ? await canvas.finish(pixels) : pixels, encoding);

    const generator = createGenerator(noise, seed);
    const length = channels * grid.rows * grid.columns;
    const start = begin(generator, { plan, length, canvas, mask, strength: edit?.strength });
    const predict = denoiser.begin({ grid, text, guidanceScale, furtherChannels: start.furtherChannels });
    const steps = plan.schedule.timesteps.length - plan.first;
    const previews = partialSteps(steps, request.partialImages);
    let { latent } = start;
    await pause?.();
    for await (const step of denoise(start, { plan, predict, generator, mask, previews })) {
      latent = step.latent;
      trace?.latent?.(index, latent);
      yield { type: "progress", index, step: step.number, steps } as const;
      if (step.preview) {
        const bytes = await encode(await decoder.decode(step.preview, grid));
        yield { type: "partial", index, partial: previews.indexOf(step.number), bytes } as const;
      }
      await pause?.();
    }
    const pixels = await decoder.decode(latent, grid);
    trace?.pixels?.(index, pixels);
    yield { type: "image", index, bytes: await encode(pixels), seed, width, height, format } as const;
  }

  return {
    clock,
    precision: denoiser.precision,
    async *generate(request, hooks = {}) {
      const { prompt, negativePrompt: negative } = request;
      const guided = denoiser.isGuided(request.guidanceScale, negative);
      const text = await conditioner.encode({ prompt, negative, guided });
      hooks.trace?.conditioning?.(text);
      await hooks.pause?.();
      const shared = await share(request, text);
      const pictures = Array.from({ length: request.n }, (_, index) => picture(request, index, shared, hooks));
      // Where a batch gains, pictures beside each other share one.
      yield* together(pictures, queue?.batchLimit ?? 1);
      const usage = countUsage(text.textTokens, request, request.n, request.edit !== undefined);
      yield { type: "done", usage, ...(Object.keys(text.notes).length > 0 && { notes: text.notes }) };
    },
    close: async () => {
      await Promise.all([conditioner.close(), denoiser.close(), decoder.close(), encoder?.close()]);
    },
  };
}
