import { healthCheck } from "../funcs/healthCheck.ts";
import type { RequestOptions } from "../lib/client.ts";
import type { HealthResponse } from "../models/components/healthresponse.ts";
import { type APIPromise, throwing } from "../types/async.ts";
import { Resource } from "./resource.ts";

export class Health extends Resource {
  /** As `healthCheck`, but throws its error. */
  check(options?: RequestOptions): APIPromise<HealthResponse> {
    return throwing(healthCheck(this._client, options));
  }

  /** @deprecated Renamed to `check`. */
  health(options?: RequestOptions): APIPromise<HealthResponse> {
    return this.check(options);
  }
}
