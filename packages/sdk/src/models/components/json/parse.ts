import { wireName } from "../../../lib/wire.ts";
import { ERR, OK, type Result } from "../../../types/fp.ts";
import { isRecord } from "../../errors/envelope.ts";
import { SDKValidationError } from "../../errors/sdkvalidationerror.ts";

/** Parses a JSON object and reads it. What `read` throws is the error, if it is an SDKValidationError. */
export function parse<T>(text: string, read: (value: Record<string, unknown>) => T): Result<T, SDKValidationError> {
  try {
    const value: unknown = JSON.parse(text);
    if (!isRecord(value)) throw new SDKValidationError("Input", "must be a JSON object", value);
    return OK(read(value));
  } catch (error) {
    if (error instanceof SDKValidationError) return ERR(error);
    return ERR(new SDKValidationError("Input", "must be JSON", text));
  }
}

/** The JSON of a value under the names of the wire: the inverse of `fromWire`. */
export function stringify(value: unknown): string {
  return JSON.stringify(namedForWire(value));
}

/** Fields whose own fields have names of the wire too. */
const ENTERED = /^(data|usage|(in|out)putTokensDetails)$/;

function namedForWire(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(namedForWire);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [wireName(name), ENTERED.test(name) ? namedForWire(field) : field]),
  );
}
