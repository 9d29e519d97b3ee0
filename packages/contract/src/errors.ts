import { ApiError } from "./api-error.ts";
import { list, typeName } from "./wording.ts";

/** What a client sent, cut so that an error stays readable, and well-formed: half a character makes JSON that many parsers refuse. */
function shown(value: string): string {
  return (value.length > 200 ? `${value.slice(0, 200)}…` : value).toWellFormed();
}

/** A number as an error shows it. Beyond 2^53 what was sent is not what was read, and 1e400 is read as infinity. */
function shownNumber(value: number): string {
  if (Math.abs(value) <= Number.MAX_SAFE_INTEGER) return String(value);
  const most = Number.isFinite(value) ? Number.MAX_SAFE_INTEGER : "1e308";
  return `a number ${value < 0 ? "below -" : "above "}${most}`;
}

/** How many models an error names, and how long their names may be together. */
const MAX_MODELS = 10;
const MAX_MODELS_LENGTH = 500;

/** The first of some models, to be named in a message; empty for none. */
function someOf(models: readonly string[]): string {
  let length = 0;
  const named = models.slice(0, MAX_MODELS).filter((name) => {
    length += name.length;
    return length <= MAX_MODELS_LENGTH;
  });
  if (named.length === 0) return "";
  const names = named.map((name) => `'${name}'`).join(", ");
  return named.length < models.length
    ? ` Some of the ${models.length} models that you may use: ${names}.`
    : ` Models that you may use: ${names}.`;
}

const bad = (message: string, param: string | null, code: string | null) => new ApiError(400, message, { param, code });

/** Codes of refused requests (400) that the catalogue has. What a node says of a request is told on with one of these only. */
export const REFUSAL_CODES: ReadonlySet<string> = new Set([
  "array_above_max_length",
  "decimal_above_max_value",
  "decimal_below_min_value",
  "duplicate_parameter",
  "empty_array",
  "empty_image_file",
  "empty_string",
  "image_file_too_large",
  "image_too_large",
  "integer_above_max_value",
  "integer_below_min_value",
  "invalid_header",
  "invalid_image_file",
  "invalid_input_fidelity_model",
  "invalid_png_output_compression",
  "invalid_type",
  "invalid_value",
  "missing_required_parameter",
  "string_above_max_length",
  "unknown_parameter",
  "unsupported_file_mimetype",
  "unsupported_parameter",
]);

