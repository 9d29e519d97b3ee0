/** A route's path as routers write it, and what it matches. */
export interface Route {
  readonly path: string;
  readonly pattern: RegExp;
}

/** Longest path that is looked at, and longest segment of it: nothing that somebody mistyped is longer. */
const MAX_PATH = 300;
const MAX_SEGMENT = 40;
/** First segments that base URLs of other servers have. */
const PREFIXES = new Set(["v1", "api", "openai"]);

/** Edits of one character that lead from one word to another (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** Whether a segment is another one, give or take its case, its ending (`generate`), or a slip of one or two characters. */
function isLike(segment: string, known: string): boolean {
  const given = segment.toLowerCase();
  if (given === known) return true;
  if (given.length > MAX_SEGMENT) return false;
  if (given.length >= 6 && known.startsWith(given.slice(0, -1))) return true;
  const slips = known.length >= 9 ? 2 : known.length >= 5 ? 1 : 0;
  return distance(given, known) <= slips;
}

/** What a path consists of, without what a correct one never has: empty parts, dots, escapes. */
function segmentsOf(path: string): readonly string[] {
  const parts = path
    .replaceAll(/%2f/gi, "/")
    .replaceAll(/%[0-9a-f]{0,2}/gi, "")
    .split("/");
  return parts.filter((part) => !["", ".", ".."].includes(part));
}

function withoutPrefixes(segments: readonly string[]): readonly string[] {
  const first = segments.findIndex((segment) => !PREFIXES.has(segment.toLowerCase()));
  return first === -1 ? [] : segments.slice(first);
}

/** Whether the path ends like a route. One word alone is too little after words of its own. */
function endsLike(given: readonly string[], route: readonly string[]): boolean {
  if (route.length === 0 || given.length < route.length) return false;
  if (route.length === 1 && given.length > 1) return false;
  const end = given.slice(-route.length);
  return route.every((segment, i) => isLike(end[i] ?? "", segment));
}

/**
 * The path that a client probably meant by one that no route has: with the version missing or doubled, behind another
 * server's prefix, with slashes too many, another case, or a slip in a word. Undefined where nothing comes near.
 */
export function meantPath(path: string, routes: Iterable<Route>): string | undefined {
  if (path.length > MAX_PATH) return undefined;
  const segments = segmentsOf(path);
  const given = withoutPrefixes(segments);
  if (given.length === 0) return undefined;
  const known = [...routes];
  const corrected = [`/${segments.join("/")}`, `/v1/${given.join("/")}`, `/${given.join("/")}`];
  const exact = corrected.find((guess) => guess !== path && known.some(({ pattern }) => pattern.test(guess)));
  if (exact !== undefined) return exact;
  const literal = known.filter((route) => !/[:*]/.test(route.path));
  const like = literal.filter((route) => endsLike(given, withoutPrefixes(segmentsOf(route.path))));
  return like.toSorted((a, b) => b.path.length - a.path.length)[0]?.path;
}
