import type { FormPart } from "./edit-form.ts";
import { errors } from "./errors.ts";
import { parseHeaderValue } from "./header-value.ts";

/** RFC 2046 5.1.1: 1 to 70 of these characters, the last one no space. */
const BOUNDARY = /^[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]$/;
const MAX_PARTS = 128;
const MAX_HEADER_BYTES = 16 * 1024;
/** Lines that begin like a delimiter, but go on differently: data by RFC 2046, an attack in such numbers. */
const MAX_LOOKALIKES = 10_000;

const BLANK_LINE = "\r\n\r\n";
const CR = 0x0d;
const LF = 0x0a;
const SPACE = 0x20;
const TAB = 0x09;
const DASH = 0x2d;

/** The boundary in the parameters of a multipart content type. Throws ApiError 400 unless RFC 2046 allows it. */
export function readBoundary(contentType: string): string {
  const value = parseHeaderValue(contentType);
  if (!value) throw errors.malformedForm("the content type is malformed, or has a parameter twice");
  const boundary = value.parameters.get("boundary");
  if (boundary === undefined) throw errors.malformedForm("the content type has no boundary");
  if (!BOUNDARY.test(boundary)) throw errors.malformedForm("the boundary is invalid");
  return boundary;
}

interface Delimiter {
  /** Where the part before it ends. */
  readonly start: number;
  /** Where what follows it begins. */
  readonly end: number;
  /** Whether it closes the form. */
  readonly last: boolean;
}

/** Reads on from the boundary's last byte: dashes, white space, the line's end. Undefined when it is no delimiter. */
function readTail(body: Buffer, from: number): { end: number; last: boolean } | undefined {
  const last = body[from] === DASH && body[from + 1] === DASH;
  let at = last ? from + 2 : from;
  while (body[at] === SPACE || body[at] === TAB) at++;
  if (body[at] === CR && body[at + 1] === LF) return { end: at + 2, last };
  return last && at === body.length ? { end: at, last } : undefined;
}

/** The delimiters of a body in order, up to the closing one. Throws ApiError 400 when that never comes. */
function* delimiters(body: Buffer, boundary: string): Generator<Delimiter> {
  const mark = Buffer.from(`--${boundary}`, "latin1");
  const line = Buffer.from(`\r\n--${boundary}`, "latin1");
  let lookalikes = 0;
  let from = 0;
  while (true) {
    // Only the body's first line begins without a line break before it.
    const atTop = from === 0 && body.subarray(0, mark.length).equals(mark);
    const start = atTop ? 0 : body.indexOf(line, from);
    if (start === -1) throw errors.malformedForm("it ends before its closing boundary");
    const after = start + (atTop ? mark : line).length;
    const tail = readTail(body, after);
    if (!tail) {
      if (++lookalikes > MAX_LOOKALIKES) throw errors.malformedForm("its boundary occurs too often in its data");
      from = after;
      continue;
    }
    yield { start, ...tail };
    if (tail.last) return;
    from = tail.end - 2; // the line break of one delimiter may also begin the next
  }
}

function readHeaders(text: string): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  for (const line of text.replace(/\r\n[ \t]+/g, " ").split("\r\n")) {
    const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*:([^\r\n]*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) throw errors.malformedForm("a part has a malformed header");
    if (headers.has(name.toLowerCase())) throw errors.malformedForm("a part has a header twice");
    headers.set(name.toLowerCase(), value);
  }
  return headers;
}

function readPart(part: Buffer): FormPart {
  if (part[0] === CR && part[1] === LF) throw errors.malformedForm("a part has no name");
  const end = part.subarray(0, MAX_HEADER_BYTES).indexOf(BLANK_LINE);
  if (end === -1) throw errors.malformedForm("a part has no end of its headers, or too many of them");
  const headers = readHeaders(part.toString("utf8", 0, end));
  const disposition = parseHeaderValue(headers.get("content-disposition") ?? "");
  const name = disposition?.parameters.get("name");
  if (disposition?.essence !== "form-data" || name === undefined) throw errors.malformedForm("a part has no name");
  const encoding = headers.get("content-transfer-encoding")?.trim().toLowerCase() ?? "binary";
  if (!["7bit", "8bit", "binary"].includes(encoding))
    throw errors.malformedForm("a part has a transfer encoding, which forms do not have (RFC 7578, 4.7)");

  const data = part.subarray(end + BLANK_LINE.length);
  const mediaType = parseHeaderValue(headers.get("content-type") ?? "")?.essence;
  const { parameters } = disposition;
  const isFile = parameters.has("filename") || parameters.has("filename*") || mediaType?.startsWith("image/");
  if (isFile)
    return { name, value: data, mediaType, fileName: parameters.get("filename*") ?? parameters.get("filename") };
  try {
    return { name, value: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data), mediaType };
  } catch {
    throw errors.malformedForm("a text part is not valid UTF-8");
  }
}

/**
 * The parts of a multipart/form-data body, their files as views of it. Strict about delimiters, as RFC 2046 is: one
 * counts only at the start of a line and only when nothing but white space follows it there. Throws ApiError 400.
 */
export function parseMultipart(bytes: Uint8Array, boundary: string): FormPart[] {
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: FormPart[] = [];
  let begin: number | undefined;
  for (const { start, end } of delimiters(body, boundary)) {
    if (begin !== undefined) {
      if (parts.length === MAX_PARTS) throw errors.malformedForm(`it has more than ${MAX_PARTS} parts`);
      parts.push(readPart(body.subarray(begin, Math.max(begin, start))));
    }
    begin = end;
  }
  return parts;
}
