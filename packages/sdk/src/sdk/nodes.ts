import type { RequestOptions } from "../lib/client.ts";
import type {
  NodesCreateLockRequest,
  NodesCreateLockResponse,
  NodesCreateRequest,
  NodesCreateResponse,
} from "../models/components/nodes.ts";
import type { APIPromise } from "../types/async.ts";
import { lazily, Resource } from "./resource.ts";

/** What concerns whoever runs nodes. Its code is loaded when it is called: few programs need it. */
export class Nodes extends Resource {
  /** As `nodesNodesCreate`, but throws its error. */
  nodesCreate(request: NodesCreateRequest, options?: RequestOptions): APIPromise<NodesCreateResponse> {
    return lazily(import("../funcs/nodesNodesCreate.ts"), ({ nodesNodesCreate }) =>
      nodesNodesCreate(this._client, request, options),
    );
  }

  /** As `nodesNodesCreateLock`, but throws its error. */
  nodesCreateLock(request: NodesCreateLockRequest, options?: RequestOptions): APIPromise<NodesCreateLockResponse> {
    return lazily(import("../funcs/nodesNodesCreateLock.ts"), ({ nodesNodesCreateLock }) =>
      nodesNodesCreateLock(this._client, request, options),
    );
  }
}
