import type { Model } from "../models/components/model.ts";
import { isRecord } from "../models/errors/envelope.ts";
import { SDKValidationError } from "../models/errors/sdkvalidationerror.ts";

/**
 * A model of an answer, in camelCase. Only its id must be there: not every server says the rest.
 * @throws SDKValidationError when there is no id
 */
export function asModel(fields: unknown): Model {
  if (!isRecord(fields) || typeof fields.id !== "string") {
    throw new SDKValidationError("Response", "a model must have an id", fields);
  }
  return { ...fields, id: fields.id };
}
