import { randomBytes } from "node:crypto";

/** `req_` and 32 hexadecimal digits; on every answer as `x-request-id`. */
export function newRequestId(): string {
  return `req_${randomBytes(16).toString("hex")}`;
}

/** A caller's own id for its request, to be logged: at most 512 visible ASCII characters, else ignored. */
export function correlationId(header: string | string[] | undefined): string | undefined {
  return typeof header === "string" && /^[\x21-\x7e]{1,512}$/.test(header) ? header : undefined;
}
