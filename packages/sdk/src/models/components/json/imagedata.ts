import { fromWire } from "../../../lib/wire.ts";
import type { Result } from "../../../types/fp.ts";
import { isRecord } from "../../errors/envelope.ts";
import { InvalidRequestError } from "../../errors/invalidrequesterror.ts";
import type { SDKValidationError } from "../../errors/sdkvalidationerror.ts";
import { ImageData } from "../imagedata.ts";
import { parse, stringify } from "./parse.ts";

/** A picture in the server's form. */
export function imageDataToJSON(image: ImageData): string {
  return stringify(image);
}

/** Reads a picture in the server's form. One that is a URL has no `bytes()`. */
export function imageDataFromJSON(json: string): Result<ImageData, SDKValidationError> {
  return parse(json, (value) => pictureWithoutClient(fromWire(value)));
}

/** A picture that was read from JSON. There is no client that could fetch its URL. */
export function pictureWithoutClient(item: unknown, format?: unknown): ImageData {
  return new ImageData(isRecord(item) ? item : {}, refuseDownload, format);
}

async function refuseDownload(): Promise<never> {
  throw new InvalidRequestError("A picture that was read from JSON has no client: fetch its url yourself");
}
