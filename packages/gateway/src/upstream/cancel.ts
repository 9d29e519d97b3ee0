import type { Clock } from "../clock.ts";
import type { Endpoint } from "./endpoint.ts";
import { readWithin } from "./read-bounded.ts";

const TIMEOUT_MS = 2_000;
const MAX_BYTES = 64 * 1024;

/** Has a node stop a generation, and never begin it. Rejects when the node does not say that it will. */
export async function cancel(endpoint: Endpoint, path: string, clock: Clock): Promise<void> {
  const limits = { maxBytes: MAX_BYTES, timeoutMs: TIMEOUT_MS, clock };
  const { status } = await readWithin(endpoint, { method: "DELETE", path }, limits);
  if (status !== 204) throw new Error(`status ${status} for a cancellation`);
}
