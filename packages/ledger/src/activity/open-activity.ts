import { checkInteger, checkName, checkTime } from "../arguments.ts";
import type { Engine } from "../engine.ts";
import { LedgerInputError } from "../errors.ts";
import { accountIdFrom, keyIdFrom } from "../ids.ts";
import { type Activity, type ActivityCount, type ActivityFilter, GROUPS, OUTCOMES } from "./activity.ts";
import { add, HOUR_MS, series } from "./activity-statements.ts";
import { MAX_LATENCY_CLASS } from "./latency.ts";

/** What is added in one transaction. */
const MAX_COUNTS = 5_000;
const MAX_POINTS = 2_000;

const beginningOf = (time: number) => time - (time % HOUR_MS);
const placeOf = ({ hour, accountId, keyId, model, outcome, latency }: ActivityCount) =>
  [hour, accountId, keyId, model, outcome, String(latency).padStart(3, "0")].join(" ");

function checkOne<T extends string>(name: string, value: T, known: readonly T[]): T {
  if (known.includes(value)) return value;
  throw new LedgerInputError("invalid_argument", `${name} must be one of ${known.join(", ")}`);
}

function checkCount(count: ActivityCount): ActivityCount {
  return {
    hour: beginningOf(checkTime("hour", count.hour)),
    accountId: accountIdFrom(count.accountId),
    keyId: keyIdFrom(count.keyId),
    model: checkName("model", count.model, 256),
    outcome: checkOne("outcome", count.outcome, OUTCOMES),
    latency: checkInteger("latency", count.latency, 0, MAX_LATENCY_CLASS),
    requests: checkInteger("requests", count.requests, 0),
    images: checkInteger("images", count.images, 0),
    units: checkInteger("units", count.units, 0),
  };
}

function checkFilter(filter: ActivityFilter): ActivityFilter {
  const from = beginningOf(checkTime("from", filter.from));
  const to = checkTime("to", filter.to);
  const hours = checkInteger("hours", filter.hours, 1, 10_000);
  if (to - from > MAX_POINTS * hours * HOUR_MS) {
    throw new LedgerInputError(
      "invalid_argument",
      `from and to must be at most ${MAX_POINTS} points of their length apart`,
    );
  }
  return { ...filter, from, to, hours, group: checkOne("group", filter.group, GROUPS) };
}

/** Activity over an engine: checked arguments in, one script each. */
export function openActivity(engine: Engine): Activity {
  return {
    async add(counts) {
      checkInteger("the number of counts", counts.length, 0, MAX_COUNTS);
      if (counts.length === 0) return;
      const places = counts.map(checkCount).map((count) => ({ count, place: placeOf(count) }));
      const ordered = places.sort((a, b) => (a.place < b.place ? -1 : 1)).map(({ count }) => count);
      await engine.transact(() => add(ordered));
    },
    async series(filter) {
      const checked = checkFilter(filter);
      return engine.read(() => series(checked));
    },
  };
}
