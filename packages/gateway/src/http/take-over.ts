import type { FastifyReply } from "fastify";

/** On every answer that does not say otherwise. */
export const PRIVATE = { "cache-control": "no-store", "x-content-type-options": "nosniff" } as const;

/** Writes the head of an answer whose body the caller writes to `reply.raw` itself: with the headers that were set before. */
export function takeOver(reply: FastifyReply, status: number, headers: Readonly<Record<string, string>>): void {
  reply.hijack();
  // Set by our own hooks and steps, all of them strings.
  const earlier = reply.getHeaders() as Record<string, string>;
  reply.raw.writeHead(status, { ...PRIVATE, ...earlier, ...headers });
}
