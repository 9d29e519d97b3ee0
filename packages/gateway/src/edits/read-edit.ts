import type { IncomingMessage } from "node:http";
import {
  type EditJob,
  type EditParseOptions,
  errors,
  parseEditForm,
  parseEditRequest,
  parseJsonObject,
} from "@atoma/contract";
import { parseMultipart, readBoundary } from "./multipart.ts";

/** Turns a whole body into a validated edit. Throws ApiError 400 or 404. */
export type EditReader = (body: Uint8Array, options: EditParseOptions) => EditJob;

const ACCEPTED = "multipart/form-data, application/json";
const COMMA = 0x2c;
/** A body may be large for its pictures' sake; a million little values in it would block the event loop. */
const MAX_COMMAS = 100_000;

function countsMoreThan(bytes: Uint8Array, byte: number, max: number): boolean {
  let at = bytes.indexOf(byte);
  for (let count = 0; at !== -1; at = bytes.indexOf(byte, at + 1)) if (++count > max) return true;
  return false;
}

function readJson(body: Uint8Array, options: EditParseOptions): EditJob {
  if (countsMoreThan(body, COMMA, MAX_COMMAS)) throw errors.tooManyValues();
  return parseEditRequest(parseJsonObject(body), options);
}

/** How a body of this content type is read. Throws ApiError 415, or 400 for a form without a usable boundary. */
export function chooseReader(headers: IncomingMessage["headers"]): EditReader {
  const type = headers["content-type"];
  const essence = type?.split(";", 1)[0]?.trim().toLowerCase();
  if (essence !== "application/json" && essence !== "multipart/form-data") {
    throw errors.unsupportedContentType(type, ACCEPTED);
  }
  const encoding = headers["content-encoding"];
  if (encoding !== undefined && encoding.toLowerCase() !== "identity") throw errors.unsupportedEncoding();
  if (type === undefined || essence === "application/json") return readJson;
  const boundary = readBoundary(type);
  return (body, options) => parseEditForm(parseMultipart(body, boundary), options);
}
