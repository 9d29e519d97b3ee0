import type { Generator } from "../random/generator.ts";

/** A picture's latent, or what a network says about it; all of one length. */
export type Latent = Float32Array<ArrayBuffer>;

/** What a pipeline or a request decides about a run. The rest is in the scheduler's file. */
export interface PlanOptions {
  /** Denoising steps, at least 1. A scheduler may need a few evaluations of the network more or less. */
  readonly steps: number;
  /** Noise levels that the pipeline gives before any shift, one for each step: FLUX passes linspace(1, 1/N, N). */
  readonly sigmas?: readonly number[];
  /** Tokens of the picture in a transformer, from which dynamic shifting derives its mu. */
  readonly imageTokens?: number;
  /** That mu itself, where the pipeline has a rule of its own. */
  readonly mu?: number;
  /** Share of the training steps that an LCM pipeline's edit uses, above 0 to 1; other pipelines begin a run later instead. */
  readonly strength?: number;
  /** Share of fresh noise in a DDIM step, 0 (default) to 1. */
  readonly eta?: number;
}

/** A run of so many steps is not possible; the message says what is. */
export class StepsError extends RangeError {}

/** By how many a schedule may have more evaluations than steps: PNDM's, begun with Runge–Kutta steps. */
export const EXTRA_EVALUATIONS = 9;

/** The plan of a denoising run: which noise levels it visits. One plan serves any number of runs. */
export interface Schedule {
  /** What the network is told at each evaluation. Its length is the number of evaluations. */
  readonly timesteps: Float32Array;
  /** Noise level at each evaluation and after the last one, where the class works with sigmas. */
  readonly sigmas?: Float32Array;
  /** Standard deviation of the noise that a run from pure noise starts from. */
  readonly initNoiseSigma: number;
  /** A finished latent as it is where evaluation i begins; with i = `timesteps.length` it is itself. */
  addNoise(original: Latent, noise: Latent, i: number): Latent;
  /**
   * Begins one picture's run at evaluation `first` (default 0). `generator` draws the noise of steps that need some: the
   * picture's own, after its initial noise.
   */
  begin(generator: Generator, first?: number): Run;
}

/**
 * One picture on its way through a schedule. It counts the evaluations itself: at each, the network sees
 * `scaleInput(latent)`, and `step` takes its answer. All arithmetic is float32, as in diffusers.
 */
export interface Run {
  /** The latent as the network wants to see it now. */
  scaleInput(latent: Latent): Latent;
  /** The finished latent that the network's output predicts now (x0). Changes nothing. */
  predictOriginal(output: Latent, latent: Latent): Latent;
  /** The latent after this evaluation. Goes on to the next one. */
  step(output: Latent, latent: Latent): Latent;
}

/** A class of the reference with its options, as a model's file sets them. */
export interface Scheduler {
  /** Like EulerDiscreteScheduler. */
  readonly name: string;
  /** The most steps that `plan` takes. */
  readonly maxSteps: number;
  /** Throws StepsError on a number of steps that the scheduler cannot run. */
  plan(options: PlanOptions): Schedule;
}
