import { env } from "./env.ts";
import type { HTTPClient } from "./http.ts";
import type { Logger } from "./logger.ts";
import type { RetryConfig } from "./retries.ts";

export const PUBLIC_HOST = "api.atoma.network";
/** The servers that `serverIdx` counts. */
export const ServerList = [`https://${PUBLIC_HOST}`] as const;

export interface SDKOptions {
  /**
   * The API key, or a function that gives it and is asked before every attempt. Without it the environment variable
   * `ATOMASDK_BEARER_AUTH` is read when the client is made.
   */
  bearerAuth?: string | (() => string | Promise<string>) | null | undefined;
  /** Hooks, or a `fetch` of your own. */
  httpClient?: HTTPClient | undefined;
  /** Position in `ServerList`. */
  serverIdx?: number | undefined;
  /**
   * Where the API is, with or without `/v1`. A path and a query are kept. Without it and `serverIdx` the environment variable
   * `ATOMASDK_SERVER_URL` is read when the client is made, and without that it is the first of `ServerList`.
   */
  serverURL?: string | URL | undefined;
  /** Default: at most 2 retries, and only after answers that prove that no work was done. */
  retryConfig?: RetryConfig | undefined;
  /** Deadline of a whole call, body, retries and waits included, ms. Default: none. */
  timeoutMs?: number | undefined;
  /** Deadline of each attempt, ms. Default: none. */
  attemptTimeoutMs?: number | undefined;
  /** Largest answer that is read, bytes. Default 268,435,456 (256 MiB). */
  maxResponseBytes?: number | undefined;
  /** Told about each request. `ATOMASDK_DEBUG=1` (or `true`) sets it to `console`. */
  debugLogger?: Logger | undefined;
}

const sdkVersion = "0.2.0";
export const userAgent = `atoma-sdk/${sdkVersion}`;
export const SDK_METADATA = { language: "typescript", sdkVersion, userAgent } as const;

/**
 * The base URL that the options ask for, or null when there is none that a request can be sent to.
 * @throws Error when `serverIdx` is outside of `ServerList`
 */
export function serverURLFromOptions(options: SDKOptions): URL | null {
  const { serverIdx, serverURL } = options;
  const named = serverURL || (serverIdx == null && env("ATOMASDK_SERVER_URL"));
  const server = named || ServerList[serverIdx ?? 0];
  if (!server) throw new Error(`Invalid server index ${serverIdx}`);
  return parseURL(server);
}

/** Null unless it is an http(s) URL without credentials, absolute or from `base`: what fetch sends a request to. */
export function parseURL(text: string | URL, base?: URL): URL | null {
  try {
    const url = new URL(text, base);
    const isHTTP = url.protocol === "http:" || url.protocol === "https:";
    return isHTTP && !url.username && !url.password ? url : null;
  } catch {
    return null;
  }
}
