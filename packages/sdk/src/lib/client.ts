import { InvalidRequestError } from "../models/errors/invalidrequesterror.ts";
import { type Clock, systemClock } from "./clock.ts";
import { type SDKOptions, serverURLFromOptions } from "./config.ts";
import { env } from "./env.ts";
import type { RetryConfig } from "./retries.ts";

/** What can be set for one call. */
export interface RequestOptions {
  /** Deadline of the whole call, ms. */
  timeoutMs?: number | undefined;
  /** Deadline of each attempt, ms. */
  attemptTimeoutMs?: number | undefined;
  /** Ends the call at once with a RequestAbortedError. */
  signal?: AbortSignal | null | undefined;
  retries?: RetryConfig | undefined;
  /** Statuses to retry after, such as `["429", "5XX"]`, in the place of the strategy's own. */
  retryCodes?: readonly string[] | undefined;
  /** The same for all attempts of a call. Default: a new random one for each call. */
  idempotencyKey?: string | undefined;
  serverURL?: string | URL | undefined;
  /** Largest answer that is read, bytes. */
  maxResponseBytes?: number | undefined;
  /** Further options of `fetch`; headers given here win over the SDK's own. */
  fetchOptions?: Omit<RequestInit, "method" | "body"> | undefined;
}

/** What the operations share: where the server is, how to get there, and who is asking. */
export class ClientSDK {
  /** Null when `serverURL` is not one that a request can be sent to; calls then end with an InvalidRequestError. */
  declare readonly _baseURL: URL | null;
  declare readonly _options: Readonly<Omit<SDKOptions, "bearerAuth">>;
  /** @internal */
  declare readonly _clock: Clock;
  // Private to the language, so that neither util.inspect nor JSON.stringify can show it.
  readonly #bearerAuth: SDKOptions["bearerAuth"];

  /** @param clock for tests */
  constructor(options: SDKOptions = {}, clock: Clock = systemClock) {
    const { bearerAuth, ...rest } = options;
    this.#bearerAuth = bearerAuth || env("ATOMASDK_BEARER_AUTH") || bearerAuth;
    if (/^(1|true)$/i.test(`${env("ATOMASDK_DEBUG")}`)) rest.debugLogger ??= console;
    this._options = rest;
    this._clock = clock;
    this._baseURL = serverURLFromOptions(options);
  }

  /**
   * The API key without a "Bearer" before it; undefined when none was given.
   * @throws InvalidRequestError for an empty key, or one that a header cannot carry; what the function that gives the key throws
   */
  async _token(): Promise<string | undefined> {
    let key: unknown = this.#bearerAuth;
    if (typeof key === "function") key = (await key()) ?? "";
    if (key == null) return undefined;
    const [, token] = /^(?:bearer\s+)?([!-~]+)$/i.exec(typeof key === "string" ? key : "") ?? [];
    // Said without the key and without a cause: the platform's own message would repeat it.
    if (!token) throw new InvalidRequestError("No API key that can be sent: set bearerAuth or ATOMASDK_BEARER_AUTH");
    return token;
  }
}
