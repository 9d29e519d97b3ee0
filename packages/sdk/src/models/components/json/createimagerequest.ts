import { toJSON, toWire } from "../../../lib/input.ts";
import { fromWire } from "../../../lib/wire.ts";
import type { Result } from "../../../types/fp.ts";
import type { SDKValidationError } from "../../errors/sdkvalidationerror.ts";
import type { CreateImageRequest } from "../createimagerequest.ts";
import { parse } from "./parse.ts";

/**
 * A request as it goes on the wire.
 * @throws SDKValidationError when it cannot be sent
 */
export function createImageRequestToJSON(request: CreateImageRequest): string {
  return toJSON(toWire(request));
}

/** Reads a request that was on the wire. */
export function createImageRequestFromJSON(json: string): Result<CreateImageRequest, SDKValidationError> {
  return parse(json, (value) => {
    const { prompt } = toWire(value);
    return { ...fromWire(value), prompt: String(prompt) };
  });
}
