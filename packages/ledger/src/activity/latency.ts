/** Eight classes an octave: a percentile read from them is off by 4.5 % at most. */
const PER_OCTAVE = 8;
/** 2^24 ms are 4.7 hours. */
export const MAX_LATENCY_CLASS = 24 * PER_OCTAVE;

/** The class of a duration in ms; what is shorter than one counts as one. */
export function latencyClass(ms: number): number {
  return Math.min(MAX_LATENCY_CLASS, Math.max(0, Math.round(PER_OCTAVE * Math.log2(Math.max(1, ms)))));
}

/** The middle of a class, in whole ms. */
export function latencyOf(latency: number): number {
  return Math.round(2 ** (latency / PER_OCTAVE));
}
