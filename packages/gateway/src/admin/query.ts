import { errors } from "@atoma/contract";
import type { FastifyRequest } from "fastify";

/** The parameters of a URL's query, each of them one text. */
export type Query = Readonly<Record<string, string | undefined>>;

/** Throws ApiError 400 where a parameter stands more than once: of two accounts to look for nobody can say which was meant. */
export function queryOf(request: FastifyRequest): Query {
  // Fastify's parser gives texts, and arrays where a name is repeated.
  const query = request.query as Readonly<Record<string, string | readonly string[]>>;
  for (const [name, value] of Object.entries(query)) {
    if (typeof value !== "string") throw errors.repeatedQuery(name);
  }
  return query as Query; // as was just checked
}

/** How many entries a page may have. Throws ApiError 400. */
export function limitOf({ limit }: Query): number | undefined {
  if (limit === undefined) return undefined;
  const value = /^\d{1,4}$/.test(limit) ? Number(limit) : 0;
  if (value < 1 || value > 1000) {
    throw errors.conflict("limit", "Invalid 'limit': expected a whole number from 1 to 1000.");
  }
  return value;
}

/** What the pages of each list go on from: the last entry of the one before. */
const CURSORS = {
  account: { param: "after", form: /^acct_[0-9a-z]{4,32}$/, expected: "the id of an account" },
  key: { param: "after", form: /^(?!acct_|hold_|gen_)[0-9A-Za-z_-]{4,64}$/, expected: "the id of a key" },
  hold: { param: "before", form: /^hold_[0-9A-Za-z_-]{4,59}$/, expected: "the id of a hold" },
  entry: { param: "after", form: /^\d{1,15}$/, expected: "the seq of an entry" },
} as const;

/** Where a page begins; undefined for the first. Throws ApiError 400 for what this list cannot go on from. */
export function cursorOf(query: Query, list: keyof typeof CURSORS): string | undefined {
  const { param, form, expected } = CURSORS[list];
  const cursor = query[param];
  if (cursor !== undefined && !form.test(cursor)) {
    throw errors.conflict(param, `Invalid '${param}': expected ${expected}.`);
  }
  return cursor;
}
