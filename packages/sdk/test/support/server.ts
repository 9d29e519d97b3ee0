import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createRawServer, type Socket } from "node:net";
import type { TestContext } from "node:test";

/** A request as the server received it. */
export interface Seen {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  rawHeaders: string[];
  body: Buffer;
  /** Which connection it came on, from 1. */
  connection: number;
  /** Resolves when its connection has closed. */
  closed: Promise<void>;
}

export interface TestServer {
  url: string;
  seen: Seen[];
  connections(): number;
  /** Resolves once so many requests have come. */
  received(count: number): Promise<void>;
}

type Handler = (response: ServerResponse, seen: Seen, index: number) => void;

/** A real HTTP server that answers as `handler` says; `index` counts the requests from 0. */
export async function serve(t: TestContext, handler: Handler): Promise<TestServer> {
  const seen: Seen[] = [];
  const arrivals = new EventEmitter<{ request: [] }>();
  let connections = 0;
  const sockets = new WeakMap<Socket, { connection: number; closed: Promise<void> }>();
  const server = createServer({ keepAliveTimeout: 60_000 }, async (request, response) => {
    const one = { ...(await record(request)), ...(sockets.get(request.socket) ?? assert.fail()) };
    seen.push(one);
    handler(response, one, seen.length - 1);
    arrivals.emit("request");
  });
  server.on("connection", (socket) => {
    connections++;
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    sockets.set(socket, { connection: connections, closed });
    socket.on("error", () => {}); // clients of these tests leave in many ways
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  return {
    url: address(server),
    seen,
    connections: () => connections,
    async received(count) {
      while (seen.length < count) await once(arrivals, "request");
    },
  };
}

/** A server that is given the bare socket, once the head of a request has come. */
export async function serveRaw(t: TestContext, onRequest: (socket: Socket, index: number) => void) {
  const sockets = new Set<Socket>();
  let requests = 0;
  const server = createRawServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      const end = text.indexOf("\r\n\r\n");
      if (end < 0) return;
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
      if (text.length < end + 4 + length) return;
      text = "";
      onRequest(socket, requests++);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  });
  return { url: address(server), requests: () => requests };
}

/** Sends a JSON answer. */
export function json(
  response: ServerResponse,
  body: unknown,
  status = 200,
  headers: Record<string, string> = {},
): void {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(text);
}

/** The port of a server that has just been closed: nothing listens there. */
export async function closedPort(): Promise<number> {
  const server = createRawServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo; // a TCP server has no other kind of address
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

async function record(request: IncomingMessage): Promise<Omit<Seen, "connection" | "closed">> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const { method = "", url = "", headers, rawHeaders } = request;
  return { method, url, headers, rawHeaders, body: Buffer.concat(chunks) };
}

function address(server: { address(): unknown }): string {
  const { port } = server.address() as AddressInfo; // a TCP server has no other kind of address
  return `http://127.0.0.1:${port}`;
}
