import { InvalidRequestError } from "../models/errors/invalidrequesterror.ts";
import type { Bytes } from "../types/bytes.ts";
import type { ClientSDK, RequestOptions } from "./client.ts";
import { PUBLIC_HOST, parseURL, userAgent } from "./config.ts";
import { isServerRuntime } from "./env.ts";
import { readHeaders } from "./headers.ts";

/** What an operation sends. */
export interface Operation {
  /** Left out: POST if there is a body, else GET. */
  readonly method?: "DELETE";
  /** From the root of the API, or a whole URL. */
  readonly path: string | URL;
  readonly body?: string | Bytes;
  /** Both are `application/json` where they are left out. */
  readonly contentType?: string;
  readonly accept?: string;
  /** How to answer, as in RFC 7240. */
  readonly prefer?: string;
}

/** A request, the same for every attempt but for its key. */
export interface PreparedRequest {
  readonly url: URL;
  readonly method: "GET" | "POST" | "DELETE";
  readonly body: string | Bytes | null;
  /** Lower-case names. */
  readonly headers: Record<string, string>;
  /** The key goes to this origin and no other. */
  readonly origin: string;
}

/** @throws InvalidRequestError when a URL or a header cannot be sent */
export function prepareRequest(
  client: ClientSDK,
  { method, path, body, contentType = "application/json", accept = "application/json", prefer }: Operation,
  { serverURL, fetchOptions, idempotencyKey }: RequestOptions,
): PreparedRequest {
  const base = serverURL == null ? client._baseURL : parseURL(serverURL);
  if (!base) {
    throw new InvalidRequestError("serverURL, or ATOMASDK_SERVER_URL, must be an http(s) URL without credentials");
  }
  const headers: Record<string, string> = {
    accept,
    ...(prefer && { prefer }),
    ...(isServerRuntime() && { "user-agent": userAgent }),
    ...(body && { "content-type": contentType, "idempotency-key": idempotencyKey || randomId() }),
    ...(fetchOptions?.headers && readHeaders(fetchOptions.headers)),
  };
  if (body && !/^[!-~]{1,255}$/.test(`${headers["idempotency-key"]}`)) {
    throw new InvalidRequestError("An idempotency key has 1 to 255 visible ASCII characters");
  }
  return {
    url: path instanceof URL ? path : resolve(base, path),
    method: method ?? (body ? "POST" : "GET"),
    body: body ?? null,
    headers,
    origin: base.origin,
  };
}

/** @throws InvalidRequestError when a key that a gateway made would go to the public host, which does not know it */
export function checkAddressee(token: string | undefined, { origin }: PreparedRequest): void {
  const isOfGateway = /^sk-atoma-[0-9a-z]{12,32}-/.test(token ?? "");
  if (isOfGateway && origin.endsWith(`//${PUBLIC_HOST}`)) {
    throw new InvalidRequestError(
      `A key of a gateway is not sent to ${PUBLIC_HOST}: set serverURL or ATOMASDK_SERVER_URL to the address of the gateway`,
    );
  }
}

/** Keeps the path and the query of the base; `/v1` at its end is the API's own and not doubled. */
function resolve({ origin, pathname, search }: URL, path: string): URL {
  return new URL(origin + pathname.replace(/(\/v1)?\/*$/, "") + path + search);
}

/** 128 random bits; randomUUID is missing on pages without https. */
function randomId(): string {
  return crypto.randomUUID?.() ?? crypto.getRandomValues(new Uint32Array(4)).join("-");
}
