import { modelsGet } from "../funcs/modelsGet.ts";
import { modelsList } from "../funcs/modelsList.ts";
import type { RequestOptions } from "../lib/client.ts";
import type { Model, ModelList } from "../models/components/model.ts";
import { type APIPromise, throwing } from "../types/async.ts";
import { Resource } from "./resource.ts";

export class Models extends Resource {
  /** As `modelsList`, but throws its error. */
  list(options?: RequestOptions): APIPromise<ModelList> {
    return throwing(modelsList(this._client, options));
  }

  /** As `modelsGet`, but throws its error. */
  get(id: string, options?: RequestOptions): APIPromise<Model> {
    return throwing(modelsGet(this._client, id, options));
  }

  /** @deprecated Renamed to `list`. */
  modelsList(options?: RequestOptions): APIPromise<ModelList> {
    return this.list(options);
  }
}
