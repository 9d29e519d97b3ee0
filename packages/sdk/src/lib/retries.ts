import type { APIError } from "../models/errors/apierror.ts";
import { ConnectionError } from "../models/errors/connectionerror.ts";
import { RequestTimeoutError } from "../models/errors/requesttimeouterror.ts";
import type { SDKError } from "../models/errors/sdkerror.ts";

/** All in ms but `exponent`. What is left out has its default. */
export interface BackoffStrategy {
  /** Upper bound of the first delay. Default 500. */
  initialInterval?: number | undefined;
  /** Upper bound of every delay that the server did not ask for. Default 60,000. */
  maxInterval?: number | undefined;
  /** Growth of the upper bound with each retry. Default 1.5. */
  exponent?: number | undefined;
  /** No retry starts later than this after the first attempt. Default 3,600,000. */
  maxElapsedTime?: number | undefined;
}

export type RetryConfig =
  | { strategy: "none" }
  | {
      strategy: "backoff";
      backoff?: BackoffStrategy | undefined;
      /**
       * True: also retry after a connection that was lost, or an attempt that timed out. False: after no failed connection
       * at all. Left out: only after one that was never established.
       */
      retryConnectionErrors?: boolean | undefined;
    };

/** Which failures are tried again, how often and when. */
export interface RetryPolicy {
  maxRetries: number;
  /** Such as "429" or "5XX". */
  codes: readonly string[];
  /** As in `RetryConfig`. */
  retryConnectionErrors: boolean | undefined;
  backoff: Required<{ [K in keyof BackoffStrategy]: number }>;
}

const DEFAULT_BACKOFF = { initialInterval: 500, maxInterval: 60_000, exponent: 1.5, maxElapsedTime: 3_600_000 };
/** A retry is never sooner than this, or than a shorter `maxInterval`, unless the server asks for it, and then only once. */
const MIN_DELAY_MS = 100;
/** A longer wish of the server is the caller's to fulfil. */
const MAX_RETRY_AFTER_MS = 120_000;

/** The policy that the options describe; by default 2 retries after 429, 503 and connections never established. */
export function retryPolicy(config: RetryConfig | undefined, codes: readonly string[] | undefined): RetryPolicy {
  if (config?.strategy !== "backoff") {
    const maxRetries = config ? 0 : 2;
    return { maxRetries, codes: codes ?? ["429", "503"], retryConnectionErrors: undefined, backoff: DEFAULT_BACKOFF };
  }
  const given = Object.entries(config.backoff ?? {}).filter(([, value]) => Number.isFinite(value));
  return {
    maxRetries: Number.POSITIVE_INFINITY,
    codes: codes ?? ["429", "5XX"],
    retryConnectionErrors: config.retryConnectionErrors,
    backoff: { ...DEFAULT_BACKOFF, ...Object.fromEntries(given) },
  };
}

/**
 * How long to wait before another attempt, ms; undefined when there must be none.
 * @param attempts how many there were, ≥ 1
 * @param elapsedMs since the first began
 */
export function retryDelayMs(
  config: RetryConfig | undefined,
  codes: readonly string[] | undefined,
  error: SDKError,
  attempts: number,
  elapsedMs: number,
): number | undefined {
  const policy = retryPolicy(config, codes);
  if (attempts > policy.maxRetries || !isRetryable(policy, error)) return undefined;
  const { retryAfterMs: asked } = error as Partial<APIError>; // only an APIError has it
  if (asked !== undefined && asked > MAX_RETRY_AFTER_MS) return undefined;
  const soonest = attempts > 1 ? MIN_DELAY_MS : 0;
  const delay = asked === undefined ? backoffDelayMs(attempts, policy.backoff) : Math.max(asked, soonest);
  return elapsedMs + delay > policy.backoff.maxElapsedTime ? undefined : delay;
}

/**
 * Exponential backoff with full jitter: even between 100 ms and initialInterval · exponent^(attempts − 1), at most
 * maxInterval. https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function backoffDelayMs(attempts: number, backoff: RetryPolicy["backoff"], random = Math.random): number {
  const ceiling = Math.min(backoff.maxInterval, backoff.initialInterval * backoff.exponent ** (attempts - 1));
  return Math.max(10, Math.min(MIN_DELAY_MS, backoff.maxInterval), random() * ceiling);
}

function isRetryable({ codes, retryConnectionErrors }: RetryPolicy, error: SDKError): boolean {
  const { headers, statusCode, code } = error as Partial<APIError>; // only an APIError has them
  const wish = headers?.get("x-should-retry");
  if (wish === "true" || wish === "false") return wish === "true";
  if (statusCode !== undefined && codes.some((listed) => isStatus(statusCode, listed))) return true;
  const isLost =
    error instanceof ConnectionError ||
    error instanceof RequestTimeoutError ||
    // An attempt of this very call is still at work on the server: the next one gets its picture.
    code === "idempotency_in_progress";
  return isLost && (retryConnectionErrors ?? wasNeverEstablished(error.cause));
}

/** @param listed such as 429 or "5XX" */
export function isStatus(status: number, listed: number | string): boolean {
  const wanted = String(listed).toUpperCase();
  return wanted === String(status) || wanted === `${Math.floor(status / 100)}XX`;
}

/** What the `syscall`, or where there is none the `code`, of an error is when there was no connection yet. */
const NEVER_ESTABLISHED = [
  "connect", // Node: refused, unreachable
  "getaddrinfo", // Node, Bun: no such host
  "ECONNREFUSED", // Node, where a host has several addresses, and Bun
  "EHOSTUNREACH", // as above
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT", // Node
  "ConnectionRefused", // Bun before 1.4
  "FailedToOpenSocket",
];

/** True when the platform says that no byte of the request can have reached the server. */
function wasNeverEstablished(error: unknown, depth = 0): boolean {
  const { syscall, code, cause } = Object(error);
  return NEVER_ESTABLISHED.includes(syscall ?? code) || (depth < 5 && wasNeverEstablished(cause, depth + 1));
}
