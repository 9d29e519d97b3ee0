import { setTimeout as wait } from "node:timers/promises";
import type { Logger } from "pino";

/** How often a node says that it is there; it is taken to be gone after ten seconds of silence. */
const BEAT_MS = 3_000;
const RETRY_MS = 1_000;
const TIMEOUT_MS = 5_000;

class CredentialRefused extends Error {}

export interface Membership {
  /** After the signal: says that the node is about to stop. Never rejects. */
  leave(): Promise<void>;
}

/**
 * Keeps telling a gateway where a node is. Resolves once it was heard, or the signal was aborted before; rejects when its
 * credential is refused.
 */
export async function join(
  gateway: string,
  credential: string,
  node: { readonly url: string; readonly token: string | undefined },
  log: Logger,
  signal: AbortSignal,
): Promise<Membership> {
  const pause = (ms: number) => wait(ms, undefined, { signal }).catch(() => undefined);

  async function beat(leaving: boolean): Promise<number> {
    const response = await fetch(new URL("/v1/nodes/heartbeat", gateway), {
      method: "POST",
      headers: { authorization: `Bearer ${credential}`, "content-type": "application/json" },
      body: JSON.stringify({ ...node, leaving }),
      redirect: "error",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await response.arrayBuffer();
    return response.status;
  }

  async function tell(): Promise<boolean> {
    try {
      const status = await beat(false);
      if (status === 401) throw new CredentialRefused("the gateway refuses this node's credential");
      if (status === 200) return true;
      log.warn({ status }, "the gateway did not take the heartbeat");
    } catch (error) {
      if (error instanceof CredentialRefused) throw error;
      log.warn({ reason: error instanceof Error ? error.message : "?" }, "the gateway cannot be reached");
    }
    return false;
  }

  let heard = false;
  while (!heard && !signal.aborted) {
    heard = await tell();
    if (!heard) await pause(RETRY_MS);
  }
  const joined = heard;
  const beating = (async () => {
    while (!signal.aborted) {
      await pause(heard ? BEAT_MS : RETRY_MS);
      if (signal.aborted) return;
      heard = await tell().catch((error: unknown) => {
        log.error({ err: error }, "the node is no longer expected");
        return true;
      });
    }
  })();
  return {
    async leave() {
      await beating;
      if (joined)
        await beat(true).catch((error: unknown) => log.warn({ err: error }, "the gateway was not told of the stop"));
    },
  };
}
