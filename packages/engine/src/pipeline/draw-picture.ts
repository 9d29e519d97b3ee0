import type { Generator } from "../random/generator.ts";
import type { Latent } from "../schedulers/scheduler.ts";
import type { Canvas, CanvasMask } from "./canvas.ts";
import type { Predict } from "./denoiser.ts";
import type { Plan } from "./plan.ts";

/** What a picture begins with. */
export interface Start {
  readonly latent: Latent;
  readonly noise: Latent;
  /** The encoded picture of an edit. */
  readonly original: Latent | undefined;
  /** Mask and picture beneath, for networks that see them: channels behind the latent's. */
  readonly furtherChannels: Latent | undefined;
}

export interface StartOptions {
  readonly plan: Plan;
  /** Values of a latent. */
  readonly length: number;
  readonly canvas: Canvas | undefined;
  /** The canvas' mask, or the blank one of a network that needs one. */
  readonly mask: CanvasMask | undefined;
  readonly strength: number | undefined;
}

/** Mask [1, rows, columns] and latent [channels, rows, columns] behind each other. */
function channelsOf(mask: CanvasMask, beneath: Latent): Latent {
  const joined = new Float32Array(mask.cells.length + beneath.length);
  joined.set(mask.cells);
  joined.set(beneath, mask.cells.length);
  return joined;
}

/**
 * Draws a picture's random numbers in the reference's order: a sample of the encoded picture, the noise, a sample of what is
 * beneath the mask. Without a picture, or with a mask and strength 1, the run begins with noise alone; otherwise with the
 * picture noised to the level of the first evaluation.
 */
export function begin(generator: Generator, { plan, length, canvas, mask, strength }: StartOptions): Start {
  const fromNoise = canvas === undefined || (canvas.mask !== undefined && strength === 1);
  const seesBeneath = mask?.beneath !== undefined;
  // A network that sees the picture beneath has no other use for the picture when it begins with noise.
  const original = canvas && !(seesBeneath && fromNoise) ? canvas.picture.sample(generator) : undefined;
  const noise = generator.normals(length);
  const beneath = mask?.beneath?.sample(generator);
  // The reference draws this sample also for networks that do not see it.
  if (canvas?.mask && !seesBeneath) canvas.picture.sample(generator);
  const { schedule, first } = plan;
  return {
    latent:
      fromNoise || !original
        ? noise.map((value) => value * schedule.initNoiseSigma)
        : schedule.addNoise(original, noise, first),
    noise,
    original,
    furtherChannels: mask && beneath ? channelsOf(mask, beneath) : undefined,
  };
}

/** The known latent where nothing is painted. */
function keepUnpainted(painted: Latent, known: Latent, { cells }: CanvasMask): Latent {
  return painted.map((value, i) => (cells[i % cells.length] === 1 ? value : (known[i] ?? 0)));
}

/** One evaluation of the network. */
export interface Step {
  /** 1-based. */
  readonly number: number;
  /** Of so many. */
  readonly of: number;
  /** After this step. */
  readonly latent: Latent;
  /** The finished latent that the network predicts now (x0), where `previews` has this step's number. */
  readonly preview: Latent | undefined;
}

export interface DenoiseOptions {
  readonly plan: Plan;
  readonly predict: Predict;
  /** The picture's own, from which the start was drawn. */
  readonly generator: Generator;
  readonly mask: CanvasMask | undefined;
  readonly previews: readonly number[];
}

/** Runs the plan's evaluations, one for each turn of the iterator. */
export async function* denoise(start: Start, options: DenoiseOptions): AsyncGenerator<Step, void, undefined> {
  const { plan, predict, generator, mask, previews } = options;
  const { schedule, first } = plan;
  const run = schedule.begin(generator, first);
  const count = schedule.timesteps.length;
  const { original, noise } = start;
  let latent = start.latent;
  for (let i = first; i < count; i++) {
    const output = await predict(run.scaleInput(latent), schedule.timesteps[i] ?? 0);
    const number = i + 1 - first;
    const preview = previews.includes(number) ? run.predictOriginal(output, latent) : undefined;
    latent = run.step(output, latent);
    if (mask && original && !mask.beneath) {
      latent = keepUnpainted(latent, schedule.addNoise(original, noise, i + 1), mask);
    }
    yield { number, of: count - first, latent, preview };
  }
}
