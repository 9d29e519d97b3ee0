export { ExposedNodeError } from "./exposed-host.ts";
export type { ModelLoad } from "./model-queue.ts";
export type { Deadlines, NodeOptions, ServedModel, ServerTls } from "./node-options.ts";
export { type RunningNode, startNode } from "./start-node.ts";
