import { fromWire } from "../../../lib/wire.ts";
import type { Result } from "../../../types/fp.ts";
import { SDKValidationError } from "../../errors/sdkvalidationerror.ts";
import type { CreateImageResponse } from "../createimageresponse.ts";
import { pictureWithoutClient } from "./imagedata.ts";
import { parse, stringify } from "./parse.ts";

/** An answer in the server's form, for instance to keep it. */
export function createImageResponseToJSON(response: CreateImageResponse): string {
  return stringify(response);
}

/** Reads an answer in the server's form. A picture of it that is a URL has no `bytes()`. */
export function createImageResponseFromJSON(json: string): Result<CreateImageResponse, SDKValidationError> {
  return parse(json, (value) => {
    const { created, data, ...fields } = fromWire(value);
    if (!Array.isArray(data)) throw new SDKValidationError("Response", "data must be an array", value);
    const pictures = data.map((item: unknown) => pictureWithoutClient(item, fields.outputFormat));
    return { ...(typeof created === "number" && { created }), data: pictures, ...fields };
  });
}
