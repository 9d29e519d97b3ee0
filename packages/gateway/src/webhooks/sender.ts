import type { DueWebhook } from "@atoma/ledger";
import { Webhook } from "standardwebhooks";
import { Agent, type Dispatcher } from "undici";
import { checkTarget, ForbiddenTarget, publicLookup, type WebhookTargets } from "./target.ts";

/** How a delivery went. `gone`: the receiver wants no more of it. */
export type Delivery =
  | { readonly outcome: "delivered" }
  | { readonly outcome: "failed" | "gone"; readonly reason: string };

export interface Sender {
  /** Never rejects. */
  send(webhook: DueWebhook, nowMs: number): Promise<Delivery>;
  close(): Promise<void>;
}

/** For the whole delivery, the name's resolution included. */
export const DELIVERY_MS = 10_000;
const CONNECT_MS = 5_000;
const MAX_ANSWER_BYTES = 16 * 1024;

/** What a receiver gets: that a job has ended, and how. Pictures are fetched with a key, as always. */
function payloadOf({ jobId, state, endedAt }: DueWebhook): string {
  return JSON.stringify({
    type: `image.generation.${state}`,
    timestamp: new Date(endedAt).toISOString(),
    data: { id: jobId, object: "image.generation", status: state },
  });
}

/** Headers and body by the Standard Webhooks specification. The id is the same in every attempt. */
function signed(webhook: DueWebhook, nowMs: number): { headers: Record<string, string>; body: string } {
  const body = payloadOf(webhook);
  const id = webhook.jobId.replace(/^gen_/, "evt_");
  const at = new Date(nowMs);
  const headers = {
    "content-type": "application/json",
    "user-agent": "atoma",
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(nowMs / 1000)),
    "webhook-signature": new Webhook(webhook.secret).sign(id, at, body),
  };
  return { headers, body };
}

function judged({ statusCode }: Dispatcher.ResponseData): Delivery {
  if (statusCode >= 200 && statusCode < 300) return { outcome: "delivered" };
  // 410: "the endpoint is gone", as the specification has it. A redirect is not followed, so it is a failure.
  return { outcome: statusCode === 410 ? "gone" : "failed", reason: `status ${statusCode}` };
}

function reasonOf(error: unknown): string {
  if (error instanceof ForbiddenTarget) return error.message;
  if (!(error instanceof Error)) return "failed";
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}

/** Sends webhooks to where `targets` lets them go. */
export function openSender(targets: WebhookTargets, timeoutMs = DELIVERY_MS): Sender {
  const lookup = targets === "public" ? { lookup: publicLookup() } : {};
  const agent = new Agent({
    connect: { timeout: CONNECT_MS, ...lookup },
    connections: 8,
    maxResponseSize: MAX_ANSWER_BYTES,
  });
  return {
    async send(webhook, nowMs) {
      try {
        const { origin, pathname, search } = checkTarget(webhook.url, targets);
        const answer = await agent.request({
          origin,
          path: pathname + search,
          method: "POST",
          signal: AbortSignal.timeout(timeoutMs),
          ...signed(webhook, nowMs),
        });
        // Nothing in the answer's body matters; reading a little of it lets the connection live on.
        await answer.body.dump({ limit: MAX_ANSWER_BYTES }).catch(() => undefined);
        return judged(answer);
      } catch (error) {
        return { outcome: "failed", reason: reasonOf(error) };
      }
    },
    close: () => agent.destroy(),
  };
}