/** Every error of the system, by name. Wordings are those of the live OpenAI API where it has the error. */
export const errors = {
  missingParameter: (param: string) =>
    bad(`Missing required parameter: '${param}'.`, param, "missing_required_parameter"),
  unknownParameter: (param: string) => bad(`Unknown parameter: '${shown(param)}'.`, shown(param), "unknown_parameter"),
  /** `expected` reads like "a string" or "one of 'a' or 'b'". */
  invalidType: (param: string, expected: string, value: unknown) =>
    bad(
      `Invalid type for '${param}': expected ${expected}, but got ${typeName(value)} instead.`,
      param,
      "invalid_type",
    ),
  /** A form's text that is no `expected`, which reads like "an integer". */
  notConvertible: (param: string, expected: string) =>
    bad(
      `Invalid type for '${param}': expected ${expected}, but got a string value that could not be converted into ${expected}.`,
      param,
      "invalid_type",
    ),
  emptyArray: (param: string) =>
    bad(
      `Invalid '${param}': empty array. Expected an array with minimum length 1, but got an empty array instead.`,
      param,
      "empty_array",
    ),
  arrayTooLong: (param: string, max: number, length: number) =>
    bad(
      `Invalid '${param}': array too long. Expected an array with maximum length ${max}, but got an array with length ${length} instead.`,
      param,
      "array_above_max_length",
    ),
  /** A field of the other encoding of the same request; `hint` names the right one. */
  otherEncoding: (param: string, hint: string) => bad(`Unknown parameter: '${param}'. ${hint}`, param, "invalid_value"),
  emptyString: (param: string) =>
    bad(
      `Invalid '${param}': empty string. Expected a string with minimum length 1, but got an empty string instead.`,
      param,
      "empty_string",
    ),
  stringTooLong: (param: string, max: number, length: number) =>
    bad(
      `Invalid '${param}': string too long. Expected a string with maximum length ${max}, but got a string with length ${length} instead.`,
      param,
      "string_above_max_length",
    ),
  belowMinimum: (param: string, kind: "integer" | "decimal", min: number, value: number) =>
    bad(
      `Invalid '${param}': ${kind} below minimum value. Expected a value >= ${min}, but got ${shownNumber(value)} instead.`,
      param,
      `${kind}_below_min_value`,
    ),
  aboveMaximum: (param: string, kind: "integer" | "decimal", max: number, value: number) =>
    bad(
      `Invalid '${param}': ${kind} above maximum value. Expected a value <= ${max}, but got ${shownNumber(value)} instead.`,
      param,
      `${kind}_above_max_value`,
    ),
  invalidValue: (param: string, value: string, supported: readonly string[]) =>
    bad(`Invalid value: '${shown(value)}'. Supported values are: ${list(supported, "and")}.`, param, "invalid_value"),
  invalidSize: (size: string, reason: string) =>
    bad(`Invalid size '${shown(size)}'. ${reason}`, "size", "invalid_value"),
  conflict: (param: string, message: string) => bad(message, param, "invalid_value"),
  transparentJpeg: () =>
    bad("Transparent background is not supported for JPEG output format", "background", "invalid_value"),
  pngCompression: () =>
    bad(
      "Output compression below 100 is not supported for PNG output format.",
      "output_compression",
      "invalid_png_output_compression",
    ),
  noTransparency: () => bad("Transparent background is not supported for this model.", "background", "invalid_value"),
  unsupported: (param: string, message: string) => bad(message, param, "unsupported_parameter"),
  noEdits: (model: string) =>
    bad(`The model '${shown(model)}' does not support image edits.`, "model", "invalid_value"),
  inputFidelity: (model: string) =>
    bad(
      `The model '${shown(model)}' does not support the 'input_fidelity' parameter.`,
      "input_fidelity",
      "invalid_input_fidelity_model",
    ),
  /** A picture whose header was right; `param` is "image" for the only one, "mask", or null for one of several. */
  undecodableImage: (param: string | null) => {
    if (param === "mask") return errors.invalidImageFile("mask", "the mask");
    return errors.invalidImageFile("image", param === "image" ? "image 1" : "one of the images");
  },
  /** `which` reads like "image 1" or "the mask". */
  invalidImageFile: (param: string, which: string) =>
    bad(`Invalid image file or mode for ${which}, please check your image file.`, param, "invalid_image_file"),
  maskWithoutAlpha: (param: string) =>
    bad("Invalid mask image format - mask image missing alpha channel", param, "invalid_image_file"),
  unsupportedMimeType: (param: string, type: string, supported: readonly string[]) =>
    bad(
      `Invalid file '${param}': unsupported mimetype ('${shown(type)}'). Supported file formats are ${list(supported, "and")}.`,
      param,
      "unsupported_file_mimetype",
    ),
  emptyImageFile: (param: string) => bad(`Invalid file '${param}': the file is empty.`, param, "empty_image_file"),
  imageFileTooLarge: (param: string, limit: number) =>
    bad(`Invalid file '${param}': it must be smaller than ${limit} bytes.`, param, "image_file_too_large"),
  imageTooLarge: (param: string, size: string, maxPixels: number) =>
    bad(`Invalid image '${param}': ${size} pixels are more than the limit of ${maxPixels}.`, param, "image_too_large"),
  /** A member of a JSON object, or a field of a form, that can have one value and was sent with two. */
  repeatedParameter: (param: string) =>
    bad(`Invalid body: '${shown(param)}' is there more than once.`, shown(param), "duplicate_parameter"),
  repeatedQuery: (param: string) =>
    bad(`The query parameter '${shown(param)}' is there more than once.`, shown(param), "duplicate_parameter"),
  malformedForm: (reason: string) =>
    bad(`We could not parse the multipart form of your request: ${reason}.`, null, null),
  /** More of what takes long to look at than any request needs: values, escapes in strings, blanks between values. */
  tooManyValues: () => bad("Invalid body: the JSON has too many values, escapes or blanks.", null, null),
  emptyBody: () => bad("We could not parse the JSON body of your request: the body is empty.", null, null),
  notUtf8: () =>
    bad(
      "We could not parse the JSON body of your request: it is not valid UTF-8. (HINT: Your HTTP library sends text in another encoding. In Windows PowerShell 5 pass the body as bytes: [Text.Encoding]::UTF8.GetBytes($json).)",
      null,
      null,
    ),
  notJson: () =>
    bad(
      "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library correctly. The API expects a JSON payload, but what was sent was not valid JSON.)",
      null,
      null,
    ),
  notAnObject: (value: unknown) =>
    bad(`Invalid body: the request must be a JSON object, but got ${typeName(value)} instead.`, null, null),
  tooDeep: () => bad("We could not parse the JSON body of your request: it is nested too deeply.", null, null),
  invalidHeader: (name: string, expected: string) =>
    bad(`Invalid header '${name}': expected ${expected}.`, null, "invalid_header"),
  badRequest: (message: string) => bad(message, null, null),
  /** `code` is the node's own, and is told on where it is one of ours. */
  refusedByNode: (code: string | null, param: string | null) =>
    bad("The node refused this request as invalid.", param, code !== null && REFUSAL_CODES.has(code) ? code : null),
  moderationBlocked: () =>
    new ApiError(400, "Your request was rejected by the safety system.", {
      type: "image_generation_user_error",
      code: "moderation_blocked",
    }),

  missingKey: () =>
    new ApiError(
      401,
      "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
      { headers: { "www-authenticate": "Bearer" } },
    ),
  /** A header for the key that is there, and of another form than Bearer auth; `fault` says which, and shows nothing of it. */
  malformedKey: (header: string, fault: string) =>
    new ApiError(
      401,
      `The ${header} header ${fault}. Send your API key using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).`,
      { headers: { "www-authenticate": "Bearer" } },
    ),
  /** `masked` shows at most a few characters of what was sent. */
  invalidKey: (masked: string) =>
    new ApiError(401, `Incorrect API key provided: ${masked}.`, {
      code: "invalid_api_key",
      headers: { "www-authenticate": "Bearer" },
    }),
  /** A key that is right and good no longer; `fault` reads like "has expired". */
  endedKey: (masked: string, fault: string) =>
    new ApiError(401, `The API key provided ${fault}: ${masked}.`, {
      code: "invalid_api_key",
      headers: { "www-authenticate": "Bearer" },
    }),
  /** A link that signs in once. */
  endedSignInLink: () =>
    new ApiError(401, "This sign-in link was used before, has expired, or is none of this server's.", {
      code: "invalid_api_key",
    }),
  insufficientQuota: () =>
    new ApiError(402, "Your account's balance of compute units is too low for this request.", {
      type: "insufficient_quota",
      code: "insufficient_quota",
      shouldRetry: false,
    }),
  /** More than the key may ever have, so that waiting cannot help. */
  aboveKeyLimit: (limit: number, n: number) =>
    new ApiError(
      400,
      `Invalid 'n': this API key's limit of ${limit} a minute can never let ${n} pass at once. Waiting does not help.`,
      { param: "n", code: "integer_above_max_value", shouldRetry: false },
    ),
  permissionDenied: (message: string, param: string | null = null) =>
    new ApiError(403, message, { code: "permission_denied", param }),
  /** `usable` are the models that the caller may use. */
  modelNotFound: (model: string, usable: readonly string[] = []) =>
    new ApiError(404, `The model '${shown(model)}' does not exist.${someOf(usable)}`, {
      param: "model",
      code: "model_not_found",
    }),
  /** `meant` is the path that was probably meant. */
  invalidUrl: (method: string, path: string, meant?: string) =>
    new ApiError(
      404,
      `Invalid URL (${method} ${shown(path)})${meant === undefined ? "" : `. You probably meant ${shown(meant)}`}`,
    ),
  fileNotFound: () => new ApiError(404, "This file does not exist."),
  requestNotFound: () => new ApiError(404, "There is no such request.", { code: "request_not_found" }),
  requestGone: () =>
    new ApiError(410, "This request was cancelled, or its pictures are kept no longer.", { code: "request_gone" }),
  requestIdReused: () =>
    new ApiError(422, "This request id came before with a different body.", { code: "request_id_reused" }),
  noNode: (name: string) =>
    new ApiError(404, `There is no node '${shown(name)}'.`, { param: "name", code: "node_not_found" }),
  fileExpired: () => new ApiError(410, "This file has expired."),
  rangeNotSatisfiable: (size: number) =>
    new ApiError(416, "The range lies outside of the file.", { headers: { "content-range": `bytes */${size}` } }),
  noWebhook: () => new ApiError(404, "This key has no webhook.", { code: "webhook_not_found" }),
  jobNotFound: () => new ApiError(404, "This generation does not exist.", { param: "id" }),
  invalidMethod: (method: string, path: string, allow: string) =>
    new ApiError(405, `Invalid method for URL (${method} ${shown(path)})`, { headers: { allow } }),
  requestTimeout: () =>
    new ApiError(408, "The request was not received in time.", {
      code: "request_timeout",
      headers: { connection: "close" },
    }),
  idempotencyInProgress: (retryAfterMs: number, endsWithinMs: number) =>
    new ApiError(
      409,
      `A request with this idempotency key is still running. It ends within ${Math.ceil(endsWithinMs / 1000)} s at the latest.`,
      { code: "idempotency_in_progress", retryAfterMs },
    ),
  bodyTooLarge: (limit: number) =>
    new ApiError(413, `Maximum content size limit (${limit} bytes) exceeded.`, {
      code: "request_too_large",
      headers: { connection: "close" },
    }),
  unsupportedContentType: (value: string | undefined, accepted: string) =>
    new ApiError(
      415,
      value === undefined
        ? `Missing content type. Use '${accepted}'.`
        : `Unsupported content type: '${shown(value)}'. Use '${accepted}'.`,
      { code: "unsupported_content_type", headers: { "accept-post": accepted } },
    ),
  unsupportedEncoding: (encoding: string) =>
    new ApiError(415, `Unsupported content encoding: '${shown(encoding)}'. Send the body as it is, without one.`, {
      code: "unsupported_content_type",
    }),
  /** A header field that decides, and has one value, stands twice. */
  repeatedHeader: (name: string) => bad(`The header '${name}' is there more than once.`, null, "invalid_header"),
  idempotencyKeyReused: () =>
    new ApiError(422, "This idempotency key was used before with a different request body.", {
      code: "idempotency_key_reused",
    }),
  rateLimited: (message: string, retryAfterMs: number, headers: Readonly<Record<string, string>> = {}) =>
    new ApiError(429, message, { type: "requests", code: "rate_limit_exceeded", retryAfterMs, headers }),
  tooManyJobs: (limit: number) =>
    new ApiError(429, `${limit} generations of your account wait already.`, {
      type: "requests",
      code: "rate_limit_exceeded",
      retryAfterMs: 5000,
    }),
  headersTooLarge: () =>
    new ApiError(431, "The request line and the headers are too large together.", {
      code: "headers_too_large",
      headers: { connection: "close" },
    }),
  clientClosed: () => new ApiError(499, "The client closed the connection."),

  internal: (cause?: unknown) => new ApiError(500, "The server had an error while processing your request.", { cause }),
  nodeUnreachable: (cause?: unknown) =>
    new ApiError(500, "Failed to connect to the node", { code: "node_unreachable", cause }),
  nodeBadResponse: (cause?: unknown) =>
    new ApiError(500, "The node could not make the picture.", { code: "node_bad_response", cause }),
  generationFailed: (cause?: unknown) =>
    new ApiError(500, "The model process failed while making the picture.", { code: "generation_failed", cause }),
  interrupted: () =>
    new ApiError(500, "The server that ran this generation ended before it was finished. Nothing was charged.", {
      code: "interrupted",
    }),
  overloaded: (retryAfterMs: number, cause?: unknown) =>
    new ApiError(503, "No node has capacity for this request now. Try again soon.", {
      code: "overloaded",
      retryAfterMs,
      cause,
    }),
  queueFull: (retryAfterMs: number) =>
    new ApiError(429, "The queue of this node is full. Try again soon.", {
      type: "requests",
      code: "queue_full",
      retryAfterMs,
    }),
  starting: (retryAfterMs: number) =>
    new ApiError(503, "The model is starting. Try again soon.", { code: "overloaded", retryAfterMs }),
  outOfMemory: (cause?: unknown) =>
    new ApiError(503, "The node has not enough memory for this picture now. Try a smaller one, or try again soon.", {
      code: "overloaded",
      retryAfterMs: 5000,
      cause,
    }),
  shuttingDown: () =>
    new ApiError(503, "The server is shutting down. Try again.", {
      code: "shutting_down",
      retryAfterMs: 1000,
      // On a new connection the next attempt finds another server, where there is one.
      headers: { connection: "close" },
    }),
  /** More uploads than the server's memory takes at once. */
  uploadsFull: (retryAfterMs: number) =>
    new ApiError(503, "Too many uploads are under way now. Try again soon.", { code: "overloaded", retryAfterMs }),
  databaseAway: (cause?: unknown) =>
    new ApiError(503, "The ledger cannot be reached or written now. Try again soon.", {
      code: "overloaded",
      retryAfterMs: 2000,
      cause,
    }),
  holdReleased: () =>
    new ApiError(
      503,
      "The units held for this request were released before it ended. Nothing was charged. Try again.",
      {
        code: "interrupted",
        retryAfterMs: 1000,
      },
    ),
  filesAway: (cause?: unknown) =>
    new ApiError(503, "The store of pictures cannot be reached or written now. Try again soon.", {
      code: "overloaded",
      retryAfterMs: 2000,
      cause,
    }),
  generationTimeout: () =>
    new ApiError(504, "The picture was not finished in time.", { code: "timeout", shouldRetry: false }),
} as const;
