import type { FormPart } from "./edit-form.ts";
import type { EditJob } from "./edit-job.ts";
import { errors } from "./errors.ts";
import { parseMultipart, readBoundary } from "./multipart.ts";
import { type EditParseOptions, parseEditForm, parseEditRequest } from "./parse-edit-request.ts";
import { parseJsonObject } from "./parse-json.ts";

/** The body of an edit, taken apart. */
export interface EditBody {
  /** SHA-256 of what it says: the same for two sendings of one form, whose boundaries differ. Computed off the event loop. */
  digest(): Promise<Uint8Array>;
  /** Throws ApiError 400 or 404. */
  toJob(options: EditParseOptions): EditJob;
}

/** Takes a whole body apart. Throws ApiError 400. */
export type EditBodyReader = (body: Uint8Array) => EditBody;

/** What the body of an edit may be. */
export const EDIT_MEDIA_TYPES = "multipart/form-data, application/json";
const COMMA = 0x2c;
/** A body may be large for its pictures' sake; a million little values in it would block the event loop. */
const MAX_COMMAS = 100_000;

function countsMoreThan(bytes: Uint8Array, byte: number, max: number): boolean {
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = body.indexOf(byte);
  for (let count = 0; at !== -1; at = body.indexOf(byte, at + 1)) if (++count > max) return true;
  return false;
}

const sha256 = async (bytes: Uint8Array) =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>)); // bodies are never shared memory

async function digestForm(parts: readonly FormPart[]): Promise<Uint8Array> {
  const described: unknown[] = [];
  for (const { name, mediaType, value } of parts) {
    const said = typeof value === "string" ? value : Buffer.from(await sha256(value)).toString("hex");
    described.push([name, mediaType ?? null, typeof value, said]);
  }
  return sha256(new TextEncoder().encode(JSON.stringify(described)));
}

function readJson(body: Uint8Array): EditBody {
  if (countsMoreThan(body, COMMA, MAX_COMMAS)) throw errors.tooManyValues();
  const fields = parseJsonObject(body);
  return { digest: () => sha256(body), toJob: (options) => parseEditRequest(fields, options) };
}

function readForm(body: Uint8Array, boundary: string): EditBody {
  const parts = parseMultipart(body, boundary);
  return {
    digest: () => digestForm(parts),
    toJob: (options) => parseEditForm(parts, options),
  };
}

/**
 * How the body of an edit with these headers is read: as JSON or as a form. Throws ApiError 415, or 400 for a form without a
 * usable boundary.
 */
export function chooseEditReader(headers: {
  readonly "content-type"?: string | undefined;
  readonly "content-encoding"?: string | undefined;
}): EditBodyReader {
  const type = headers["content-type"];
  const essence = type?.split(";", 1)[0]?.trim().toLowerCase();
  if (type === undefined || (essence !== "application/json" && essence !== "multipart/form-data")) {
    throw errors.unsupportedContentType(type, EDIT_MEDIA_TYPES);
  }
  const encoding = headers["content-encoding"];
  if (encoding !== undefined && encoding.toLowerCase() !== "identity") throw errors.unsupportedEncoding(encoding);
  if (essence === "application/json") return readJson;
  const boundary = readBoundary(type);
  return (body) => readForm(body, boundary);
}
