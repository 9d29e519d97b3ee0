import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { type ApiError, errors } from "@atoma/contract";
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

function refusalOf(code: string | undefined): ApiError {
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return errors.headersTooLarge();
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return errors.requestTimeout();
    case "HPE_CHUNK_EXTENSIONS_OVERFLOW":
      return errors.badRequest("The extensions of the body's chunks are too large.");
    default:
      return errors.badRequest("The request is not valid HTTP.");
  }
}

/** Whoever speaks no TLS to a server that does could not read an answer. */
const isNoTls = ({ code }: NodeJS.ErrnoException) =>
  code?.startsWith("ERR_SSL_") === true || code === "ERR_TLS_HANDSHAKE_TIMEOUT";

function close(socket: Duplex, lastWords = ""): void {
  socket.end(lastWords);
  setTimeout(() => socket.destroy(), CLOSE_MS).unref();
}

function write(socket: Duplex, refusal: ApiError, more: Readonly<Record<string, string>>): void {
  const body = JSON.stringify(refusal.envelope());
  const headers = {
    "content-type": "application/json; charset=utf-8",
    "content-length": Buffer.byteLength(body),
    "x-request-id": newRequestId(),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    ...more,
    connection: "close",
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const head = [`HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}`, ...lines].join("\r\n");
  close(socket, `${head}\r\n\r\n${body}`);
}

/** Whether an answer may be written: none is under way, or only that to the request whose own body is at fault. */
function mayAnswer({ answering, last }: Connection): boolean {
  return answering === 0 || (answering === 1 && !last.request.complete && !last.response.headersSent);
}

/** What a server does about what is no request. */
export interface ConnectionGuard {
  /** Notes which connections are busy, ends those that have served enough, and refuses to be a proxy. */
  watch(server: Server): void;
  /**
   * Answers a connection whose request never became one: too large headers, too slow, or not HTTP. What comes behind a
   * request that is still being answered must not cut that answer short; the connection ends after it.
   */
  refuse(error: NodeJS.ErrnoException, socket: Duplex): void;
}

/** `headers` go with each refusal. */
export function guardConnections(headers: Readonly<Record<string, string>> = {}): ConnectionGuard {
  const connections = new WeakMap<Duplex, Connection>();
  return {
    watch(server) {
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
        write(socket, errors.badRequest("This server is no proxy: it does not know the method CONNECT."), headers);
      });
    },
    refuse(error, socket) {
      const connection = connections.get(socket);
      if (error.code === "ECONNRESET" || isNoTls(error) || !socket.writable) {
        socket.destroy();
      } else if (!connection || (mayAnswer(connection) && !connection.broken)) {
        write(socket, refusalOf(error.code), headers);
      } else {
        connection.broken = true;
      }
    },
  };
}
