export type { NodesCreateRequest } from "./nodes.ts";
