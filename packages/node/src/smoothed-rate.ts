const WEIGHT = 0.2;

/** Seconds per pixel-step, smoothed exponentially; a new measurement weighs 0.2. */
export interface SmoothedRate {
  readonly value: number | undefined;
  measure(seconds: number, pixelSteps: number): void;
}

/** `initial` is asked for as long as nothing was measured. */
export function smoothedRate(initial: () => number | undefined): SmoothedRate {
  let value: number | undefined;
  return {
    get value() {
      return value ?? initial();
    },
    measure: (seconds, pixelSteps) => {
      if (pixelSteps <= 0) return;
      const rate = seconds / pixelSteps;
      value = value === undefined ? rate : value + WEIGHT * (rate - value);
    },
  };
}
