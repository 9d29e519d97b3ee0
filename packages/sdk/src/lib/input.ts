import { isRecord } from "../models/errors/envelope.ts";
import { SDKValidationError } from "../models/errors/sdkvalidationerror.ts";
import { wireName } from "./wire.ts";

const INTEGERS = /^(n|seed|(num_inference_)?steps|width|height|output_compression|partial_images)$/;

/**
 * The fields of a request as they go on the wire, in their order. The rest is the server's to know.
 * @throws SDKValidationError without a prompt, for a count that is not an integer, or a field that is given twice
 */
export function toWire(request: object): Record<string, unknown> {
  const invalid = (message: string) => new SDKValidationError("Input", message, request);
  if (!isRecord(request)) throw invalid("the request must be an object");
  const { additionalFields = {}, ...fields } = request;
  if (!isRecord(additionalFields)) throw invalid("additionalFields must be an object");
  const named = Object.entries(fields).map(([name, value]): [string, unknown] => [wireName(name), value]);
  const wire: Record<string, unknown> = {};
  for (const [name, value] of named.concat(Object.entries(additionalFields))) {
    if (value === undefined) continue;
    if (Object.hasOwn(wire, name)) throw invalid(`${name} is given twice`);
    if (value !== null && !Number.isInteger(value) && INTEGERS.test(name)) throw invalid(`${name} must be an integer`);
    wire[name] = value;
  }
  if (typeof wire.prompt !== "string") throw invalid("prompt must be a string");
  return wire;
}

/** @throws SDKValidationError for what JSON has no form for */
export function toJSON(wire: Record<string, unknown>): string {
  try {
    return JSON.stringify(wire);
  } catch (cause) {
    throw new SDKValidationError("Input", "the request has no form in JSON", wire, cause);
  }
}
