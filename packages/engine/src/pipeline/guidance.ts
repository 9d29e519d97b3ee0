import type { Latent } from "../schedulers/scheduler.ts";

/** Classifier-free guidance (Ho and Salimans, 2022): negative + scale · (positive − negative), in float32. */
export function guide(negative: Latent, positive: Latent, scale: number): Latent {
  const { fround } = Math;
  return positive.map((value, i) => {
    const base = negative[i] ?? 0;
    return base + fround(scale * fround(value - base));
  });
}

function spread(values: Latent): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0));
}

/**
 * Scales a guided output to the standard deviation of the positive one and mixes the two, `share` to 1 − `share` (Lin et
 * al., 2023, section 3.4): guidance of models trained to zero signal would be too bright otherwise.
 */
export function rescale(guided: Latent, positive: Latent, share: number): Latent {
  const factor = share * (spread(positive) / spread(guided)) + (1 - share);
  return guided.map((value) => value * factor);
}

/**
 * The guidance scale w − 1 as sinusoids, which latent consistency models are told instead of being guided: half sines, then
 * cosines, of 1000 (w − 1) · 10000^(−i / (half − 1)) (diffusers, `get_guidance_scale_embedding`).
 */
export function guidanceEmbedding(scale: number, width: number): Float32Array {
  const { fround } = Math;
  const half = Math.floor(width / 2);
  const step = fround(Math.log(10_000) / (half - 1));
  const w = fround(fround(scale - 1) * 1000);
  const embedding = new Float32Array(width);
  for (let i = 0; i < half; i++) {
    const angle = fround(w * fround(Math.exp(fround(-step * i))));
    embedding[i] = Math.sin(angle);
    embedding[half + i] = Math.cos(angle);
  }
  return embedding;
}
