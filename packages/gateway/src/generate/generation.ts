import type { GeneratedImage, GenerationEvent, ImageJob, Usage } from "@atoma/contract";
import type { AccountId } from "@atoma/ledger";
import type { Context } from "../context.ts";
import { keepImages } from "../files/keep.ts";
import { type Answer, serializeAnswer, toAnswer } from "./answer.ts";
import type { Departure } from "./client-gone.ts";
import { forward } from "./forward.ts";
import type { Hold } from "./reserve.ts";
import { settle } from "./settle.ts";
import type { Upload } from "./upload.ts";

/** One run of a job on a node: what all steps after the reservation share. */
export interface Run {
  readonly job: ImageJob;
  readonly accountId: AccountId;
  readonly requestId: string;
  /** Whether an idempotency key remembers the answer, whose pictures must then be kept as files. */
  readonly replayable: boolean;
  /** Ends the run: its client has left, or its deadline has come. */
  readonly departure: Omit<Departure, keyof Disposable>;
  /** The pictures of an edit. */
  readonly upload?: Upload | undefined;
  readonly events: AsyncGenerator<GenerationEvent>;
}

/** Step 4, about to begin: nothing is sent to a node before the first event is asked for. */
export function startRun(context: Context, run: Omit<Run, "events">): Run {
  const events = forward(run.job, {
    registry: context.registry,
    account: run.accountId,
    upload: run.upload,
    requestId: run.requestId,
    signal: run.departure.signal,
    timeoutMs: context.generationTimeoutMs,
    now: context.now,
    log: context.log,
  });
  return { ...run, events };
}

/** Reads a run's events to their end; what is neither picture nor usage goes to `onOther`. */
export async function collect(
  run: Run,
  onOther?: (event: GenerationEvent) => Promise<void>,
): Promise<{ images: GeneratedImage[]; usage: Usage | undefined }> {
  const images: GeneratedImage[] = [];
  let usage: Usage | undefined;
  for await (const event of run.events) {
    if (event.type === "image") images.push(event);
    else if (event.type === "done") usage = event.usage;
    else await onOther?.(event);
  }
  return { images, usage };
}

/** Stores what was made, as far as it must be fetched again. */
export async function keep(
  context: Context,
  run: Run,
  { images, usage }: Awaited<ReturnType<typeof collect>>,
): Promise<Answer> {
  const kept = await keepImages(run.job, images, {
    files: context.files,
    randomBytes: context.randomBytes,
    expiresAtMs: context.now() + context.fileTtlMs,
    replayable: run.replayable,
  });
  return toAnswer(run.job, kept, usage, context.now());
}

/**
 * Settles what was made. Nothing has been sent yet; nobody is charged if the client has left. From here on the deadline
 * no longer counts: it could come while the charge is written, and take away a picture that is paid for.
 */
export async function charge(
  context: Context,
  run: Run,
  { holdId, units }: Pick<Hold, "holdId" | "units">,
  answer: Answer,
): Promise<void> {
  run.departure.signal.throwIfAborted();
  run.departure.finished();
  const patience = { ms: context.ledgerPatienceMs, signal: run.departure.signal };
  await settle(context.ledger, { holdId, units, response: serializeAnswer(answer) }, patience);
}
