/** How long a node takes for a pixel-step, by model. */
export interface Speed {
  /** What the node says of itself. */
  report(secondsPerPixelStep: ReadonlyMap<string, number>): void;
  /** What was seen here: it took so long for so many pixel-steps. */
  measure(model: string, seconds: number, pixelSteps: number, now: number): void;
  /** Undefined where nobody knows. */
  secondsPerPixelStep(model: string, now: number): number | undefined;
}

/** How much a new measurement weighs against those before. */
const WEIGHT = 0.2;
/** After this long without a measurement it is worth nothing, so that a node that was slow gets another chance. */
const FORGET_MS = 60_000;

/** Smooths exponentially what is measured; what the node reports counts where nothing was measured lately. */
export function speed(): Speed {
  const measured = new Map<string, { readonly rate: number; readonly at: number }>();
  let reported: ReadonlyMap<string, number> = new Map();
  return {
    report(secondsPerPixelStep) {
      reported = secondsPerPixelStep;
    },
    measure(model, seconds, pixelSteps, now) {
      if (pixelSteps <= 0) return;
      const sample = seconds / pixelSteps;
      const before = measured.get(model)?.rate ?? sample;
      measured.set(model, { rate: before + WEIGHT * (sample - before), at: now });
    },
    secondsPerPixelStep(model, now) {
      const own = measured.get(model);
      return own && now - own.at < FORGET_MS ? own.rate : reported.get(model);
    },
  };
}
