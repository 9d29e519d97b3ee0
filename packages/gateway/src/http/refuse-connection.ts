import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { errors } from "@atoma/contract";
import { newRequestId } from "./request-id.ts";

/** How long a client may take to read its refusal and to close its side. */
const CLOSE_MS = 1000;

function refusalOf(code: string | undefined) {
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return errors.headersTooLarge();
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return errors.requestTimeout();
    default:
      return errors.badRequest("The request is not valid HTTP/1.1.");
  }
}

/** Answers a connection whose request never became one: too large headers, too slow, or not HTTP. */
export function refuseConnection(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const refusal = refusalOf(error.code);
  const body = JSON.stringify(refusal.envelope());
  socket.end(
    `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}\r\ncontent-type: application/json; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nx-request-id: ${newRequestId()}\r\nconnection: close\r\n\r\n${body}`,
  );
  setTimeout(() => socket.destroy(), CLOSE_MS).unref();
}
