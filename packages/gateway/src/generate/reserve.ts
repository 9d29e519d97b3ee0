import { createHash } from "node:crypto";
import { type ApiError, errors, type ImageJob } from "@atoma/contract";
import {
  type AccountId,
  type HoldId,
  LedgerUnavailableError,
  type LimitStatus,
  newHoldId,
  type ReserveRequest,
  type ReserveResult,
} from "@atoma/ledger";
import type { FastifyRequest } from "fastify";
import type { Context } from "../context.ts";
import type { Caller } from "./identify.ts";
import { limitHeaders, rateLimited } from "./refused-keys.ts";
import type { Order } from "./validate.ts";

/** Units that a request holds while it runs. */
export interface Hold {
  readonly kind: "hold";
  readonly holdId: HoldId;
  readonly accountId: AccountId;
  readonly units: number;
  /** Whether an idempotency key remembers the answer. */
  readonly replayable: boolean;
  /** What is left of the key's limits, as the answer's headers say it. */
  readonly headers: Record<string, string>;
}

/** A hold of a request that is answered with its pictures: it counts for its key until it is disposed of. */
export interface UnderWayHold extends Hold {
  readonly underWay: Disposable;
}

/** The stored answer of the same idempotency key. */
export interface Replay {
  readonly kind: "replay";
  readonly holdId: HoldId;
  readonly response: string;
}

/** The idempotency key's first request has no answer yet. */
export interface InProgress {
  readonly kind: "in-progress";
  readonly error: ApiError;
}

export type ReserveContext = Pick<Context, "ledger" | "clock" | "randomBytes" | "refusedKeys" | "voidLater">;

/** What identifies a request. */
export interface Identity {
  readonly requestId: string;
  /** The value of the Idempotency-Key header. */
  readonly idempotencyKey: string | undefined;
  /** The body as it came, or what stands for it; an idempotency key belongs to its bytes. */
  readonly body: Uint8Array;
}

/** After a generation's deadline, for storing and settling, before its hold expires by itself. */
const SETTLE_MS = 60_000;

/** The Idempotency-Key header, checked. Throws ApiError 400 unless it is 1 to 255 visible ASCII characters. */
export function idempotencyKey(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  if (typeof header !== "string" || !/^[\x21-\x7e]{1,255}$/.test(header)) {
    throw errors.invalidHeader("Idempotency-Key", "1 to 255 visible ASCII characters");
  }
  return header;
}

/** What identifies a request beside its body. Throws ApiError 400 for an Idempotency-Key that is none. */
export function identityOf({ id, headers }: Pick<FastifyRequest, "id" | "headers">): Omit<Identity, "body"> {
  return { requestId: id, idempotencyKey: idempotencyKey(headers["idempotency-key"]) };
}

function headersOf(limits: LimitStatus): Record<string, string> {
  const { requests, images } = limits;
  return {
    ...(requests && limitHeaders("requests", requests.limit, requests.remaining)),
    ...(images && limitHeaders("images", images.limit, images.remaining)),
  };
}

type Refused = Exclude<ReserveResult, { outcome: "held" | "replay" | "in_progress" }>;

function refusal(result: Refused, { card, n }: ImageJob): ApiError {
  switch (result.outcome) {
    case "idempotency_key_reused":
      return errors.idempotencyKeyReused();
    case "insufficient_balance":
      return errors.insufficientQuota();
    case "rate_limited":
      if (result.limitValue < (result.limit === "images" ? n : 1)) return errors.aboveKeyLimit(result.limitValue, n);
      return rateLimited(result.limit, result.limitValue, result.remaining, result.retryAfterMs);
    case "key_invalid":
      return errors.invalidKey("***");
    case "model_not_allowed":
      return errors.permissionDenied(`This API key may not use the model '${card.id}'.`, "model");
  }
}

/**
 * Holds the compute units for a generation that may take until `deadline`, ms since the epoch, or finds what its idempotency key
 * has begun before. Throws ApiError 400, 402, 422 or 429; nothing is held then.
 */
export async function tryReserve(
  { job, units }: Pick<Order, "job" | "units">,
  { requestId, idempotencyKey: key, body }: Identity,
  caller: Caller,
  deadline: number,
  context: ReserveContext,
): Promise<Hold | Replay | InProgress> {
  const { accountId } = caller;
  const result = await reserveOrVoid(context, {
    holdId: newHoldId(context.clock.now(), context.randomBytes),
    accountId,
    keyId: caller.id,
    requestId,
    model: job.card.id,
    images: job.n,
    units,
    price: { ...price(job), perMille: job.card.pricing.perMille },
    deadline: deadline + SETTLE_MS,
    idempotency: key === undefined ? undefined : { key, fingerprint: fingerprint(body) },
  });
  switch (result.outcome) {
    case "held": {
      const { holdId, limits } = result;
      return { kind: "hold", holdId, accountId, units, replayable: key !== undefined, headers: headersOf(limits) };
    }
    case "replay":
      return { kind: "replay", holdId: result.holdId, response: result.response };
    case "in_progress":
      return { kind: "in-progress", error: errors.idempotencyInProgress(result.retryAfterMs, result.endsWithinMs) };
    case "rate_limited":
      if (result.limit === "requests" && result.limitValue > 0) {
        context.refusedKeys.note(caller.id, result.limitValue, result.retryAfterMs);
      }
  }
  throw refusal(result, job);
}

/**
 * Step 3. Knows afterwards that the compute units are held in the ledger until a deadline, or the stored answer of the same
 * idempotency key. Throws ApiError 400, 402, 409, 422 or 429; nothing is held then.
 */
export async function reserve(
  order: Pick<Order, "job" | "units">,
  identity: Identity,
  caller: Caller,
  context: ReserveContext & Pick<Context, "generationTimeoutMs" | "underWay">,
): Promise<UnderWayHold | Replay> {
  const deadline = context.clock.now() + context.generationTimeoutMs;
  const reserved = await tryReserve(order, identity, caller, deadline, context);
  if (reserved.kind === "in-progress") throw reserved.error;
  if (reserved.kind === "replay") return reserved;
  try {
    return { ...reserved, underWay: context.underWay.enter(caller) };
  } catch (error) {
    const { holdId, accountId, units } = reserved;
    await context.voidLater.release({ holdId, accountId, units, requestId: identity.requestId, giveBack: false });
    throw error;
  }
}

/** A reservation whose answer was lost may stand all the same; it would never be settled. */
async function reserveOrVoid(context: ReserveContext, request: ReserveRequest): Promise<ReserveResult> {
  try {
    return await context.ledger.reserve(request);
  } catch (error) {
    const { holdId, accountId, units, requestId } = request;
    if (error instanceof LedgerUnavailableError) {
      await context.voidLater.release({ holdId, accountId, units, requestId, giveBack: false });
    }
    throw error;
  }
}

function price({ n, width, height, quality, steps }: ImageJob) {
  return { n, width, height, quality, steps };
}

function fingerprint(body: Uint8Array): string {
  return createHash("sha256").update(body).digest("hex");
}
