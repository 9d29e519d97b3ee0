import { errors, type ImageJob } from "@atoma/contract";
import type { HoldId, Ledger } from "@atoma/ledger";
import type { Clock } from "../clock.ts";
import type { Context } from "../context.ts";
import { type Patience, retryLedger } from "../holds/retry-ledger.ts";
import type { Shelf } from "../pictures/shelf.ts";
import type { Made } from "../upstream/answer-body.ts";
import { type Answer, type AnswerItem, serializeAnswer, toAnswer } from "./answer.ts";
import type { Generation } from "./generation.ts";
import type { Order } from "./validate.ts";

/** Whether a picture of this job needs a file: for its url, or to answer the same request again. */
function needsFile(job: ImageJob, replayable: boolean): boolean {
  return replayable || (!job.stream && job.responseFormat !== "b64_json");
}

/** Stores what was made, as far as it must be fetched again: all at once, there are ten pictures at most. */
export async function keep(
  { pictures, ...told }: Made,
  job: ImageJob,
  replayable: boolean,
  shelf: Pick<Shelf, "keep">,
  clock: Clock,
): Promise<Answer> {
  const wanted = needsFile(job, replayable);
  const items = await Promise.all(
    pictures.map(async (picture): Promise<AnswerItem> => {
      const file = wanted ? await shelf.keep(picture) : undefined;
      return { seed: picture.seed, picture, file };
    }),
  );
  return toAnswer(job, items, told, clock.now());
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
  context: Pick<Context, "ledger" | "clock" | "ledgerPatienceMs">,
): Promise<Answer> {
  const { hold, signal, shelf } = generation;
  const answer = await keep(made, job, hold.replayable, shelf, context.clock);
  await generation.charge(() => {
    const { holdId, units } = hold;
    const patience = { ms: context.ledgerPatienceMs, signal, clock: context.clock };
    return charge(context.ledger, { holdId, units, response: serializeAnswer(answer) }, patience);
  });
  return answer;
}
