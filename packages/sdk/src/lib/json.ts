import { isRecord } from "../models/errors/envelope.ts";
import { SDKValidationError } from "../models/errors/sdkvalidationerror.ts";
import { type Attempt, refusal } from "./attempt.ts";
import { readBody } from "./body.ts";

/**
 * Reads a 2xx answer that must be a JSON object, whatever its content type calls it.
 * @param body what was sealed in the answer; left out, its own body
 * @throws APIError for an answer that is not JSON and does not claim to be (also an empty one), or an error envelope
 * @throws SDKValidationError for an answer that claims to be JSON and is not an object
 */
export async function readJSON(response: Response, attempt: Attempt, body?: string): Promise<Record<string, unknown>> {
  const text = body ?? new TextDecoder().decode(await readBody(response, attempt));
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
  if (json.error) throw refusal("API error occurred", response, text, attempt);
  return json;
}
