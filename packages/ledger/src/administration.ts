import { createAccount, getAccount, grant, listAccounts } from "./admin/accounts.ts";
import { appendAudit, listAudit } from "./admin/audit.ts";
import { getHold, listHolds } from "./admin/holds.ts";
import { createKey, disableKey, enableKey, findKey, listKeys, revokeKey, updateKey } from "./admin/keys.ts";
import { endSessions, sessionsEndedAt } from "./admin/sessions.ts";
import { usage } from "./admin/usage.ts";
import { getWebhook, removeWebhook, setWebhook } from "./admin/webhooks.ts";
import {
  checkDay,
  checkInteger,
  checkLimits,
  checkModels,
  checkName,
  checkResponseFormat,
  checkText,
  checkTime,
  checkUrl,
  checkVisible,
} from "./arguments.ts";
import type { By } from "./by.ts";
import type { Engine } from "./engine.ts";
import { accountIdFrom, holdIdFrom, keyIdFrom, newAccountId, newKeyId, type RandomBytes } from "./ids.ts";
import { formatKey, hashSecret, newSecret, newWebhookSecret } from "./keys.ts";
import type { Discrepancy, Ledger } from "./ledger.ts";

/** What `create.ts` adds. */
type Elsewhere =
  | "reserve"
  | "settle"
  | "void"
  | "sweep"
  | "touchKey"
  | "jobs"
  | "nodes"
  | "activity"
  | "health"
  | "close";

const MAX_PAGE = 1_000;
const NO_LIMITS = { requestsPerMinute: null, imagesPerMinute: null, concurrentRequests: null };

const actorOf = (by: By | undefined): string => checkName("actor", by?.actor ?? "system", 128);
const pageSize = (limit: number | undefined): number => checkInteger("limit", limit ?? 100, 1, MAX_PAGE);
const expiry = (expiresAt: number | null): number | null =>
  expiresAt === null ? null : checkTime("expiresAt", expiresAt);

/** Everything of the ledger that is not the way of a request: checked arguments in, one script each. */
export function administration(engine: Engine, now: () => number, randomBytes: RandomBytes): Omit<Ledger, Elsewhere> {
  let verifying: Promise<Discrepancy[]> | undefined;

  return {
    async createAccount(account) {
      const name = checkName("name", account.name, 256);
      const at = now();
      const id = newAccountId(at, randomBytes);
      const actor = actorOf(account);
      return engine.transact(() => createAccount(id, name, actor, at));
    },
    getAccount: async (accountId) => engine.read(() => getAccount(accountIdFrom(accountId))),
    async listAccounts(page = {}) {
      const limit = pageSize(page.limit);
      return engine.read(() => listAccounts(page.after ?? "", limit));
    },
    async grant(accountId, units, details) {
      const row = {
        accountId: accountIdFrom(accountId),
        units: checkInteger("units", units, 1),
        reference: checkName("reference", details.reference, 256),
        memo: checkText("memo", details.memo ?? "", 1_024),
        actor: actorOf(details),
      };
      return engine.transact(() => grant(row, now()));
    },

    findKey: async (keyId) => engine.read(() => findKey(keyIdFrom(keyId))),
    async createKey(key) {
      const at = now();
      const secret = newSecret(randomBytes);
      const row = {
        id: newKeyId(at, randomBytes),
        accountId: accountIdFrom(key.accountId),
        name: checkName("name", key.name, 256),
        secretHash: hashSecret(secret),
        lastFour: secret.slice(-4),
        expiresAt: expiry(key.expiresAt ?? null),
        allowedModels: checkModels(key.allowedModels ?? null),
        responseFormat: checkResponseFormat(key.responseFormat ?? null),
        limits: { ...NO_LIMITS, ...checkLimits(key.limits ?? {}) },
        actor: actorOf(key),
      };
      const record = await engine.transact(() => createKey(row, at));
      return { key: formatKey({ keyId: row.id, secret }), record };
    },
    async listKeys(page = {}) {
      const limit = pageSize(page.limit);
      return engine.read(() => listKeys(page.accountId, page.after ?? "", limit));
    },
    async updateKey(keyId, change) {
      const id = keyIdFrom(keyId);
      const row = {
        name: change.name === undefined ? undefined : checkName("name", change.name, 256),
        expiresAt: change.expiresAt === undefined ? undefined : expiry(change.expiresAt),
        allowedModels: change.allowedModels === undefined ? undefined : checkModels(change.allowedModels),
        responseFormat: change.responseFormat === undefined ? undefined : checkResponseFormat(change.responseFormat),
        limits: checkLimits(change.limits ?? {}),
      };
      const actor = actorOf(change);
      return engine.transact(() => updateKey(id, row, actor, now()));
    },
    disableKey: async (keyId, by) => engine.transact(() => disableKey(keyIdFrom(keyId), actorOf(by), now())),
    enableKey: async (keyId, by) => engine.transact(() => enableKey(keyIdFrom(keyId), actorOf(by), now())),
    revokeKey: async (keyId, by) => engine.transact(() => revokeKey(keyIdFrom(keyId), actorOf(by), now())),

    getWebhook: async (keyId) => engine.read(() => getWebhook(keyIdFrom(keyId))),
    async setWebhook(keyId, url, by) {
      const id = keyIdFrom(keyId);
      const checked = checkUrl("the webhook's url", url);
      const secret = newWebhookSecret(randomBytes);
      const actor = actorOf(by);
      const webhook = await engine.transact(() => setWebhook(id, checked, secret, actor, now()));
      return { ...webhook, secret };
    },
    removeWebhook: async (keyId, by) => engine.transact(() => removeWebhook(keyIdFrom(keyId), actorOf(by), now())),

    async endSessions(realm, by) {
      const checked = checkVisible("realm", realm, 64);
      const actor = actorOf(by);
      return engine.transact(() => endSessions(checked, actor, now()));
    },
    sessionsEndedAt: async (realm) => engine.read(() => sessionsEndedAt(checkVisible("realm", realm, 64))),

    async usage(filter) {
      const checked = { ...filter, from: checkDay("from", filter.from), to: checkDay("to", filter.to) };
      return engine.read(() => usage(checked));
    },
    getHold: async (holdId) => engine.read(() => getHold(holdIdFrom(holdId))),
    async listHolds(filter = {}) {
      const limit = pageSize(filter.limit);
      const { accountId, keyId, state, before, withoutJob = false } = filter;
      return engine.read(() => listHolds({ accountId, keyId, state, before, withoutJob }, limit));
    },

    async appendAudit(entry) {
      const checked = {
        actor: checkName("actor", entry.actor, 128),
        action: checkName("action", entry.action, 128),
        subject: checkName("subject", entry.subject, 256),
        details: entry.details,
      };
      checkText("details", JSON.stringify(checked.details), 16_384);
      return engine.transact(() => appendAudit(checked, now()));
    },
    async listAudit(page = {}) {
      const limit = pageSize(page.limit);
      return engine.read(() => listAudit(page.after ?? Number.MAX_SAFE_INTEGER, limit));
    },

    verify() {
      // Whoever asks meanwhile gets the same: it reads everything.
      verifying ??= engine.verify().finally(() => {
        verifying = undefined;
      });
      return verifying;
    },
  };
}
