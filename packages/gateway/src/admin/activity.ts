import { errors } from "@atoma/contract";
import { ACTIVITY_GROUPS, type ActivityPoint, accountIdFrom, keyIdFrom } from "@atoma/ledger";
import type { FastifyInstance } from "fastify";
import type { LiveRequest } from "../activity/live-requests.ts";
import type { Context } from "../context.ts";
import { sendRows } from "./csv.ts";
import { type Query, queryOf } from "./query.ts";

/** Hours of a point. */
const STEPS = { hour: 1, day: 24 } as const;
const HOUR_MS = 3_600_000;

function timeOf(query: Query, name: "from" | "to", otherwise: number): number {
  const given = query[name];
  if (given === undefined) return otherwise;
  if (/^\d{1,15}$/.test(given)) return Number(given);
  throw errors.conflict(name, `Invalid '${name}': expected milliseconds since the epoch.`);
}

function oneOf<T extends string>(query: Query, name: string, known: readonly T[], otherwise: T): T {
  const given = query[name];
  if (given === undefined) return otherwise;
  const found = known.find((one) => one === given);
  if (found === undefined) throw errors.invalidValue(name, given, known);
  return found;
}

const pointToWire = ({ p50Ms, p95Ms, p99Ms, ...point }: ActivityPoint) => ({
  ...point,
  p50_ms: p50Ms,
  p95_ms: p95Ms,
  p99_ms: p99Ms,
});

const liveToWire = ({ id, accountId, keyId, job, units, startedAt, node, step, steps }: LiveRequest) => ({
  id,
  account_id: accountId,
  key_id: keyId,
  model: job.card.id,
  operation: job.operation,
  images: job.n,
  width: job.width,
  height: job.height,
  units,
  started_at: startedAt,
  node: node ?? null,
  step: step ?? null,
  steps: steps ?? null,
});

/** `/admin/v1/activity`, what happened over time, and `/admin/v1/requests`, what happens now at this gateway. */
export function adminActivity(admin: FastifyInstance, { ledger, activity, liveRequests, clock }: Context): void {
  admin.get("/activity", async (request, reply) => {
    const query = queryOf(request);
    const to = timeOf(query, "to", clock.now());
    const step = oneOf(query, "step", ["hour", "day"], "hour");
    await activity.flush();
    const points = await ledger.activity.series({
      from: timeOf(query, "from", to - 24 * HOUR_MS),
      to,
      hours: STEPS[step],
      group: oneOf(query, "group", ACTIVITY_GROUPS, "none"),
      accountId: query.account_id === undefined ? undefined : accountIdFrom(query.account_id),
      keyId: query.key_id === undefined ? undefined : keyIdFrom(query.key_id),
      model: query.model,
    });
    return sendRows(request, reply, points.map(pointToWire), [
      ...["start", "group", "requests", "succeeded", "refused", "failed", "left", "images", "units"],
      ...["p50_ms", "p95_ms", "p99_ms"],
    ]);
  });
  admin.get("/requests", async () => ({ data: liveRequests.list().map(liveToWire) }));
}
