import { ClientSDK } from "../lib/client.ts";
import type { SDKOptions } from "../lib/config.ts";
import { APIPromise, throwing } from "../types/async.ts";
import type { Result } from "../types/fp.ts";

/** Operations that belong together. */
export abstract class Resource {
  protected readonly _client: ClientSDK;

  /** @param client whose operations these are, or the options of one of their own */
  constructor(client: ClientSDK | SDKOptions = {}) {
    // Not instanceof: the client may be of another copy of the package.
    this._client = "_token" in client ? client : new ClientSDK(client);
  }
}

/** Calls a function of a module that is loaded at the call, since few programs need it. */
export function lazily<M, T>(module: Promise<M>, call: (loaded: M) => APIPromise<Result<T, unknown>>): APIPromise<T> {
  return new APIPromise(module.then((loaded) => throwing(call(loaded)).$inspect()));
}
