import type { KeyLimits } from "../core/types.ts";
import { LedgerInputError } from "../errors.ts";
import type { AccountId, KeyId } from "../ids.ts";
import type { KeyRecord } from "../ledger.ts";
import type { ResponseDefault } from "../response-default.ts";
import { keyFrom } from "../sql/decode.ts";
import { query, type Script } from "../sql/script.ts";
import { appendAudit, onlyRow } from "./audit.ts";

const COLUMNS = `id, account_id, name, secret_hash, last_four, created_at, expires_at, disabled_at, revoked_at,
  last_used_at, allowed_models, requests_per_minute, images_per_minute, concurrent_requests,
  response_format`;
const FIND = `SELECT ${COLUMNS} FROM keys WHERE id = $1`;
const LIST = `SELECT ${COLUMNS} FROM keys WHERE id > $1 ORDER BY id LIMIT $2`;
const LIST_OF_ACCOUNT = `SELECT ${COLUMNS} FROM keys WHERE account_id = $3 AND id > $1 ORDER BY id LIMIT $2`;
const FIND_ACCOUNT = "SELECT id FROM accounts WHERE id = $1";
const INSERT = `
  INSERT INTO keys (id, account_id, name, secret_hash, last_four, created_at, expires_at, allowed_models,
    requests_per_minute, images_per_minute, concurrent_requests, response_format)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING ${COLUMNS}`;
const UPDATE = `
  UPDATE keys SET name = $2, expires_at = $3, allowed_models = $4,
    requests_per_minute = $5, images_per_minute = $6, concurrent_requests = $7, response_format = $8
  WHERE id = $1 RETURNING ${COLUMNS}`;
const DISABLE = `UPDATE keys SET disabled_at = COALESCE(disabled_at, $2) WHERE id = $1 RETURNING ${COLUMNS}`;
const ENABLE = `UPDATE keys SET disabled_at = NULL WHERE id = $1 RETURNING ${COLUMNS}`;
const REVOKE = `UPDATE keys SET revoked_at = COALESCE(revoked_at, $2) WHERE id = $1 RETURNING ${COLUMNS}`;
const TOUCH = "UPDATE keys SET last_used_at = $2 WHERE id = $1 AND COALESCE(last_used_at, 0) < $2";

export interface NewKeyRow {
  id: KeyId;
  accountId: AccountId;
  name: string;
  secretHash: Uint8Array;
  lastFour: string;
  expiresAt: number | null;
  allowedModels: readonly string[] | null;
  responseFormat: ResponseDefault | null;
  limits: KeyLimits;
  actor: string;
}

const modelsJson = (models: readonly string[] | null): string | null =>
  models === null ? null : JSON.stringify(models);
const notFound = (id: KeyId) => new LedgerInputError("key_not_found", `there is no key ${id}`);

export function* findKey(id: KeyId): Script<KeyRecord | undefined> {
  const [row] = yield query(FIND, id);
  return row === undefined ? undefined : keyFrom(row);
}

export function* listKeys(accountId: AccountId | undefined, after: string, limit: number): Script<KeyRecord[]> {
  const rows =
    accountId === undefined ? yield query(LIST, after, limit) : yield query(LIST_OF_ACCOUNT, after, limit, accountId);
  return rows.map(keyFrom);
}

export function* createKey(key: NewKeyRow, now: number): Script<KeyRecord> {
  const { id, accountId, name, secretHash, lastFour, expiresAt, allowedModels, responseFormat, limits, actor } = key;
  const [account] = yield query(FIND_ACCOUNT, accountId);
  if (account === undefined) throw new LedgerInputError("account_not_found", `there is no account ${accountId}`);
  const { requestsPerMinute, imagesPerMinute, concurrentRequests } = limits;
  const row = onlyRow(
    yield query(
      INSERT,
      id,
      accountId,
      name,
      secretHash,
      lastFour,
      now,
      expiresAt,
      modelsJson(allowedModels),
      requestsPerMinute,
      imagesPerMinute,
      concurrentRequests,
      responseFormat,
    ),
  );
  const details = { accountId, name, expiresAt, allowedModels, responseFormat, limits };
  yield* appendAudit({ actor, action: "key.create", subject: id, details }, now);
  return keyFrom(row);
}

export interface KeyChangeRow {
  name: string | undefined;
  expiresAt: number | null | undefined;
  allowedModels: readonly string[] | null | undefined;
  responseFormat: ResponseDefault | null | undefined;
  limits: Partial<KeyLimits>;
}

export function* updateKey(id: KeyId, change: KeyChangeRow, actor: string, now: number): Script<KeyRecord> {
  const before = yield* findKey(id);
  if (before === undefined) throw notFound(id);
  const name = change.name ?? before.name;
  const expiresAt = change.expiresAt === undefined ? before.expiresAt : change.expiresAt;
  const allowedModels = change.allowedModels === undefined ? before.allowedModels : change.allowedModels;
  const responseFormat = change.responseFormat === undefined ? before.responseFormat : change.responseFormat;
  const limits = { ...before.limits, ...change.limits };
  const { requestsPerMinute, imagesPerMinute, concurrentRequests } = limits;
  const row = onlyRow(
    yield query(
      UPDATE,
      id,
      name,
      expiresAt,
      modelsJson(allowedModels),
      requestsPerMinute,
      imagesPerMinute,
      concurrentRequests,
      responseFormat,
    ),
  );
  yield* appendAudit(
    { actor, action: "key.update", subject: id, details: { name, expiresAt, allowedModels, responseFormat, limits } },
    now,
  );
  return keyFrom(row);
}

function* change(
  statement: ReturnType<typeof query>,
  id: KeyId,
  action: string,
  actor: string,
  now: number,
): Script<KeyRecord> {
  const [row] = yield statement;
  if (row === undefined) throw notFound(id);
  yield* appendAudit({ actor, action, subject: id, details: {} }, now);
  return keyFrom(row);
}

export const disableKey = (id: KeyId, actor: string, now: number) =>
  change(query(DISABLE, id, now), id, "key.disable", actor, now);
export const enableKey = (id: KeyId, actor: string, now: number) =>
  change(query(ENABLE, id), id, "key.enable", actor, now);
export const revokeKey = (id: KeyId, actor: string, now: number) =>
  change(query(REVOKE, id, now), id, "key.revoke", actor, now);

/** In the order of the ids, so that two gateways doing the same lock rows in the same order. */
export function* touchKeys(uses: ReadonlyMap<KeyId, number>): Script<void> {
  const sorted = [...uses].sort(([left], [right]) => (left < right ? -1 : 1));
  for (const [id, at] of sorted) yield query(TOUCH, id, at);
}
