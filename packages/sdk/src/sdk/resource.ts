import { ClientSDK } from "../lib/client.ts";
import type { SDKOptions } from "../lib/config.ts";

/** Operations that belong together. */
export abstract class Resource {
  protected readonly _client: ClientSDK;

  /** @param client whose operations these are, or the options of one of their own */
  constructor(client: ClientSDK | SDKOptions = {}) {
    // Not instanceof: the client may be of another copy of the package.
    this._client = "_token" in client ? client : new ClientSDK(client);
  }
}
