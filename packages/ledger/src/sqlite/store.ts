import type { Store } from "../core/store.ts";
import { holdIdFrom } from "../ids.ts";
import { holdFactsFrom, keyRightsFrom } from "../sql/decode.ts";
import { int, text, textOrNull } from "../sql/rows.ts";
import type { Sqlite } from "./database.ts";

const HOLD_COLUMNS = `id, account_id, key_id, request_id, model, images, units, price, created_at, deadline,
  idempotency_key, state, posted_units, resolved_at`;

const BALANCE = "SELECT credits, posted, pending FROM accounts WHERE id = ?";
const KEY = `SELECT account_id, expires_at, disabled_at, revoked_at, allowed_models,
  requests_per_minute, images_per_minute, concurrent_requests FROM keys WHERE id = ?`;
const HOLD_FACTS =
  "id, account_id, key_id, model, images, units, created_at, deadline, idempotency_key, state, posted_units";
const HOLD = `SELECT ${HOLD_FACTS} FROM holds WHERE id = ?`;
const IDEMPOTENCY = "SELECT fingerprint, hold_id, response FROM idempotency WHERE account_id = ? AND key = ?";
const WINDOW = `SELECT second, requests, images, last_at FROM rate_windows
  WHERE key_id = ? AND last_at > ? ORDER BY last_at`;
const LEASES = "SELECT count(*) AS leases FROM holds WHERE key_id = ? AND state = 'held' AND deadline > ?";
const OVERDUE = `SELECT ${HOLD_FACTS} FROM holds WHERE state = 'held' AND deadline <= ? ORDER BY deadline LIMIT ?`;

const SAVE_BALANCE = "UPDATE accounts SET posted = ?, pending = ? WHERE id = ?";
const INSERT_HOLD = `INSERT INTO holds (${HOLD_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (id) DO NOTHING`;
const RESOLVE_HOLD = "UPDATE holds SET state = ?, posted_units = ?, resolved_at = ? WHERE id = ?";
const APPEND_JOURNAL = "INSERT INTO journal (id, kind, debit, credit, units, at) VALUES (?, ?, ?, ?, ?, ?)";
const START_IDEMPOTENCY =
  "INSERT INTO idempotency (account_id, key, fingerprint, hold_id, created_at) VALUES (?, ?, ?, ?, ?)";
const FINISH_IDEMPOTENCY = "UPDATE idempotency SET response = ?, expires_at = ? WHERE account_id = ? AND key = ?";
const FREE_IDEMPOTENCY = "DELETE FROM idempotency WHERE account_id = ? AND key = ?";
const COUNT_IN_WINDOW = `
  INSERT INTO rate_windows (key_id, second, requests, images, last_at) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT (key_id, second) DO UPDATE SET requests = requests + excluded.requests,
    images = images + excluded.images, last_at = max(last_at, excluded.last_at)`;
const ADD_USAGE = `
  INSERT INTO usage_days (day, account_id, key_id, model, requests, images, units) VALUES (?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (day, account_id, key_id, model) DO UPDATE SET requests = requests + excluded.requests,
    images = images + excluded.images, units = units + excluded.units`;

/** The ledger's facts in a SQLite file. To be used inside a transaction. */
export function sqliteStore(database: Sqlite): Store {
  const prepare = database.statement;
  return {
    balance(id) {
      const row = prepare(BALANCE).get(id);
      if (row === undefined) return undefined;
      return { credits: int(row, "credits"), posted: int(row, "posted"), pending: int(row, "pending") };
    },
    key(id) {
      const row = prepare(KEY).get(id);
      return row === undefined ? undefined : keyRightsFrom(row);
    },
    hold(id) {
      const row = prepare(HOLD).get(id);
      return row === undefined ? undefined : holdFactsFrom(row);
    },
    idempotency(accountId, key) {
      const row = prepare(IDEMPOTENCY).get(accountId, key);
      if (row === undefined) return undefined;
      const holdId = holdIdFrom(text(row, "hold_id"));
      return { fingerprint: text(row, "fingerprint"), holdId, response: textOrNull(row, "response") };
    },
    window(keyId, after) {
      return prepare(WINDOW)
        .all(keyId, after)
        .map((row) => ({
          second: int(row, "second"),
          requests: int(row, "requests"),
          images: int(row, "images"),
          lastAt: int(row, "last_at"),
        }));
    },
    leases(keyId, now) {
      const row = prepare(LEASES).get(keyId, now);
      return row === undefined ? 0 : int(row, "leases");
    },
    overdue: (now, limit) => prepare(OVERDUE).all(now, limit).map(holdFactsFrom),

    saveBalance(id, balance) {
      prepare(SAVE_BALANCE).run(balance.posted, balance.pending, id);
    },
    insertHold(hold) {
      const { changes } = prepare(INSERT_HOLD).run(
        hold.id,
        hold.accountId,
        hold.keyId,
        hold.requestId,
        hold.model,
        hold.images,
        hold.units,
        hold.price,
        hold.createdAt,
        hold.deadline,
        hold.idempotencyKey,
        hold.state,
        hold.postedUnits,
        hold.resolvedAt,
      );
      return changes === 1;
    },
    resolveHold(id, resolution) {
      prepare(RESOLVE_HOLD).run(resolution.state, resolution.postedUnits, resolution.resolvedAt, id);
    },
    appendJournal(entry) {
      prepare(APPEND_JOURNAL).run(entry.id, entry.kind, entry.debit, entry.credit, entry.units, entry.at);
    },
    startIdempotency(accountId, key, record, now) {
      prepare(START_IDEMPOTENCY).run(accountId, key, record.fingerprint, record.holdId, now);
    },
    finishIdempotency(accountId, key, response, expiresAt) {
      prepare(FINISH_IDEMPOTENCY).run(response, expiresAt, accountId, key);
    },
    freeIdempotency(accountId, key) {
      prepare(FREE_IDEMPOTENCY).run(accountId, key);
    },
    countInWindow(keyId, use) {
      prepare(COUNT_IN_WINDOW).run(keyId, use.second, use.requests, use.images, use.lastAt);
    },
    addUsage(usage) {
      const { day, accountId, keyId, model, requests, images, units } = usage;
      prepare(ADD_USAGE).run(day, accountId, keyId, model, requests, images, units);
    },
  };
}
