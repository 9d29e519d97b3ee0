import { APIError } from "../models/errors/apierror.ts";
import { isRecord } from "../models/errors/envelope.ts";
import { SDKValidationError } from "../models/errors/sdkvalidationerror.ts";
import type { Attempt } from "./attempt.ts";
import { ERROR_BODY_LENGTH, readBody, whole } from "./body.ts";

/**
 * Reads a 2xx answer that must be a JSON object, whatever its content type calls it.
 * @throws APIError for an empty answer, one that is not JSON and does not claim to be, or an error envelope
 * @throws SDKValidationError for an answer that claims to be JSON and is not an object
 */
export async function readJSON(response: Response, attempt: Attempt): Promise<Record<string, unknown>> {
  const { deadline, maxBytes } = attempt;
  return parseJSON(await whole((await readBody(response, deadline, maxBytes)).text(), deadline), response, attempt);
}

/** Parses what stands in an answer's body, or was sealed in it. Throws as `readJSON`. */
export function parseJSON(text: string, response: Response, attempt: Attempt): Record<string, unknown> {
  const unexpected = (message: string) =>
    new APIError(message, response, attempt.redact(text.slice(0, ERROR_BODY_LENGTH)));
  if (text.trim() === "") throw unexpected("Unexpected API response, an empty body");
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    if (!isJSON(response)) throw unexpected("Unexpected API response, not JSON");
    throw new SDKValidationError("Response", "the body is not JSON", text, cause);
  }
  if (!isRecord(json)) throw new SDKValidationError("Response", "the body is not a JSON object", json);
  if (json.error) throw unexpected("API error occurred");
  return json;
}

export function isJSON(response: Response): boolean {
  return /[/+]json\b/i.test(response.headers.get("content-type") ?? "");
}
