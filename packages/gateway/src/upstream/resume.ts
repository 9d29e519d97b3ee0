import { setTimeout as wait } from "node:timers/promises";
import { ApiError, errors } from "@atoma/contract";
import type { Logger } from "pino";
import type { Dispatcher } from "undici";
import { type Node, nodeHeaders } from "../nodes/node.ts";
import { readStart } from "./read-start.ts";
import { readComplaint, refusalError } from "./refusal.ts";

/** How long a node may stay away before what it was doing is given up. */
const PATIENCE_MS = 10_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;
const CANCEL_TIMEOUT_MS = 2_000;

/** Has a node stop a generation, and never begin it. Rejects when the node does not say that it will. */
export async function cancel(node: Node, path: string): Promise<void> {
  const signal = AbortSignal.timeout(CANCEL_TIMEOUT_MS);
  const answer = await node.pool.request({ method: "DELETE", path, headers: nodeHeaders(node), signal });
  await answer.body.dump();
  if (answer.statusCode !== 204) throw new Error(`status ${answer.statusCode} for a cancellation`);
}

/**
 * After the connection to a node broke: the generation's answer from its first event on, or `unknown` when the node says
 * that it never came, and has promised not to begin it any more. Throws ApiError when that cannot be found out within
 * ten seconds or the generation has failed, and the signal's reason.
 */
export async function reattach(
  node: Node,
  path: string,
  { signal, log }: { readonly signal: AbortSignal; readonly log: Logger },
): Promise<Dispatcher.ResponseData | "unknown"> {
  const until = performance.now() + PATIENCE_MS;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    try {
      const answer = await node.pool.request({ method: "GET", path, headers: nodeHeaders(node), signal });
      if (answer.statusCode === 200) return answer;
      const complaint = readComplaint(await readStart(answer.body));
      if (answer.statusCode !== 404) throw refusalError(answer.statusCode, complaint);
      await cancel(node, path);
      return "unknown";
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ApiError) throw error;
      if (performance.now() + pause > until) throw errors.nodeUnreachable(error);
      log.debug({ node: node.name, err: error }, "node cannot be asked about a request yet");
    }
    await wait(pause, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}
