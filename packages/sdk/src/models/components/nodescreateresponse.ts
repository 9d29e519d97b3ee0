export type { NodesCreateResponse } from "./nodes.ts";
