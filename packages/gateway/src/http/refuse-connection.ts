import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { type ApiError, errors } from "@atoma/contract";
import { CROSS_ORIGIN } from "./cors.ts";
import { newRequestId } from "./request-id.ts";

/** How long a client may take to read its refusal and to close its side. */
const CLOSE_MS = 1000;

/** After so many requests a connection ends with its answer. Node's own limit would answer further ones without a body. */
const MAX_REQUESTS = 10_000;

interface Connection {
  requests: number;
  /** Answers that it is busy with; pipelined requests run side by side. */
  answering: number;
  /** The last of them. */
  last: { readonly request: IncomingMessage; readonly response: ServerResponse };
  /** Nothing more can be read from it; it ends with its answers. */
  broken: boolean;
}

const connections = new WeakMap<Duplex, Connection>();

function refusalOf(code: string | undefined): ApiError {
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return errors.headersTooLarge();
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return errors.requestTimeout();
    default:
      return errors.badRequest("The request is not valid HTTP/1.1.");
  }
}

function close(socket: Duplex, lastWords = ""): void {
  socket.end(lastWords);
  setTimeout(() => socket.destroy(), CLOSE_MS).unref();
}

function refuse(socket: Duplex, refusal: ApiError): void {
  const body = JSON.stringify(refusal.envelope());
  const headers = {
    "content-type": "application/json; charset=utf-8",
    "content-length": Buffer.byteLength(body),
    "x-request-id": newRequestId(),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    ...CROSS_ORIGIN,
    connection: "close",
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const head = [`HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}`, ...lines].join("\r\n");
  close(socket, `${head}\r\n\r\n${body}`);
}

/** Notes which connections are busy, ends those that have served enough, and refuses to be a proxy. */
export function watchConnections(server: Server): void {
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    const last = { request, response };
    const connection = connections.get(socket) ?? { requests: 0, answering: 0, last, broken: false };
    connections.set(socket, connection);
    connection.last = last;
    connection.answering++;
    if (++connection.requests >= MAX_REQUESTS) response.shouldKeepAlive = false;
    response.once("close", () => {
      if (--connection.answering === 0 && connection.broken) close(socket);
    });
  });
  server.on("connect", (_request: IncomingMessage, socket: Duplex) => {
    socket.on("error", () => socket.destroy());
    refuse(socket, errors.badRequest("The request target must be a path."));
  });
}

/** Whether an answer may be written: none is under way, or only that to the request whose own body is at fault. */
function mayAnswer({ answering, last }: Connection): boolean {
  return answering === 0 || (answering === 1 && !last.request.complete && !last.response.headersSent);
}

/**
 * Answers a connection whose request never became one: too large headers, too slow, or not HTTP. What comes behind a
 * request that is still being answered must not cut that answer short; the connection ends after it.
 */
export function refuseConnection(error: NodeJS.ErrnoException, socket: Duplex): void {
  const connection = connections.get(socket);
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
  } else if (!connection || (mayAnswer(connection) && !connection.broken)) {
    refuse(socket, refusalOf(error.code));
  } else {
    connection.broken = true;
  }
}
