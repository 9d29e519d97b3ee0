import { InvalidRequestError } from "../models/errors/invalidrequesterror.ts";
import type { Bytes } from "../types/bytes.ts";
import { parseURL, userAgent } from "./config.ts";
import { isServerRuntime } from "./env.ts";
import type { ClientSDK, RequestOptions } from "./sdks.ts";

/** What an operation sends. */
export interface Operation {
  readonly method: "GET" | "POST";
  /** From the root of the API, or a whole URL. */
  readonly path: string | URL;
  readonly accept: string;
  readonly body?: string | Bytes;
  readonly contentType?: string;
}

/** A request, the same for every attempt but for its key. */
export interface PreparedRequest {
  readonly url: URL;
  readonly method: string;
  readonly body: string | Bytes | undefined;
  /** Lower-case names. */
  readonly headers: Record<string, string>;
  readonly idempotencyKey: string | undefined;
  /** The key goes to this origin and no other. */
  readonly origin: string;
}

/** @throws InvalidRequestError when a URL or a header cannot be sent */
export function prepareRequest(client: ClientSDK, operation: Operation, options: RequestOptions): PreparedRequest {
  const base = options.serverURL == null ? client._baseURL : parseURL(options.serverURL);
  if (!base) {
    throw new InvalidRequestError("serverURL must be an http(s) URL without credentials");
  }
  const { method, path, body, accept, contentType } = operation;
  const headers: Record<string, string> = { accept };
  if (contentType) headers["content-type"] = contentType;
  if (isServerRuntime()) headers["user-agent"] = userAgent;
  if (options.fetchOptions?.headers) Object.assign(headers, callerHeaders(options.fetchOptions.headers));
  let idempotencyKey = headers["idempotency-key"];
  if (method === "POST") {
    idempotencyKey = options.idempotencyKey || (headers["idempotency-key"] ?? randomId());
    if (!/^[\x21-\x7e]{1,255}$/.test(idempotencyKey)) {
      throw new InvalidRequestError("An idempotency key has 1 to 255 visible ASCII characters");
    }
    headers["idempotency-key"] = idempotencyKey;
  }
  return {
    url: path instanceof URL ? path : resolve(base, path),
    method,
    body,
    headers,
    idempotencyKey,
    origin: base.origin,
  };
}

/** Keeps the path and the query of the base; `/v1` at its end is the API's own and not doubled. */
function resolve(base: URL, path: string): URL {
  const url = new URL(base);
  url.pathname = url.pathname.replace(/\/+$/, "").replace(/\/v1$/, "") + path;
  url.hash = "";
  return url;
}

type HeadersLike = NonNullable<RequestInit["headers"]>;

/** Headers in any of the forms that fetch takes, with lower-case names, those without a value left out. */
function callerHeaders(given: HeadersLike): Record<string, string> {
  const pairs = Symbol.iterator in given ? given : Object.entries(given).filter(([, value]) => value != null);
  try {
    return Object.fromEntries(new Headers(pairs));
  } catch {
    // Without the platform's own message: it repeats the value, which may be a key.
    throw new InvalidRequestError("A header has a name or a value that cannot be sent");
  }
}

/** 128 random bits; randomUUID is missing on pages without https. */
function randomId(): string {
  if (crypto.randomUUID) return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (word) => word.toString(36)).join("-");
}
