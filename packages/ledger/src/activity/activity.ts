import type { AccountId, KeyId } from "../ids.ts";

/** How a request ended: with pictures, refused (4xx), failed (5xx), or its client left before the answer was complete. */
export const OUTCOMES = ["succeeded", "refused", "failed", "left"] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** Requests of one kind that ended within one hour, as a gateway has counted them. */
export interface ActivityCount {
  /** The hour's beginning, ms since the epoch. */
  readonly hour: number;
  readonly accountId: AccountId;
  readonly keyId: KeyId;
  readonly model: string;
  readonly outcome: Outcome;
  /** See `latencyClass`. */
  readonly latency: number;
  readonly requests: number;
  /** Delivered. */
  readonly images: number;
  /** Charged compute units. */
  readonly units: number;
}

export const GROUPS = ["none", "account", "key", "model"] as const;
export type ActivityGroup = (typeof GROUPS)[number];

export interface ActivityFilter {
  /** ms since the epoch; the hour that it is in counts. */
  readonly from: number;
  /** ms since the epoch; hours that begin before it count. */
  readonly to: number;
  /** Length of one point: a whole number of hours. Points of 24 hours are UTC days. */
  readonly hours: number;
  readonly group: ActivityGroup;
  readonly accountId?: AccountId | undefined;
  readonly keyId?: KeyId | undefined;
  readonly model?: string | undefined;
}

/** What happened in one stretch of time. Latencies are those of requests that succeeded, null where none did. */
export interface ActivityPoint {
  /** Its beginning, ms since the epoch. */
  readonly start: number;
  /** Account id, key id or model, by the filter's group; empty for none. */
  readonly group: string;
  readonly requests: number;
  readonly succeeded: number;
  readonly refused: number;
  readonly failed: number;
  readonly left: number;
  readonly images: number;
  readonly units: number;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
}

/**
 * Counts for charts, added by gateways every few seconds: a gateway that is killed loses its last ones. What was charged is in
 * `usage`, which loses nothing.
 */
export interface Activity {
  add(counts: readonly ActivityCount[]): Promise<void>;
  /** Points without a request are left out. At most 2,000 points a group, and 100,000 in all. */
  series(filter: ActivityFilter): Promise<ActivityPoint[]>;
}
