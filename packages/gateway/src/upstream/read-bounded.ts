import type { IncomingHttpHeaders } from "node:http";
import type { Dispatcher } from "undici";
import { type Clock, deadline } from "../clock.ts";
import type { Endpoint } from "./endpoint.ts";
import { type BodyReader, type Request, send } from "./send.ts";

/** Keeps a body of bounded length. */
export interface BoundedReader extends BodyReader {
  bytes(): Buffer;
  /** As UTF-8, decoded once all is there: a character may lie across two chunks. */
  text(): string;
}

/** Of a body with more than `maxBytes`: `cut` keeps its beginning, `refuse` throws. */
export function boundedReader(maxBytes: number, onMore: "cut" | "refuse"): BoundedReader {
  const chunks: Buffer[] = [];
  let size = 0;
  const bytes = () => Buffer.concat(chunks, Math.min(size, maxBytes));
  return {
    take(chunk) {
      size += chunk.length;
      if (size > maxBytes && onMore === "refuse") throw new Error("answer too large");
      chunks.push(chunk);
      return undefined;
    },
    end() {},
    get complete() {
      return size > maxBytes;
    },
    bytes,
    text: () => bytes().toString("utf8"),
  };
}

export interface BoundedAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: BoundedReader;
}

/** One request whose answer is small. Rejects when its body has more than `maxBytes`, and as `send` does. */
export async function readBounded(
  server: { readonly pool: Dispatcher; readonly token: Endpoint["token"] },
  request: Request,
  maxBytes: number,
  context: { readonly signal: AbortSignal; readonly clock: Clock },
): Promise<BoundedAnswer> {
  const body = boundedReader(maxBytes, "refuse");
  let status = 0;
  let headers: IncomingHttpHeaders = {};
  await send(server, request, context, (answered, answerHeaders) => {
    status = answered;
    headers = answerHeaders;
    return body;
  });
  return { status, headers, body };
}

/** The same, within `timeoutMs`. */
export async function readWithin(
  server: { readonly pool: Dispatcher; readonly token: Endpoint["token"] },
  request: Request,
  { maxBytes, timeoutMs, clock }: { readonly maxBytes: number; readonly timeoutMs: number; readonly clock: Clock },
): Promise<BoundedAnswer> {
  using limit = deadline(clock, timeoutMs, () => new Error(`no answer within ${timeoutMs} ms`));
  return await readBounded(server, request, maxBytes, { signal: limit.signal, clock });
}

/**
 * Gets a picture that a node answered with as a URL: from the node's own origin only, at most `maxBytes`, no redirects, and
 * with the node's own credential. Rejects on anything else: a node must not make the gateway call addresses of its choice.
 */
export async function fetchPicture(
  endpoint: Endpoint,
  url: string,
  maxBytes: number,
  context: { readonly signal: AbortSignal; readonly clock: Clock },
): Promise<Uint8Array> {
  const target = URL.canParse(url) ? new URL(url) : undefined;
  if (target?.origin !== endpoint.origin) throw new Error("the picture's URL is not of the node's own origin");
  const request = { method: "GET", path: target.pathname + target.search } as const;
  const { status, body } = await readBounded(endpoint, request, maxBytes, context);
  if (status !== 200) throw new Error(`status ${status} for a picture`);
  return body.bytes();
}
