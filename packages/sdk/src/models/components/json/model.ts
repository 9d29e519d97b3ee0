import { asModel } from "../../../lib/models.ts";
import { fromWire } from "../../../lib/wire.ts";
import type { Result } from "../../../types/fp.ts";
import { SDKValidationError } from "../../errors/sdkvalidationerror.ts";
import type { Model, ModelList } from "../model.ts";
import { parse, stringify } from "./parse.ts";

/** A model in the server's form. */
export function modelToJSON(model: Model): string {
  return stringify(model);
}

/** Reads a model in the server's form. */
export function modelFromJSON(json: string): Result<Model, SDKValidationError> {
  return parse(json, (value) => asModel(fromWire(value)));
}

/** A list of models in the server's form. */
export function modelListToJSON(list: ModelList): string {
  return stringify(list);
}

/** Reads a list of models in the server's form. */
export function modelListFromJSON(json: string): Result<ModelList, SDKValidationError> {
  return parse(json, (value) => {
    const { data, ...fields } = fromWire(value);
    if (!Array.isArray(data)) throw new SDKValidationError("Response", "data must be an array", value);
    return { ...fields, data: data.map(asModel) };
  });
}
