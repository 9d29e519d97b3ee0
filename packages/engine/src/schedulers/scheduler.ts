/** A picture's latent, or what a network says about it; all of one length. */
export type Latent = Float32Array<ArrayBuffer>;

/**
 * The plan of one denoising run of `steps` steps, and its arithmetic. Step i goes from noise level i to i + 1.
 * Everything is float32, as in diffusers: its golden values need that.
 */
export interface Schedule {
  readonly steps: number;
  /** What the network is told at each step. */
  readonly timesteps: Float32Array;
  /** Standard deviation of the noise that the run starts from. */
  readonly initNoiseSigma: number;
  /** The latent as the network wants to see it at step i. */
  scaleInput(sample: Latent, i: number): Latent;
  /** The finished latent that the network's output at step i predicts (x0). */
  predictOriginal(output: Latent, i: number, sample: Latent): Latent;
  /** A finished latent as it is at noise level i, 0 to `steps`: where step i begins; at `steps` it is itself. */
  addNoise(original: Latent, noise: Latent, i: number): Latent;
  /** The latent after step i. */
  step(output: Latent, i: number, sample: Latent): Latent;
}

/** Makes the plan for a number of steps (at least 1). */
export type Scheduler = (steps: number) => Schedule;

export type PredictionType = "epsilon" | "v_prediction" | "sample";

/** result[i] = f(a[i], b[i]), rounded to float32. */
export function combine(a: Latent, b: Latent, f: (a: number, b: number) => number): Latent {
  if (a.length !== b.length) throw new RangeError(`latents differ in length: ${a.length} and ${b.length}`);
  const result = new Float32Array(a.length);
  for (let i = 0; i < a.length; i++) result[i] = f(a[i] ?? 0, b[i] ?? 0);
  return result;
}

/** `count` values from `start` to `end` inclusive, as numpy.linspace. */
export function linspace(start: number, end: number, count: number): number[] {
  const step = count > 1 ? (end - start) / (count - 1) : 0;
  return Array.from({ length: count }, (_, i) => (i > 0 && i === count - 1 ? end : start + i * step));
}

export function at(values: Float32Array, i: number): number {
  const value = values[i];
  if (value === undefined) throw new RangeError(`step ${i} is not within 0 to ${values.length - 1}`);
  return value;
}
