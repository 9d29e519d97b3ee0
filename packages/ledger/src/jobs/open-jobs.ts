import { checkInteger, checkName, checkText, checkTime, checkVisible } from "../arguments.ts";
import type { Engine } from "../engine.ts";
import { accountIdFrom, holdIdFrom, jobIdFrom, keyIdFrom } from "../ids.ts";
import {
  cancel,
  claim,
  dueWebhooks,
  end,
  endLeases,
  enqueue,
  find,
  findByIdempotencyKey,
  hasRoom,
  keepResult,
  type Locking,
  noteWebhook,
  renew,
  requeue,
} from "./job-statements.ts";
import type { Jobs } from "./jobs.ts";

const MAX_REQUEST = 1_048_576;
const MAX_RESULT = 65_536;
const MAX_BATCH = 1_000;

const checkOwner = (owner: string): string => checkVisible("owner", owner, 128);
const checkLimit = (limit: number): number => checkInteger("limit", limit, 1, MAX_BATCH);

/** Jobs over an engine: checked arguments in, one script each. */
export function openJobs(engine: Engine, now: () => number): Jobs {
  // SQLite has one writer at a time, and nothing to skip.
  const locking: Locking = engine.name === "postgres" ? " FOR UPDATE OF jobs SKIP LOCKED" : "";
  const claimBy = (owner: string, leaseUntil: number) => ({
    owner: checkOwner(owner),
    leaseUntil: checkTime("leaseUntil", leaseUntil),
    now: now(),
  });

  return {
    async enqueue(job, maxQueued) {
      const row = {
        id: jobIdFrom(job.id),
        holdId: holdIdFrom(job.holdId),
        accountId: accountIdFrom(job.accountId),
        keyId: keyIdFrom(job.keyId),
        requestId: checkName("requestId", job.requestId, 128),
        model: checkName("model", job.model, 256),
        request: checkText("request", job.request, MAX_REQUEST),
        deadline: checkTime("deadline", job.deadline),
      };
      return engine.transact(() => enqueue(row, maxQueued, now()));
    },
    hasRoom: async (accountId, maxQueued, key) =>
      engine.read(() =>
        hasRoom(
          accountIdFrom(accountId),
          maxQueued,
          key === undefined ? undefined : checkVisible("idempotency key", key, 255),
        ),
      ),
    find: async (accountId, id) => engine.read(() => find(accountIdFrom(accountId), jobIdFrom(id))),
    findByIdempotencyKey: async (accountId, key) =>
      engine.read(() => findByIdempotencyKey(accountIdFrom(accountId), checkVisible("idempotency key", key, 255))),

    async claim(owner, leaseUntil, limit, only) {
      const checked = checkLimit(limit);
      return engine.transact(() => claim(claimBy(owner, leaseUntil), checked, only, locking));
    },
    async renew(owner, leaseUntil, ids) {
      if (ids.length === 0) return [];
      checkLimit(ids.length);
      return engine.transact(() => renew(checkOwner(owner), checkTime("leaseUntil", leaseUntil), ids.map(jobIdFrom)));
    },
    endLeases: async () => engine.transact(() => endLeases()),
    async requeue(id, owner, notBefore) {
      return engine.transact(() => requeue(jobIdFrom(id), checkOwner(owner), checkTime("notBefore", notBefore)));
    },
    async keepResult(id, owner, result) {
      return engine.transact(() =>
        keepResult(jobIdFrom(id), checkOwner(owner), checkText("result", result, MAX_RESULT)),
      );
    },
    async end(id, owner, how, expiresAt) {
      if (how.state === "failed") checkText("error", how.error, MAX_RESULT);
      checkTime("expiresAt", expiresAt);
      return engine.transact(() => end(jobIdFrom(id), checkOwner(owner), how, expiresAt, now()));
    },
    cancel: async (accountId, id, owner, leaseUntil) =>
      engine.transact(() => cancel(accountIdFrom(accountId), jobIdFrom(id), claimBy(owner, leaseUntil))),

    async dueWebhooks(limit, again, busy = []) {
      const checked = checkLimit(limit);
      checkInteger("the number of busy receivers", busy.length, 0, MAX_BATCH);
      return engine.transact(() => dueWebhooks(checked, checkTime("again", again), busy, now(), locking));
    },
    noteWebhook: async (id, retryAt) => engine.transact(() => noteWebhook(jobIdFrom(id), retryAt)),
  };
}
