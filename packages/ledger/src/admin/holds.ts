import type { HoldState } from "../core/types.ts";
import { type AccountId, type HoldId, holdIdFrom, type KeyId } from "../ids.ts";
import type { Hold, HoldPage } from "../ledger.ts";
import { holdFrom } from "../sql/decode.ts";
import { text } from "../sql/rows.ts";
import { query, type Script, type SqlValue } from "../sql/script.ts";

const SELECT = `SELECT id, account_id, key_id, request_id, model, images, units, price, created_at, deadline,
  idempotency_key, state, posted_units, resolved_at FROM holds`;
const FIND = `${SELECT} WHERE id = $1`;

export function* getHold(id: HoldId): Script<Hold | undefined> {
  const [row] = yield query(FIND, id);
  return row === undefined ? undefined : holdFrom(row);
}

/** How many holds one page looks through, newest first, for those that were asked for. */
const SCAN = 20_000;
const BOUNDARY = "SELECT id FROM holds WHERE id < $1 ORDER BY id DESC LIMIT 1 OFFSET $2";
const WITHOUT_JOB =
  "AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.hold_id = holds.id AND jobs.state IN ('queued', 'running'))";
/** Above every id. */
const NEWEST = "~";

export interface HoldConditions {
  accountId: AccountId | undefined;
  keyId: KeyId | undefined;
  state: HoldState | undefined;
  before: HoldId | undefined;
  withoutJob: boolean;
}

/** The condition in SQL, over parameters from `$3` on. */
function filterOf({ accountId, keyId, state, withoutJob }: HoldConditions): { filter: string; values: SqlValue[] } {
  const values: SqlValue[] = [];
  const where: string[] = [];
  for (const [column, value] of Object.entries({ account_id: accountId, key_id: keyId })) {
    if (value === undefined) continue;
    values.push(value);
    where.push(`AND ${column} = $${values.length + 2}`);
  }
  // Written out, because the indexes of what is held are partial; the type leaves these four words only.
  if (state !== undefined) where.push(`AND state = '${state}'`);
  if (withoutJob) where.push(WITHOUT_JOB);
  return { filter: where.join(" "), values };
}

/**
 * Holds have no index by account: with many accounts it would be a third of what a batch writes. A page looks
 * through a bounded part of the newest holds instead and says where the next one goes on. What is still held is few
 * and has an index.
 */
export function* listHolds(conditions: HoldConditions, limit: number): Script<HoldPage> {
  const before = conditions.before ?? NEWEST;
  const { filter, values } = filterOf(conditions);
  const isHeld = conditions.state === "held";
  const [boundary] = isHeld ? [] : yield query(BOUNDARY, before, SCAN - 1);
  const oldest = boundary === undefined ? "" : text(boundary, "id");
  const range = oldest === "" ? "" : `AND id >= $${values.length + 3}`;
  const page = `${SELECT} WHERE id < $1 ${filter} ${range} ORDER BY id DESC LIMIT $2`;
  const bounds = oldest === "" ? [] : [oldest];
  const holds = (yield query(page, before, limit, ...values, ...bounds)).map(holdFrom);
  const last = holds.at(-1);
  if (last !== undefined && holds.length === limit) return { holds, next: last.id };
  return { holds, next: oldest === "" ? null : holdIdFrom(oldest) };
}
