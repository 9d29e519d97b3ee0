import { createHash } from "node:crypto";
import { type ApiError, errors } from "@atoma/contract";
import {
  type HoldId,
  type Ledger,
  LedgerUnavailableError,
  type LimitStatus,
  newHoldId,
  type RandomBytes,
  type ReserveRequest,
  type ReserveResult,
} from "@atoma/ledger";
import type { VoidLater } from "../holds/void-later.ts";
import type { Caller } from "./authenticate.ts";
import { limitHeaders, type RefusedKeys, rateLimited } from "./refused-keys.ts";
import type { PricedJob } from "./validate.ts";

/** Units that a request holds while it runs. */
export interface Hold {
  readonly outcome: "held";
  readonly holdId: HoldId;
  readonly units: number;
  readonly headers: Record<string, string>;
}

/** What a request holds while it runs; or the answer that its idempotency key got before, or that it is not there yet. */
export type Reservation =
  | Hold
  | { readonly outcome: "replay"; readonly holdId: HoldId; readonly response: string }
  | { readonly outcome: "in_progress"; readonly error: ApiError };

export interface ReserveContext {
  readonly ledger: Ledger;
  readonly now: () => number;
  readonly randomBytes: RandomBytes;
  readonly refusedKeys: RefusedKeys;
  readonly voidLater: Pick<VoidLater, "release">;
  readonly requestId: string;
  /** The value of the Idempotency-Key header. */
  readonly idempotencyKey: string | undefined;
  readonly body: Uint8Array;
  /** When the hold expires by itself, in ms since the epoch: after the generation's own deadline. */
  readonly deadline: number;
}

/** The Idempotency-Key header, checked. Throws ApiError 400 unless it is 1 to 255 visible ASCII characters. */
export function idempotencyKey(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  if (typeof header !== "string" || !/^[\x21-\x7e]{1,255}$/.test(header)) {
    throw errors.invalidHeader("Idempotency-Key", "1 to 255 visible ASCII characters");
  }
  return header;
}

function headersOf(limits: LimitStatus): Record<string, string> {
  const { requests, images } = limits;
  return {
    ...(requests && limitHeaders("requests", requests.limit, requests.remaining)),
    ...(images && limitHeaders("images", images.limit, images.remaining)),
  };
}

type Refused = Exclude<ReserveResult, { outcome: "held" | "replay" | "in_progress" }>;

function refusal(result: Refused, { card, n }: PricedJob["job"]): ApiError {
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
 * Step 3. Knows afterwards that the compute units are held on disk until a deadline, or the stored answer of the same
 * idempotency key. Throws ApiError 400, 402, 422 or 429; nothing is held then.
 */
export async function reserve(
  { job, units }: PricedJob,
  caller: Caller,
  context: ReserveContext,
): Promise<Reservation> {
  const key = context.idempotencyKey;
  const holdId = newHoldId(context.now(), context.randomBytes);
  const result = await reserveOrRelease(context, {
    holdId,
    accountId: caller.accountId,
    keyId: caller.id,
    requestId: context.requestId,
    model: job.card.id,
    images: job.n,
    units,
    price: { ...price(job), perMille: job.card.pricing.perMille },
    deadline: context.deadline,
    idempotency: key === undefined ? undefined : { key, fingerprint: fingerprint(context.body) },
  });
  if (result.outcome === "replay") return result;
  if (result.outcome === "in_progress") {
    return { outcome: "in_progress", error: errors.idempotencyInProgress(result.retryAfterMs) };
  }
  if (result.outcome === "rate_limited" && result.limit === "requests" && result.limitValue > 0) {
    context.refusedKeys.refused(caller.id, result.limitValue, result.retryAfterMs);
  }
  if (result.outcome !== "held") throw refusal(result, job);
  return { outcome: "held", holdId: result.holdId, units, headers: headersOf(result.limits) };
}

/** A reservation whose answer was lost may stand all the same; nobody would ever settle it. */
async function reserveOrRelease(context: ReserveContext, request: ReserveRequest): Promise<ReserveResult> {
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

function price({ n, width, height, quality, steps }: PricedJob["job"]) {
  return { n, width, height, quality, steps };
}

function fingerprint(body: Uint8Array): string {
  return createHash("sha256").update(body).digest("hex");
}
