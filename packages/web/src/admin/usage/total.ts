import type { ActivityPoint } from "../admin-api.ts";

export const COUNTED = ["requests", "succeeded", "refused", "failed", "left", "images", "units"] as const;
export type Total = Readonly<Record<(typeof COUNTED)[number], number>>;

/** The sums of all points. Percentiles cannot be added up. */
export function totalOf(points: readonly ActivityPoint[]): Total {
  const sum = (name: (typeof COUNTED)[number]) => points.reduce((total, point) => total + point[name], 0);
  return {
    requests: sum("requests"),
    succeeded: sum("succeeded"),
    refused: sum("refused"),
    failed: sum("failed"),
    left: sum("left"),
    images: sum("images"),
    units: sum("units"),
  };
}
