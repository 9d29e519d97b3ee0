import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** A connection of its own, on which bytes are sent as they are. */
export interface RawConnection {
  readonly socket: Socket;
  /** All that has come so far. */
  text(): string;
  /** Resolves when this has come. */
  until(part: string): Promise<void>;
  readonly closed: Promise<unknown>;
}

export async function openRaw(port: number, bytes = ""): Promise<RawConnection> {
  const socket = connect(port, "127.0.0.1");
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk.toString("latin1");
  });
  socket.on("error", () => {});
  const closed = new Promise((resolve) => socket.once("close", resolve));
  await once(socket, "connect");
  socket.write(bytes);
  return {
    socket,
    text: () => text,
    async until(part) {
      while (!text.includes(part)) {
        if (socket.closed) throw new Error(`closed without ${part}: ${text.slice(0, 500)}`);
        await Promise.race([once(socket, "data"), closed]);
      }
    },
    closed,
  };
}

/** Sends bytes as they are and gives back all that comes until the server closes. */
export async function sendRaw(port: number, ...parts: string[]): Promise<string> {
  const raw = await openRaw(port);
  for (const part of parts) raw.socket.write(part);
  await raw.closed;
  return raw.text();
}

export const statusOf = (text: string): number => Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]);
