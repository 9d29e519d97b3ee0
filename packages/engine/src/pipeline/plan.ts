import type { ModelFolder } from "../folder/read-model-folder.ts";
import { linspace } from "../schedulers/arithmetic.ts";
import type { Schedule, Scheduler } from "../schedulers/scheduler.ts";
import type { Grid } from "./grid.ts";
import { skippedSteps } from "./strength.ts";

/** What of a request decides which noise levels it visits. */
export interface PlanRequest {
  readonly steps: number;
  readonly grid: Grid;
  /** Of an edit. */
  readonly strength: number | undefined;
  readonly masked: boolean;
}

export interface Plan {
  readonly schedule: Schedule;
  /** The evaluation at which the run begins. */
  readonly first: number;
}

/** What the family's pipeline in the reference hands to its scheduler. */
export function makePlan(folder: ModelFolder, scheduler: Scheduler, request: PlanRequest): Plan {
  const { steps, grid, strength, masked } = request;
  const { family } = folder;
  const rule = { family, scheduler, latentConsistency: folder.latentConsistency };
  const transformer = family === "flux" || family === "sd3";
  const schedule = scheduler.plan({
    steps,
    ...(transformer && { imageTokens: (grid.rows / 2) * (grid.columns / 2) }),
    // FLUX's pipeline decides the noise levels itself.
    ...(family === "flux" && { sigmas: linspace(1, 1 / steps, steps) }),
    ...(folder.latentConsistency && strength !== undefined && !masked && { strength }),
  });
  return { schedule, first: strength === undefined ? 0 : skippedSteps(steps, strength, rule, masked) };
}
