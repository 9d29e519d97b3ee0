import type { DueWebhook } from "@atoma/ledger";
import { every } from "../clock.ts";
import type { Context } from "../context.ts";
import { DELIVERY_MS, type Sender } from "./sender.ts";

/** Delivers what is due, each delivery by itself, from as many gateways as there are. */
export interface Deliverer {
  /** Resolves when what was begun has ended. */
  close(): Promise<void>;
}

const TICK_MS = 1000;
/** So that a receiver that hangs keeps nobody else waiting. */
const MAX_AT_ONE_RECEIVER = 4;
const MAX_AT_ONCE = 128;
/** How many are taken from the ledger at a time. */
const TAKEN_TOGETHER = 2;
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

export function startDeliverer(context: Pick<Context, "ledger" | "log" | "clock">, sender: Sender): Deliverer {
  const { jobs } = context.ledger;
  /** How many are under way, by the receiver's origin. */
  const receivers = new Map<string, number>();
  const underWay = new Set<Promise<void>>();
  let closing = false;
  let taking: Promise<void> | undefined;
  /** Whether more may be due than could be begun. */
  let more = false;

  async function deliver(webhook: DueWebhook): Promise<void> {
    const { jobId, attempt } = webhook;
    const delivery = await sender.send(webhook, context.clock.now());
    const line = { job: jobId, attempt };
    if (delivery.outcome === "delivered") {
      context.log.info(line, "webhook delivered");
      return jobs.noteWebhook(jobId, null);
    }
    const next = delivery.outcome === "gone" ? null : retryAt(attempt, context.clock.now());
    context.log.warn({ ...line, reason: delivery.reason, retryAt: next }, "webhook not delivered");
    await jobs.noteWebhook(jobId, next);
  }

  const cannot = (error: unknown) => context.log.warn({ err: error }, "webhooks cannot be delivered now");

  function begin(webhook: DueWebhook): void {
    const { origin } = new URL(webhook.url);
    receivers.set(origin, (receivers.get(origin) ?? 0) + 1);
    const delivery = deliver(webhook)
      .catch(cannot)
      .finally(() => {
        underWay.delete(delivery);
        const left = (receivers.get(origin) ?? 0) - 1;
        if (left > 0) receivers.set(origin, left);
        else receivers.delete(origin);
        if (more) take();
      });
    underWay.add(delivery);
  }

  async function takeDue(): Promise<void> {
    while (!closing) {
      const busy = [...receivers].filter(([, count]) => count + TAKEN_TOGETHER > MAX_AT_ONE_RECEIVER);
      more = busy.length > 0 || underWay.size + TAKEN_TOGETHER > MAX_AT_ONCE;
      if (underWay.size + TAKEN_TOGETHER > MAX_AT_ONCE) return;
      const origins = busy.map(([origin]) => origin);
      const due = await jobs.dueWebhooks(TAKEN_TOGETHER, context.clock.now() + CLAIM_MS, origins);
      for (const webhook of due) begin(webhook);
      if (due.length === 0) return;
    }
  }

  function take(): void {
    if (closing || taking !== undefined) return;
    taking = takeDue()
      .catch(cannot)
      .finally(() => {
        taking = undefined;
      });
  }

  take();
  const stop = every(context.clock, TICK_MS, take);

  return {
    async close() {
      closing = true;
      stop();
      await taking;
      await Promise.all(underWay);
      await sender.close();
    },
  };
}
