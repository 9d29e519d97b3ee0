import { linspace, roundHalfEven } from "./arithmetic.ts";
import { StepsError } from "./scheduler.ts";
import { oneOf, whole } from "./settings.ts";

/** The keys that say which training timesteps a run visits. */
export const spacingKeys = (fallback: Spacing) => ({
  timestep_spacing: oneOf(fallback, "linspace", "leading", "trailing"),
  steps_offset: whole(0, 0),
});

export type Spacing = "linspace" | "leading" | "trailing";

interface SpacingOptions {
  readonly timestep_spacing: Spacing;
  readonly steps_offset: number;
  readonly num_train_timesteps: number;
}

/** numpy.arange(start, 0, −step): one value more than expected where the division is not exact. */
function descending(start: number, step: number): number[] {
  return Array.from({ length: Math.ceil(start / step) }, (_, i) => start - i * step);
}

/**
 * Which training timesteps a run of `steps` visits, highest first (Lin et al., 2023, table 2). May hold fractions with
 * `linspace`. For some numbers of steps (61 of 1000) `trailing` gives one more, −1, as numpy's rounding does.
 */
export function spacedTimesteps(options: SpacingOptions, steps: number): number[] {
  const { timestep_spacing: spacing, steps_offset: offset, num_train_timesteps: count } = options;
  switch (spacing) {
    case "linspace":
      return linspace(0, count - 1, steps).reverse();
    case "leading": {
      const stride = Math.floor(count / steps);
      return Array.from({ length: steps }, (_, i) => (steps - 1 - i) * stride + offset);
    }
    case "trailing":
      return descending(count, count / steps).map((t) => roundHalfEven(t) - 1);
  }
}

/**
 * The same for the multistep solvers (DPM++, UniPC), which take one point more and drop the lowest. `last` is one above
 * the highest timestep: the number of training timesteps unless the lowest signal-to-noise ratios are clipped.
 */
export function multistepTimesteps(options: SpacingOptions, steps: number, last: number): number[] {
  const { timestep_spacing: spacing, steps_offset: offset, num_train_timesteps: count } = options;
  switch (spacing) {
    case "linspace":
      return linspace(0, last - 1, steps + 1)
        .map(roundHalfEven)
        .reverse()
        .slice(0, -1);
    case "leading": {
      const stride = Math.floor(last / (steps + 1));
      return Array.from({ length: steps }, (_, i) => (steps - i) * stride + offset);
    }
    case "trailing":
      return descending(last, count / steps).map((t) => roundHalfEven(t) - 1);
  }
}

/** Refuses more steps than there are training timesteps to visit. */
export function checkSteps(steps: number, most: number, name: string): void {
  if (steps > most) throw new StepsError(`${name} takes at most ${most} steps, not ${steps}`);
}
