export type { ModelLoad } from "./model-queue.ts";
export type { Deadlines, NodeOptions, ServedModel } from "./node-options.ts";
export { type RunningNode, startNode } from "./start-node.ts";
