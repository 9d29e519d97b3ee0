import { errors } from "@atoma/contract";
import type { HoldId, Ledger } from "@atoma/ledger";
import type { Context } from "../context.ts";
import { keepImages } from "../files/keep.ts";
import { type Patience, retryLedger } from "../holds/retry-ledger.ts";
import type { Made } from "../upstream/answer-body.ts";
import { type Answer, serializeAnswer, toAnswer } from "./answer.ts";
import type { Generation } from "./generation.ts";
import type { Order } from "./validate.ts";

/** Stores what was made, as far as it must be fetched again. */
export async function keep(
  { images, ...told }: Made,
  job: Order["job"],
  replayable: boolean,
  { files, randomBytes, clock, fileTtlMs }: Pick<Context, "files" | "randomBytes" | "clock" | "fileTtlMs">,
): Promise<Answer> {
  const expiresAtMs = clock.now() + fileTtlMs;
  const kept = await keepImages(job, images, { files, randomBytes, expiresAtMs, replayable });
  return toAnswer(job, kept, told, clock.now());
}

/**
 * Charges a hold. `response` is what a replay of the idempotency key is answered from. A ledger that is away is asked again:
 * settling twice charges once. Throws ApiError 504 when the hold has expired meanwhile, 503 when something else has voided it,
 * and LedgerUnavailableError when it is not known whether it is charged: the picture is then not sent.
 */
export async function charge(
  ledger: Pick<Ledger, "settle">,
  settlement: { readonly holdId: HoldId; readonly units: number; readonly response: string },
  patience: Patience,
): Promise<void> {
  const { outcome } = await retryLedger(() => ledger.settle(settlement), patience);
  if (outcome === "expired") throw errors.generationTimeout();
  if (outcome === "voided") throw errors.holdReleased();
  if (outcome !== "posted") throw errors.internal(new Error(`hold ${settlement.holdId} is ${outcome}`));
}

/** Step 5. Stores the pictures that need a file, and charges them, before the answer's first byte leaves. Throws as `charge`. */
export async function settle(
  made: Made,
  { job }: Pick<Order, "job">,
  generation: Generation,
  context: Pick<Context, "ledger" | "files" | "randomBytes" | "clock" | "fileTtlMs" | "ledgerPatienceMs">,
): Promise<Answer> {
  const { hold, signal } = generation;
  const answer = await keep(made, job, hold.replayable, context);
  await generation.charge(() => {
    const { holdId, units } = hold;
    const patience = { ms: context.ledgerPatienceMs, signal, clock: context.clock };
    return charge(context.ledger, { holdId, units, response: serializeAnswer(answer) }, patience);
  });
  return answer;
}
