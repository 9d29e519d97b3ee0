import { healthCheck } from "../funcs/healthCheck.ts";
import type { ClientSDK, RequestOptions } from "../lib/sdks.ts";
import type { HealthResponse } from "../models/components/healthresponse.ts";
import { type APIPromise, throwing } from "../types/async.ts";

export class Health {
  readonly #client: ClientSDK;

  constructor(client: ClientSDK) {
    this.#client = client;
  }

  /** As `healthCheck`, but throws its error. */
  check(options?: RequestOptions): APIPromise<HealthResponse> {
    return throwing(healthCheck(this.#client, options));
  }

  /** @deprecated Renamed to `check`. */
  health(options?: RequestOptions): APIPromise<HealthResponse> {
    return this.check(options);
  }
}
