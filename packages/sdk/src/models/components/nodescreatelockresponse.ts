export type { NodesCreateLockResponse } from "./nodes.ts";
