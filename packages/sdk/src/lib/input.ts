import { isRecord } from "../models/errors/envelope.ts";
import { SDKValidationError } from "../models/errors/sdkvalidationerror.ts";
import { wireName } from "./wire.ts";

/**
 * The fields of a request as they go on the wire, in their order. The rest is the server's to know.
 * @throws SDKValidationError without a prompt, for an `n` that is not an integer, or a field that is given twice
 */
export function toWire(request: object): Record<string, unknown> {
  const invalid = (message: string) => new SDKValidationError("Input", message, request);
  if (!isRecord(request)) throw invalid("the request must be an object");
  const { additionalFields = {}, ...fields } = request;
  if (!isRecord(additionalFields)) throw invalid("additionalFields must be an object");
  const wire: Record<string, unknown> = {};
  for (const given of [fields, additionalFields]) {
    for (const [key, value] of Object.entries(given)) {
      if (value === undefined) continue;
      const name = given === fields ? wireName(key) : key;
      if (Object.hasOwn(wire, name)) throw invalid(`${name} is given twice`);
      wire[name] = value;
    }
  }
  if (typeof wire.prompt !== "string") throw invalid("prompt must be a string");
  if (wire.n != null && !Number.isInteger(wire.n)) throw invalid("n must be an integer");
  return wire;
}

/** @throws SDKValidationError for what JSON has no form for */
export function toJSON(wire: Record<string, unknown>): string {
  try {
    return JSON.stringify(wire);
  } catch (cause) {
    throw new SDKValidationError("Input", "the request has no form in JSON", wire, { cause });
  }
}
