import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import {
  type Account,
  type ActivityPoint,
  type AuditEntry,
  type Hold,
  type Key,
  type LiveRequest,
  type Nodes,
  read,
} from "./admin-api.ts";

/** How often a view asks again. Hidden tabs do not ask. */
const LIVE_MS = 2_000;
const CALM_MS = 15_000;
/** What one page of the admin API holds at most; the lists here end there and say so. */
export const PAGE = 1000;

interface List<T> {
  readonly data: readonly T[];
}

const list = <T>(key: readonly string[], path: string, refetchInterval: number) =>
  queryOptions({
    queryKey: key,
    queryFn: async ({ signal }) => (await read<List<T>>(path, signal)).data,
    refetchInterval,
    placeholderData: keepPreviousData,
  });

export const accountsQuery = list<Account>(["accounts"], `/accounts?limit=${PAGE}`, CALM_MS);
export const keysQuery = list<Key>(["keys"], `/keys?limit=${PAGE}`, CALM_MS);
export const requestsQuery = list<LiveRequest>(["requests"], "/requests", LIVE_MS);
export const auditQuery = list<AuditEntry>(["audit"], "/audit?limit=200", CALM_MS);
export const holdsQuery = (state: string) =>
  list<Hold>(["holds", state], `/holds?limit=200${state === "" ? "" : `&state=${state}`}`, CALM_MS);
export const nodesQuery = queryOptions({
  queryKey: ["nodes"],
  queryFn: ({ signal }) => read<Nodes>("/nodes", signal),
  refetchInterval: LIVE_MS,
});

export const RANGES = { day: 24, week: 7 * 24, month: 30 * 24, year: 365 * 24 } as const;
export type Range = keyof typeof RANGES;
export type Group = "none" | "account" | "key" | "model";
const HOUR_MS = 3_600_000;

/** Length of one point, in ms: days are those of UTC. */
export const stepOf = (range: Range) => (range === "day" || range === "week" ? HOUR_MS : 24 * HOUR_MS);

/** The address of a range that ends now. */
export function activityPath(range: Range, group: Group, now = Date.now()): string {
  const step = stepOf(range) === HOUR_MS ? "hour" : "day";
  const from = now - (RANGES[range] - (step === "hour" ? 1 : 24)) * HOUR_MS;
  return `/activity?${new URLSearchParams({ from: String(from), to: String(now), step, group })}`;
}

export const activityQuery = (range: Range, group: Group) =>
  queryOptions({
    queryKey: ["activity", range, group],
    queryFn: async ({ signal }) => (await read<List<ActivityPoint>>(activityPath(range, group), signal)).data,
    refetchInterval: CALM_MS,
    placeholderData: keepPreviousData,
  });

/** The health of the gateway that answers: undefined while all is well, or what it says. */
export const healthQuery = queryOptions({
  queryKey: ["health"],
  queryFn: async ({ signal }) => (await fetch("/health", { signal })).status,
  refetchInterval: CALM_MS,
});
