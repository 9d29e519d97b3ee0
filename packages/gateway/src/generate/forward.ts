import { ApiError, type ImageJob } from "@atoma/contract";
import type { Context } from "../context.ts";
import type { Node } from "../nodes/node.ts";
import type { Candidates } from "../nodes/registry.ts";
import type { Shelf } from "../pictures/shelf.ts";
import type { Lease } from "../routing/node-queue.ts";
import type { Outcome } from "../routing/types.ts";
import type { Made, OnPreview } from "../upstream/answer-body.ts";
import { type Attempted, attempt, type Pictures } from "../upstream/attempt.ts";
import { cancel } from "../upstream/cancel.ts";

/** What is to be made, and for whom. */
export interface Work {
  readonly job: ImageJob;
  readonly candidates: Candidates;
  /** Of an edit. */
  readonly pictures: Pictures | undefined;
  readonly requestId: string;
  /** Whose turn it takes where requests wait for a node. */
  readonly account: string;
  readonly shelf: Pick<Shelf, "openMemory" | "add">;
  /** A node has it, or has given it back. */
  readonly onNode?: ((name: string | undefined) => void) | undefined;
  /** Aborted with what is to be thrown then: the client left, the deadline came, or the job is stopped. */
  readonly signal: AbortSignal;
}

export type ForwardContext = Pick<Context, "registry" | "generationTimeoutMs" | "clock" | "randomBytes" | "log">;

/** A request that got lost on its way to a node, or with a node's memory, is begun this often in all. */
const MAX_BEGINNINGS = 3;

/** What an end says about the node. A deadline says something only if the node had most of the time. */
function outcomeOf(error: unknown, startedAt: number, { signal }: Work, context: ForwardContext): Outcome {
  const { clock, generationTimeoutMs } = context;
  const status = error instanceof ApiError ? error.status : 500;
  if (status === 504) return clock.monotonic() - startedAt > generationTimeoutMs / 2 ? "failed" : "abandoned";
  if (signal.aborted) return "abandoned";
  return status < 500 ? "answered" : "failed";
}

/** One node's time for the job. A generation that is not waited for any more is stopped. */
async function onNode(
  { node, ended }: Lease<Node>,
  work: Work,
  deadlineAt: number,
  context: ForwardContext,
  onPreview: OnPreview,
): Promise<Attempted> {
  const { job, requestId } = work;
  const { clock, log, randomBytes } = context;
  const startedAt = clock.monotonic();
  const random = Buffer.from(randomBytes(8));
  const one = {
    node,
    assignment: {
      model: node.models.find(({ card }) => card.id === job.card.id)?.upstream ?? job.card.id,
      seed: random.readUInt32LE(4),
    },
    // What was cancelled once is never begun under the same id, also not when the job runs again later.
    id: `${requestId}.${random.toString("hex", 0, 4)}`,
    timeoutMs: Math.max(1, Math.ceil(deadlineAt - startedAt)),
  };
  let outcome: Outcome = "abandoned";
  let over = false;
  try {
    const attempted = await attempt(one, job, { ...work, clock, log, onPreview });
    outcome = attempted.kind === "made" ? "made" : attempted.outcome;
    over = true;
    return attempted;
  } catch (error) {
    outcome = outcomeOf(error, startedAt, work, context);
    // What it refused or failed at is over there, too.
    over = outcome === "answered";
    throw error;
  } finally {
    ended(outcome);
    const path = node.dialect.requestPath?.(one.id);
    if (!over && path !== undefined) {
      cancel(node, path, clock).catch((error: unknown) => {
        log.debug({ node: node.name, err: error }, "generation not cancelled; the node ends it by itself");
      });
    }
  }
}

const nothingShown: OnPreview = () => undefined;

/**
 * Has one node do the job; `not-started` when certainly none began, so that it can be done later. Asks another node, or the
 * same one later, only when the one before certainly did not start. Rejects with ApiError 400, 500, 503 or 504, or what the
 * signal was aborted with.
 */
export async function tryForward(
  work: Work,
  context: ForwardContext,
  onPreview: OnPreview = nothingShown,
): Promise<Attempted> {
  const { signal, account, candidates } = work;
  const { clock, registry, generationTimeoutMs } = context;
  const deadlineAt = clock.monotonic() + generationTimeoutMs;
  const asked = new Set<Node>();
  const lostBy = new Set<Node>();
  let lost = 0;
  let waitedMs = 0;
  for (let returning = false; ; returning = true) {
    const enteredAt = clock.monotonic();
    let lease: Lease<Node>;
    try {
      lease = await registry.acquire(candidates, { account, asked, lostBy, returning, waitedMs, signal });
    } catch (error) {
      if (signal.aborted || !(error instanceof ApiError) || error.status < 500) throw error;
      return { kind: "not-started", error, outcome: "abandoned" };
    }
    waitedMs += clock.monotonic() - enteredAt;
    work.onNode?.(lease.node.name);
    const attempted = await onNode(lease, work, deadlineAt, context, onPreview);
    if (attempted.kind === "made") return attempted;
    work.onNode?.(undefined);
    if (attempted.outcome === "failed") {
      // It may be the job itself that ends its nodes: not to be tried for as long as it may wait.
      if (++lost === MAX_BEGINNINGS) throw attempted.error;
      lostBy.add(lease.node);
    } else asked.add(lease.node);
  }
}

/** Step 4. As `tryForward`; throws also where no node began. */
export async function forward(work: Work, context: ForwardContext, onPreview?: OnPreview): Promise<Made> {
  const attempted = await tryForward(work, context, onPreview);
  if (attempted.kind === "not-started") throw attempted.error;
  return attempted.made;
}
