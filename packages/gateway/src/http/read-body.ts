import type { IncomingMessage } from "node:http";
import { errors } from "@atoma/contract";
import { inviteBody } from "@atoma/http";
import type { Clock } from "../clock.ts";

export interface BodyLimits {
  readonly maxBytes: number;
  /** From the first look at the body to its last byte. */
  readonly timeoutMs: number;
}

const JSON_TYPE = /^application\/json[ \t]*(?:;|$)/i;

/** Throws ApiError 415 unless the media type's essence is application/json and the body is not compressed. */
export function requireJson(headers: IncomingMessage["headers"]): void {
  const type = headers["content-type"];
  if (type === undefined || !JSON_TYPE.test(type)) throw errors.unsupportedContentType(type, "application/json");
  const encoding = headers["content-encoding"] ?? "";
  if (!/^(?:identity)?$/i.test(encoding)) throw errors.unsupportedEncoding(encoding);
}

/**
 * The request's body. Throws ApiError 413 as soon as it is known to be larger than the limit (from Content-Length
 * before a byte is read), 408 when it takes too long, 499 when the client leaves.
 */
export async function readBody(request: IncomingMessage, limits: BodyLimits, clock: Clock): Promise<Uint8Array> {
  if (Number(request.headers["content-length"] ?? 0) > limits.maxBytes) throw errors.bodyTooLarge(limits.maxBytes);
  if (request.destroyed && !request.readableEnded) throw errors.clientClosed();
  inviteBody(request);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const finish = (act: () => void) => {
      clock.clearTimeout(timer);
      request.off("data", onData).off("end", onEnd).off("close", onClose).off("error", onClose);
      act();
    };
    const onData = (chunk: Buffer) => {
      size += chunk.length;
      if (size > limits.maxBytes) finish(() => reject(errors.bodyTooLarge(limits.maxBytes)));
      else chunks.push(chunk);
    };
    const onEnd = () =>
      finish(() => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, size)));
    const onClose = () => finish(() => reject(errors.clientClosed()));
    const timer = clock.setTimeout(() => finish(() => reject(errors.requestTimeout())), limits.timeoutMs);
    request.on("data", onData).on("end", onEnd).on("close", onClose).on("error", onClose);
  });
}
