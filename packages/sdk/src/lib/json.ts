import { isRecord } from "../models/errors/envelope.ts";
import { SDKValidationError } from "../models/errors/sdkvalidationerror.ts";
import type { Attempt } from "./attempt.ts";
import { refusal } from "./attempt-error.ts";
import { readBody } from "./body.ts";

type JSONObject = Record<string, unknown>;

/**
 * Reads a 2xx answer that must be a JSON object, whatever its content type calls it.
 * @param body what was sealed in the answer, or was read from it before; left out, its own body
 * @throws APIError for an error envelope, besides what `parseObject` throws
 */
export async function readJSON(response: Response, attempt: Attempt, body?: string): Promise<JSONObject> {
  const text = body ?? (await readText(response, attempt));
  const json = parseObject(text, response, attempt);
  if (json.error) throw refusal("API error occurred", response, text, attempt);
  return json;
}

/** Made once, since making one takes longer than most answers do to decode. */
let utf8: TextDecoder | undefined;

/** Reads a whole body as UTF-8. Throws as `readBody`. */
export async function readText(response: Response, attempt: Attempt): Promise<string> {
  const bytes = await readBody(response, attempt);
  utf8 ??= new TextDecoder();
  return utf8.decode(bytes);
}

/**
 * @throws APIError for a text that is not JSON and does not claim to be (also an empty one), SDKValidationError for one that
 * claims to be JSON and is not an object
 */
export function parseObject(text: string, response: Response, attempt: Attempt): JSONObject {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    const isJSON = text.trim() && /[/+]json\b/i.test(response.headers.get("content-type") ?? "");
    throw isJSON
      ? new SDKValidationError("Response", "the body is not JSON", text, { cause })
      : refusal("Unexpected API response, not JSON", response, text, attempt);
  }
  if (!isRecord(json)) throw new SDKValidationError("Response", "the body is not a JSON object", json);
  return json;
}
