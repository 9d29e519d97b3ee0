import { errors } from "@atoma/contract";
import type { Logger } from "pino";
import { type Clock, sleep } from "../clock.ts";
import { readComplaint } from "../dialects/complaint.ts";
import type { Made } from "./answer-body.ts";
import { cancel } from "./cancel.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Answered, Broken, Exchange } from "./exchange.ts";
import { refusalError } from "./refusal.ts";

/** How long a node may stay away before what it was doing is given up. */
const PATIENCE_MS = 10_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

/**
 * After the connection to a node broke: what it has made, read from the first event on, or `unknown` when the node says that
 * the request never came, and has promised not to begin it any more; `broken` where the answer began and broke off once more.
 * Throws ApiError when that cannot be found out within ten seconds or the generation has failed, and the signal's reason.
 */
export async function resume(
  node: Endpoint,
  path: string,
  exchange: Exchange,
  { signal, clock, log }: { readonly signal: AbortSignal; readonly clock: Clock; readonly log: Logger },
): Promise<Made | "unknown" | Broken> {
  const until = clock.monotonic() + PATIENCE_MS;

  /** What the node says now; an error where it cannot be asked. */
  async function ask(): Promise<Made | "unknown" | Broken | Error> {
    const answer: Answered = await exchange({ method: "GET", path });
    if (answer.kind === "made") return answer.made;
    if (answer.kind === "broken") return answer.answered ? answer : new Error("broken", { cause: answer.error });
    if (answer.status !== 404) throw refusalError(answer.status, readComplaint(answer.text));
    try {
      await cancel(node, path, clock);
      return "unknown";
    } catch (error) {
      return new Error("not cancelled", { cause: error });
    }
  }

  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    const said = await ask();
    if (!(said instanceof Error)) return said;
    signal.throwIfAborted();
    if (clock.monotonic() + pause > until) throw errors.nodeUnreachable(said.cause);
    log.debug({ node: node.name, err: said.cause }, "node cannot be asked about a request yet");
    await sleep(clock, pause, signal);
  }
}
