import type { CreateImageResponse } from "../models/components/createimageresponse.ts";
import { type Download, ImageData } from "../models/components/imagedata.ts";
import { isRecord } from "../models/errors/envelope.ts";
import { SDKValidationError } from "../models/errors/sdkvalidationerror.ts";
import { unwrap } from "../types/fp.ts";
import type { Attempt } from "./attempt.ts";
import { refusal } from "./attempt-error.ts";
import { readBody } from "./body.ts";
import { startCall } from "./call.ts";
import { parseURL } from "./config.ts";
import { readJSON } from "./json.ts";
import { fromWire } from "./wire.ts";

/**
 * Reads the pictures of a 2xx answer.
 * @param body as for `readJSON`
 * @throws SDKValidationError when there is none in it, besides what `readJSON` throws
 */
export async function readImages(response: Response, attempt: Attempt, body?: string): Promise<CreateImageResponse> {
  return readPictures(await readJSON(response, attempt, body), attempt);
}

/**
 * The pictures of an answer.
 * @throws SDKValidationError when there is none in it
 */
export function readPictures(json: Record<string, unknown>, attempt: Attempt): CreateImageResponse {
  const { created, data, ...fields } = fromWire(json);
  const download = downloader(attempt);
  // A picture is not lost for what stands beside it.
  const toPicture = (item: unknown) => new ImageData(isRecord(item) ? item : {}, download, fields.outputFormat);
  const pictures = Array.isArray(data) ? data.map(toPicture) : [];
  if (!pictures.some((picture) => picture.b64Json || picture.url)) {
    throw new SDKValidationError("Response", "data must be an array of pictures, with b64_json or url", json);
  }
  const seconds = Math.floor(Number(String(created))); // of a number, or of a string that holds one
  return { ...(seconds > 0 && { created: seconds }), data: pictures, ...fields };
}

/** Fetches pictures with the client, the options and the limits of the call that they came from. */
export function downloader({ client, options, request }: Attempt): Download {
  const { serverURL, retries, maxResponseBytes } = options;
  return (url, limits) => {
    const prepare = () => {
      const path = url && parseURL(url, request.url);
      if (!path) throw new SDKValidationError("Response", "a picture has no b64_json and no url that can be read", url);
      const read = async (response: Response, attempt: Attempt) => {
        const bytes = new Uint8Array(await readBody(response, attempt));
        if (bytes.length > 0 && !/html|json/i.test(response.headers.get("content-type") ?? "")) return bytes;
        throw refusal("Unexpected API response, no picture", response, "", attempt);
      };
      return { path, accept: "image/*", read };
    };
    return startCall(client, prepare, { serverURL, retries, maxResponseBytes, ...limits }).then(unwrap);
  };
}
