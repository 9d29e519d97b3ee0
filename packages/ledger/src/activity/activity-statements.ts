import { int, intOrNull, type Row, text } from "../sql/rows.ts";
import { query, type Script } from "../sql/script.ts";
import type { ActivityCount, ActivityFilter, ActivityPoint } from "./activity.ts";
import { latencyOf } from "./latency.ts";

export const HOUR_MS = 3_600_000;

const ADD = `
  INSERT INTO activity_hours (hour, account_id, key_id, model, outcome, latency, requests, images, units)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
  ON CONFLICT (hour, account_id, key_id, model, outcome, latency) DO UPDATE SET
    requests = activity_hours.requests + excluded.requests,
    images = activity_hours.images + excluded.images,
    units = activity_hours.units + excluded.units`;

// A percentile is the lowest class that enough of the requests are in or below.
const percentile = (share: number) => `MIN(CASE WHEN upto * 100 >= of_all * ${share} THEN latency END)`;
const SERIES = `
  WITH chosen AS (
    SELECT hour - hour % CAST($3 AS BIGINT) AS start, outcome, latency, requests, images, units,
      CASE CAST($4 AS TEXT) WHEN 'account' THEN account_id WHEN 'key' THEN key_id WHEN 'model' THEN model ELSE '' END AS grouped
    FROM activity_hours
    WHERE hour >= $1 AND hour < $2
      AND ($5 = '' OR account_id = $5) AND ($6 = '' OR key_id = $6) AND ($7 = '' OR model = $7)
  ), totals AS (
    SELECT start, grouped,
      SUM(requests) AS requests, SUM(images) AS images, SUM(units) AS units,
      SUM(CASE outcome WHEN 'succeeded' THEN requests ELSE 0 END) AS succeeded,
      SUM(CASE outcome WHEN 'refused' THEN requests ELSE 0 END) AS refused,
      SUM(CASE outcome WHEN 'failed' THEN requests ELSE 0 END) AS failed,
      SUM(CASE outcome WHEN 'left' THEN requests ELSE 0 END) AS went
    FROM chosen GROUP BY start, grouped
  ), classes AS (
    SELECT start, grouped, latency, SUM(requests) AS requests FROM chosen WHERE outcome = 'succeeded'
    GROUP BY start, grouped, latency
  ), running AS (
    SELECT start, grouped, latency, SUM(requests) OVER (PARTITION BY start, grouped ORDER BY latency) AS upto,
      SUM(requests) OVER (PARTITION BY start, grouped) AS of_all
    FROM classes
  ), latencies AS (
    SELECT start, grouped, ${percentile(50)} AS p50, ${percentile(95)} AS p95, ${percentile(99)} AS p99
    FROM running GROUP BY start, grouped
  )
  SELECT t.start, t.grouped, t.requests, t.succeeded, t.refused, t.failed, t.went, t.images, t.units, l.p50, l.p95, l.p99
  FROM totals t LEFT JOIN latencies l ON l.start = t.start AND l.grouped = t.grouped
  ORDER BY t.start, t.grouped LIMIT 100000`;

const msOrNull = (row: Row, column: string): number | null => {
  const latency = intOrNull(row, column);
  return latency === null ? null : latencyOf(latency);
};

function pointFrom(row: Row): ActivityPoint {
  return {
    start: int(row, "start"),
    group: text(row, "grouped"),
    requests: int(row, "requests"),
    succeeded: int(row, "succeeded"),
    refused: int(row, "refused"),
    failed: int(row, "failed"),
    left: int(row, "went"),
    images: int(row, "images"),
    units: int(row, "units"),
    p50Ms: msOrNull(row, "p50"),
    p95Ms: msOrNull(row, "p95"),
    p99Ms: msOrNull(row, "p99"),
  };
}

/** `counts` in the order of their keys, so that two gateways take the same locks in the same order. */
export function* add(counts: readonly ActivityCount[]): Script<void> {
  for (const { hour, accountId, keyId, model, outcome, latency, requests, images, units } of counts) {
    yield query(ADD, hour, accountId, keyId, model, outcome, latency, requests, images, units);
  }
}

export function* series(filter: ActivityFilter): Script<ActivityPoint[]> {
  const { from, to, hours, group, accountId = "", keyId = "", model = "" } = filter;
  return (yield query(SERIES, from, to, hours * HOUR_MS, group, accountId, keyId, model)).map(pointFrom);
}
