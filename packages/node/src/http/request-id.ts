import { randomBytes } from "node:crypto";

export function newRequestId(): string {
  return `req_${randomBytes(16).toString("hex")}`;
}

/** A caller's own id for a request, to be logged: visible ASCII, at most 512 characters; anything else is ignored. */
export function correlationId(header: string | string[] | undefined): string | undefined {
  return typeof header === "string" && /^[!-~]{1,512}$/.test(header) ? header : undefined;
}
