import type { RequestOptions } from "../lib/client.ts";
import type {
  NodesCreateLockRequest,
  NodesCreateLockResponse,
  NodesCreateRequest,
  NodesCreateResponse,
} from "../models/components/nodes.ts";
import { APIPromise, throwing } from "../types/async.ts";
import { Resource } from "./resource.ts";

/** What concerns whoever runs nodes. Its code is loaded when it is called: few programs need it. */
export class Nodes extends Resource {
  /** As `nodesNodesCreate`, but throws its error. */
  nodesCreate(request: NodesCreateRequest, options?: RequestOptions): APIPromise<NodesCreateResponse> {
    const operation = import("../funcs/nodesNodesCreate.ts");
    return new APIPromise(
      operation.then((module) => throwing(module.nodesNodesCreate(this._client, request, options)).$inspect()),
    );
  }

  /** As `nodesNodesCreateLock`, but throws its error. */
  nodesCreateLock(request: NodesCreateLockRequest, options?: RequestOptions): APIPromise<NodesCreateLockResponse> {
    const operation = import("../funcs/nodesNodesCreateLock.ts");
    return new APIPromise(
      operation.then((module) => throwing(module.nodesNodesCreateLock(this._client, request, options)).$inspect()),
    );
  }
}
