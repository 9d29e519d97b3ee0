import { isRecord } from "../models/errors/envelope.ts";
import { SDKValidationError } from "../models/errors/sdkvalidationerror.ts";
import { wireName } from "./wire.ts";

const INTEGERS = /^(n|seed|(num_inference_)?steps|width|height|output_compression|partial_images)$/;

/**
 * The fields of a request as they go on the wire, in their order. The rest is the server's to know.
 * @throws SDKValidationError without a prompt, for a count that is not an integer, or a field that is given twice
 */
export function toWire(request: object): Record<string, unknown> {
  const check = (isRight: boolean, message: string) => {
    if (!isRight) throw new SDKValidationError("Input", message, request);
  };
  check(isRecord(request), "the request must be an object");
  const { additionalFields = {}, ...fields } = request as Record<string, unknown>; // looked at in the line above
  check(isRecord(additionalFields), "additionalFields must be an object");
  const named = Object.entries(fields).map(([name, value]): [string, unknown] => [wireName(name), value]);
  const wire: Record<string, unknown> = {};
  for (const [name, value] of named.concat(Object.entries(Object(additionalFields)))) {
    if (value === undefined) continue;
    check(!Object.hasOwn(wire, name), `${name} is given twice`);
    check(!INTEGERS.test(name) || value === null || Number.isInteger(value), `${name} must be an integer`);
    wire[name] = value;
  }
  check(typeof wire.prompt === "string", "prompt must be a string");
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
