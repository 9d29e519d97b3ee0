import { randomBytes } from "node:crypto";

/** `req_` and 32 hexadecimal digits; on every answer as `x-request-id`. */
export function newRequestId(): string {
  return `req_${randomBytes(16).toString("hex")}`;
}

/** A caller's own id for its request, for the log only: at most 512 visible ASCII characters, else ignored. */
export function correlationId(headers: Readonly<Record<string, string | string[] | undefined>>): string | undefined {
  const value = headers["x-client-request-id"] ?? headers["x-request-id"];
  return typeof value === "string" && /^[\x21-\x7e]{1,512}$/.test(value) ? value : undefined;
}
