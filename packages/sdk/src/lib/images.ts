import type { CreateImageResponse } from "../models/components/createimageresponse.ts";
import { type Download, ImageData } from "../models/components/imagedata.ts";
import { APIError } from "../models/errors/apierror.ts";
import { isRecord } from "../models/errors/envelope.ts";
import { SDKValidationError } from "../models/errors/sdkvalidationerror.ts";
import { unwrap } from "../types/fp.ts";
import type { Attempt } from "./attempt.ts";
import { readBody, whole } from "./body.ts";
import { startCall } from "./call.ts";
import { parseURL } from "./config.ts";
import { readJSON } from "./json.ts";
import { fromWire } from "./wire.ts";

/**
 * Reads the pictures of a 2xx answer.
 * @throws SDKValidationError when there is none in it, besides what `readJSON` throws
 */
export async function readImages(response: Response, attempt: Attempt): Promise<CreateImageResponse> {
  return asImages(await readJSON(response, attempt), attempt);
}

/**
 * The pictures of an answer that is parsed.
 * @throws SDKValidationError when there is none in it
 */
export function asImages(json: Record<string, unknown>, attempt: Attempt): CreateImageResponse {
  const { created, data, ...fields } = fromWire(json);
  const invalid = (message: string) => new SDKValidationError("Response", message, json);
  if (!Array.isArray(data) || data.length === 0) throw invalid("data must be an array of at least one picture");
  const download = downloader(attempt);
  // A picture is not lost for what stands beside it.
  const pictures = data.map(
    (item: unknown) => new ImageData(isRecord(item) ? item : {}, download, fields.outputFormat),
  );
  if (!pictures.some((picture) => picture.b64Json || picture.url)) throw invalid("no item of data has b64_json or url");
  const seconds = Math.floor(Number(String(created))); // of a number, or of a string that holds one
  return { ...(seconds > 0 && { created: seconds }), data: pictures, ...fields };
}

/** Fetches pictures with the client, the options and the limits of the call that they came from. */
export function downloader({ client, options, maxBytes, request }: Attempt): Download {
  const { serverURL, retries } = options;
  return async (url, limits) => {
    const result = await startCall(
      client,
      () => {
        const path = parseURL(url, request.url);
        if (!path) throw new SDKValidationError("Response", "the url of the picture cannot be read", url);
        return {
          method: "GET",
          path,
          accept: "image/*",
          async read(response, { deadline }) {
            const body = await readBody(response, deadline, maxBytes);
            const bytes = new Uint8Array(await whole(body.arrayBuffer(), deadline));
            if (bytes.length > 0 && !/html|json/i.test(response.headers.get("content-type") ?? "")) return bytes;
            throw new APIError("Unexpected API response, no picture", response);
          },
        };
      },
      { serverURL, retries, ...limits },
    );
    return unwrap(result);
  };
}
