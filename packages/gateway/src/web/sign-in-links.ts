import { createHash } from "node:crypto";
import type { RandomBytes } from "@atoma/ledger";

/** Links kept at most; of more the oldest ends. */
const MAX_LINKS = 100;
const LIFETIME_MS = 12 * 3_600_000;

/** Links that sign a browser in once. They live in this process only, so a restart ends them. */
export interface SignInLinks {
  /** A token that stands for the API key once, within 12 hours. */
  create(apiKey: string): string;
  /** The key; undefined when the token was used, has expired or never existed. */
  redeem(token: string): string | undefined;
}

export function openSignInLinks(now: () => number, randomBytes: RandomBytes): SignInLinks {
  const links = new Map<string, { readonly apiKey: string; readonly until: number }>();
  // Looked up by digest, so that how long a look-up takes says nothing about a token.
  const digest = (token: string) => createHash("sha256").update(token).digest("base64url");
  return {
    create(apiKey) {
      const [oldest] = links.keys();
      if (links.size >= MAX_LINKS && oldest !== undefined) links.delete(oldest);
      const token = Buffer.from(randomBytes(24)).toString("base64url");
      links.set(digest(token), { apiKey, until: now() + LIFETIME_MS });
      return token;
    },
    redeem(token) {
      const id = digest(token);
      const link = links.get(id);
      links.delete(id);
      return link && link.until > now() ? link.apiKey : undefined;
    },
  };
}
