export { modelFromJSON, modelToJSON } from "./json/model.ts";

export interface Model {
  id: string;
  object?: string;
  /** Unix time, seconds. */
  created?: number;
  ownedBy?: string;
  /** Date after which the model is gone, where one is set. */
  shutdownDate?: string;
  /** Further fields of the server, unchanged. */
  [field: string]: unknown;
}

export interface ModelList {
  object?: string;
  data: Model[];
  /** Further fields of the server, unchanged. */
  [field: string]: unknown;
}
