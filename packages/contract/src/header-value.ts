/** A header value of the form `essence; name=value; name="value"`, as RFC 2045 and RFC 9110 write it. */
export interface HeaderValue {
  /** Lower case. */
  readonly essence: string;
  /** By lower-case name. */
  readonly parameters: ReadonlyMap<string, string>;
}

const ESSENCE = /^[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z/-]+)[ \t]*/;
const PARAMETER = /;[ \t]*(?:([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))[ \t]*)?/y;

/** Parses a header value to its end; undefined when it is malformed, or names a parameter twice. */
export function parseHeaderValue(text: string): HeaderValue | undefined {
  const [start, essence] = ESSENCE.exec(text) ?? [];
  if (start === undefined || essence === undefined) return undefined;
  const parameters = new Map<string, string>();
  let at = start.length;
  while (at < text.length) {
    PARAMETER.lastIndex = at;
    const match = PARAMETER.exec(text);
    if (!match) return undefined;
    at = PARAMETER.lastIndex;
    const name = match[1]?.toLowerCase();
    if (name === undefined) continue;
    if (parameters.has(name)) return undefined;
    parameters.set(name, match[2]?.replace(/\\(.)/g, "$1") ?? match[3] ?? "");
  }
  return { essence: essence.toLowerCase(), parameters };
}
