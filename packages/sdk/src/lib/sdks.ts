import { InvalidRequestError } from "../models/errors/invalidrequesterror.ts";
import { UnexpectedClientError } from "../models/errors/unexpectedclienterror.ts";
import { type SDKOptions, serverURLFromOptions } from "./config.ts";
import { env } from "./env.ts";
import type { HTTPClient } from "./http.ts";
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
  readonly _baseURL: URL | null;
  readonly _options: Readonly<Omit<SDKOptions, "bearerAuth">>;
  /** Undefined: the platform's fetch as it is. So HTTPClient is bundled only where it is used. */
  readonly _httpClient: HTTPClient | undefined;
  // Private to the language, so that neither util.inspect nor JSON.stringify can show it.
  readonly #bearerAuth: SDKOptions["bearerAuth"];

  constructor(options: SDKOptions = {}) {
    const { bearerAuth, ...rest } = options;
    this.#bearerAuth = bearerAuth || env("ATOMASDK_BEARER_AUTH") || bearerAuth;
    if (!rest.debugLogger && /^(1|true)$/i.test(env("ATOMASDK_DEBUG") ?? "")) rest.debugLogger = console;
    this._options = rest;
    this._baseURL = serverURLFromOptions(options);
    this._httpClient = options.httpClient;
  }

  /**
   * The value of the `authorization` header; undefined when no key was given.
   * @throws InvalidRequestError for an empty key, or one that a header cannot carry
   * @throws UnexpectedClientError when the function that gives the key throws
   */
  async _authorization(): Promise<string | undefined> {
    let key = this.#bearerAuth;
    if (typeof key === "function") {
      try {
        key = (await key()) ?? "";
      } catch (cause) {
        throw new UnexpectedClientError("bearerAuth() threw", { cause });
      }
    }
    if (key === undefined || key === null) return undefined;
    const token = typeof key === "string" ? key.replace(/^bearer\s+/i, "") : "";
    if (!token) throw new InvalidRequestError("No API key: set bearerAuth or ATOMASDK_BEARER_AUTH");
    // Said without the key and without a cause: the platform's own message would repeat it.
    if (!/^[\x21-\x7e]+$/.test(token))
      throw new InvalidRequestError("The API key has characters that a header cannot carry");
    return `Bearer ${token}`;
  }
}
