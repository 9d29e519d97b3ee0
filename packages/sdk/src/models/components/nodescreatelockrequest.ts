export type { NodesCreateLockRequest } from "./nodes.ts";
