import type { ServerResponse } from "node:http";

/** Longest time in which a client takes nothing of an answer that is being sent. */
const STALL_MS = 60_000;

/** From now until the answer is complete, cuts a connection on which nothing moves. */
export function cutStalledReader(response: ServerResponse): void {
  const { socket } = response;
  if (!socket) return;
  const cut = () => socket.destroy();
  socket.setTimeout(STALL_MS, cut);
  // Node sets the socket's own timeout for the next request; only our listener has to go.
  response.once("close", () => socket.off("timeout", cut));
}
