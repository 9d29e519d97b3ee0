import { LedgerInputError } from "../errors.ts";
import type { KeyId } from "../ids.ts";
import type { Webhook } from "../ledger.ts";
import { int, text } from "../sql/rows.ts";
import { query, type Script } from "../sql/script.ts";
import { appendAudit } from "./audit.ts";

const FIND_KEY = "SELECT id FROM keys WHERE id = $1";
const FIND = "SELECT url, created_at FROM webhooks WHERE key_id = $1";
const SET = `
  INSERT INTO webhooks (key_id, url, secret, created_at) VALUES ($1, $2, $3, $4)
  ON CONFLICT (key_id) DO UPDATE SET url = excluded.url, secret = excluded.secret, created_at = excluded.created_at`;
const REMOVE = "DELETE FROM webhooks WHERE key_id = $1 RETURNING key_id";

/** The host alone: a path or a query may be a secret. */
const hostOf = (url: string): string => new URL(url).host;

export function* getWebhook(keyId: KeyId): Script<Webhook | undefined> {
  const [row] = yield query(FIND, keyId);
  return row === undefined ? undefined : { url: text(row, "url"), createdAt: int(row, "created_at") };
}

export function* setWebhook(keyId: KeyId, url: string, secret: string, actor: string, now: number): Script<Webhook> {
  if ((yield query(FIND_KEY, keyId)).length === 0) {
    throw new LedgerInputError("key_not_found", `there is no key ${keyId}`);
  }
  yield query(SET, keyId, url, secret, now);
  yield* appendAudit({ actor, action: "key.webhook", subject: keyId, details: { host: hostOf(url) } }, now);
  return { url, createdAt: now };
}

export function* removeWebhook(keyId: KeyId, actor: string, now: number): Script<boolean> {
  if ((yield query(REMOVE, keyId)).length === 0) return false;
  yield* appendAudit({ actor, action: "key.webhook_remove", subject: keyId, details: {} }, now);
  return true;
}
