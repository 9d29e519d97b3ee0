export { modelListFromJSON, modelListToJSON } from "./json.ts";
export type { ModelList } from "./model.ts";
