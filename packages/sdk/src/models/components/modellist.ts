export { modelListFromJSON, modelListToJSON } from "./json/model.ts";
export type { ModelList } from "./model.ts";
