import { REQUEST_FIELDS } from "@atoma/contract";
import { isRecord } from "./is-record.ts";

/** What a server says of a request that it refuses, as far as a client may hear it: a field and a code that we know. */
export interface Complaint {
  readonly code: string | null;
  readonly param: string | null;
}

/** Names that others give to a prompt or a picture that moderation refused. */
const MODERATION = new Set(["moderation_blocked", "content_policy_violation", "content_filter", "contentFilter"]);
export const isModeration = (code: unknown): boolean => typeof code === "string" && MODERATION.has(code);

const FIELDS = [...REQUEST_FIELDS, "image", "mask", "input_fidelity"];

const knownCode = (value: unknown) => (typeof value === "string" && /^[A-Za-z0-9_]{1,64}$/.test(value) ? value : null);
const knownField = (value: unknown) => (typeof value === "string" && FIELDS.includes(value) ? value : null);

/** FastAPI names the place of a fault as a path: `["body", "size"]`. */
function fieldOfDetail(detail: unknown): string | null {
  const first: unknown = Array.isArray(detail) ? detail[0] : undefined;
  const place = isRecord(first) && Array.isArray(first.loc) ? first.loc : [];
  return place.map(knownField).findLast((name) => name !== null) ?? null;
}

/**
 * Reads an error's body in any of the forms in use: OpenAI's envelope, `{"error":"text"}`, FastAPI's `{"detail":…}`,
 * `{"message":"text"}`. Undefined for anything else, such as HTML.
 */
export function readComplaint(text: string): Complaint | undefined {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(body)) return undefined;
  const { error, detail, message } = body;
  if (isRecord(error)) return { code: knownCode(error.code), param: knownField(error.param) };
  if (detail !== undefined) return { code: null, param: fieldOfDetail(detail) };
  return typeof error === "string" || typeof message === "string" ? { code: null, param: null } : undefined;
}
