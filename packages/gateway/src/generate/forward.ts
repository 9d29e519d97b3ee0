import { randomBytes } from "node:crypto";
import { ApiError, type GenerationEvent, type ImageJob } from "@atoma/contract";
import type { Node } from "../nodes/node.ts";
import type { Registry } from "../nodes/registry.ts";
import type { Outcome } from "../routing/balancer.ts";
import type { Lease } from "../routing/node-queue.ts";
import { type Exchange, type ExchangeContext, exchange, type NotStarted, newAttempt } from "../upstream/attempt.ts";
import { cancel } from "../upstream/resume.ts";

export interface ForwardContext extends ExchangeContext {
  readonly registry: Pick<Registry, "acquire">;
  /** Whose turn it takes where requests wait for a node. */
  readonly account: string;
  /** From now on, waiting included. */
  readonly timeoutMs: number;
  readonly now: () => number;
}

/** A request that got lost on its way to a node, or with a node's memory, is begun this often in all. */
const MAX_BEGINNINGS = 3;
const nothingBegan = new WeakSet<Error>();

/** Whether this is how `forward` ended because certainly no node began: the job can be done later. */
export const neverBegan = (error: unknown): boolean => error instanceof Error && nothingBegan.has(error);

function unbegun(error: ApiError): ApiError {
  nothingBegan.add(error);
  return error;
}

/** What an end says about the node. A deadline says something only if the node had most of the time. */
function outcomeOf(error: unknown, startedAt: number, { signal, now, timeoutMs }: ForwardContext): Outcome {
  const status = error instanceof ApiError ? error.status : 500;
  if (status === 504) return now() - startedAt > timeoutMs / 2 ? "failed" : "abandoned";
  if (signal.aborted) return "abandoned";
  return status < 500 ? "answered" : "failed";
}

/** One node's time for the job. A generation that nobody waits for any more is stopped. */
async function* onNode(
  { node, ended }: Lease,
  one: Exchange,
  job: ImageJob,
  context: ForwardContext,
): AsyncGenerator<GenerationEvent, NotStarted | undefined> {
  const startedAt = context.now();
  let outcome: Outcome = "abandoned";
  let over = false;
  try {
    const notStarted = yield* exchange(one, job, context);
    outcome = notStarted?.outcome ?? "made";
    over = true;
    return notStarted;
  } catch (error) {
    outcome = outcomeOf(error, startedAt, context);
    // What it refused or failed at is over there, too.
    over = outcome === "answered";
    throw error;
  } finally {
    ended(outcome);
    const path = node.dialect.requestPath?.(one.id);
    if (!over && path !== undefined) {
      cancel(node, path).catch((error: unknown) => {
        context.log.debug({ node: node.name, err: error }, "generation not cancelled; the node ends it by itself");
      });
    }
  }
}

/**
 * Step 4. Has one node do the job and yields its events, each checked; `done` comes last, after exactly n pictures.
 * Asks another node, or the same one later, only when the one before certainly did not start. Leaving the loop stops the node.
 * Throws ApiError 400, 500 `node_unreachable`, 503 or 504, or what the signal was aborted with.
 */
export async function* forward(job: ImageJob, context: ForwardContext): AsyncGenerator<GenerationEvent> {
  const { signal, account, now, registry } = context;
  const since = now();
  const asked = new Set<Node>();
  const lostBy = new Set<Node>();
  let lost = 0;
  let waitedMs = 0;
  for (let returning = false; ; returning = true) {
    const enteredAt = now();
    const wanted = { account, asked, lostBy, returning, waitedMs, signal };
    const lease = await registry.acquire(job, wanted).catch((error: unknown) => {
      if (signal.aborted || !(error instanceof ApiError) || error.status < 500) throw error;
      throw unbegun(error);
    });
    waitedMs += now() - enteredAt;
    const one: Exchange = {
      node: lease.node,
      attempt: newAttempt(lease.node, job, signal),
      // What was cancelled once is never begun under the same id, also not when the job runs again later.
      id: `${context.requestId}.${randomBytes(4).toString("hex")}`,
      timeoutMs: Math.max(1, since + context.timeoutMs - now()),
    };
    const notStarted = yield* onNode(lease, one, job, context);
    if (!notStarted) return;
    if (notStarted.outcome === "failed") {
      // It may be the job itself that ends its nodes: not to be tried for as long as it may wait.
      if (++lost === MAX_BEGINNINGS) throw notStarted.error;
      lostBy.add(lease.node);
    } else asked.add(lease.node);
  }
}
