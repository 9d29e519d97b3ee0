import type { DueWebhook } from "@atoma/ledger";
import type { Deps } from "../deps.ts";
import { DELIVERY_MS, type Sender } from "./sender.ts";

/** Delivers what is due, one round after another, from as many gateways as there are. */
export interface Deliverer {
  close(): Promise<void>;
}

const TICK_MS = 1000;
const MAX_AT_ONCE = 16;
/** A gateway that dies in mid-delivery leaves it to another after this long. */
const CLAIM_MS = 3 * DELIVERY_MS;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** After each failed attempt; 17.6 hours in all, which is less than a job is kept. */
const BACKOFF_MS = [5_000, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR];
const JITTER = 0.1;

/** When the next attempt is due after this one failed; null: there is none. */
export function retryAt(attempt: number, nowMs: number, random = Math.random()): number | null {
  const wait = BACKOFF_MS[attempt - 1];
  return wait === undefined ? null : Math.round(nowMs + wait * (1 + JITTER * random));
}

export function startDeliverer(deps: Pick<Deps, "ledger" | "log" | "now">, sender: Sender): Deliverer {
  const { jobs } = deps.ledger;
  let closing = false;
  let round: Promise<void> | undefined;

  async function deliver(webhook: DueWebhook): Promise<void> {
    const { jobId, attempt } = webhook;
    const delivery = await sender.send(webhook, deps.now());
    const line = { job: jobId, attempt };
    if (delivery.outcome === "delivered") {
      deps.log.info(line, "webhook delivered");
      return jobs.noteWebhook(jobId, null);
    }
    const next = delivery.outcome === "gone" ? null : retryAt(attempt, deps.now());
    deps.log.warn({ ...line, reason: delivery.reason, retryAt: next }, "webhook not delivered");
    await jobs.noteWebhook(jobId, next);
  }

  async function deliverDue(): Promise<void> {
    const due = await jobs.dueWebhooks(MAX_AT_ONCE, deps.now() + CLAIM_MS);
    await Promise.all(due.map(deliver));
  }

  function tick(): void {
    if (closing || round !== undefined) return;
    round = deliverDue()
      .catch((error: unknown) => deps.log.warn({ err: error }, "webhooks cannot be delivered now"))
      .finally(() => {
        round = undefined;
      });
  }

  tick();
  const timer = setInterval(tick, TICK_MS);
  timer.unref();

  return {
    async close() {
      closing = true;
      clearInterval(timer);
      await round;
      await sender.close();
    },
  };
}
