import { errors, MEDIA_TYPES } from "@atoma/contract";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Context } from "../context.ts";
import { cutSlowReader } from "../http/slow-readers.ts";
import { parseFileName } from "./file-name.ts";

const RANGE = /^bytes=(\d*)-(\d*)$/i;

/** One byte range of a file; "unsatisfiable", or undefined for anything to be answered with the whole file. */
function readRange(
  header: string | undefined,
  size: number,
): { start: number; end: number } | "unsatisfiable" | undefined {
  const match = RANGE.exec(header ?? "");
  const [, first = "", last = ""] = match ?? [];
  if (!match || (first === "" && last === "")) return undefined;
  const start = first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === "" || last === "" ? size - 1 : Math.min(Number(last), size - 1);
  if (start >= size || (first === "" && Number(last) === 0)) return "unsatisfiable";
  return end < start ? undefined : { start, end };
}

function matches(header: string | undefined, etag: string): boolean {
  return (
    header !== undefined && (header === "*" || header.split(",").some((t) => t.trim().replace(/^W\//, "") === etag))
  );
}

/** `GET` and `HEAD /v1/images/files/{name}`: the name is the secret, so no key is asked for. */
export function imageFiles(context: Context) {
  return async (request: FastifyRequest<{ Params: { name: string } }>, reply: FastifyReply): Promise<FastifyReply> => {
    const { name } = request.params;
    const parsed = parseFileName(name);
    if (!parsed) throw errors.fileNotFound();
    if (parsed.expiresAtMs <= context.clock.now()) throw errors.fileExpired();
    const file = await context.files.get(name);
    if (!file) throw errors.fileNotFound();

    // A name is never used again for other bytes, so it serves as their tag.
    const etag = `"${name}"`;
    const unchanged = matches(request.headers["if-none-match"], etag);
    const ifRange = request.headers["if-range"];
    // Ranges are defined for GET alone (RFC 9110 14.2).
    const whole = unchanged || request.method !== "GET" || (ifRange !== undefined && ifRange !== etag);
    const range = whole ? undefined : readRange(request.headers.range, file.size);
    if (range === "unsatisfiable") throw errors.rangeNotSatisfiable(file.size);
    reply.headers({
      "content-type": MEDIA_TYPES[parsed.format],
      etag,
      "accept-ranges": "bytes",
      "cache-control": "private, immutable, max-age=3600",
      "content-disposition": `inline; filename="${name}"`,
    });
    if (unchanged) return reply.code(304).send();
    const length = range ? range.end - range.start + 1 : file.size;
    reply.code(range ? 206 : 200).header("content-length", String(length));
    if (range) reply.header("content-range", `bytes ${range.start}-${range.end}/${file.size}`);
    if (request.method === "HEAD") return reply.send("");
    const content = await file.open(range);
    cutSlowReader(reply.raw, context.readerLimits, context.clock);
    return reply.send(content);
  };
}
