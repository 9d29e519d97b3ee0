/** A string, which is passed over, or a word that Python's `json` writes and JSON does not know. */
const STRING_OR_WORD = /"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/gu;

/**
 * Parses JSON as Python's `json.dumps` writes it: with Infinity and -Infinity, which become infinite numbers, and NaN, which
 * becomes null (no number). Throws SyntaxError.
 */
export function parsePythonJson(text: string): unknown {
  // 1e999 is above the largest double, so that JSON.parse makes an infinite number of it.
  const words: Readonly<Record<string, string>> = { Infinity: "1e999", "-Infinity": "-1e999", NaN: "null" };
  return JSON.parse(text.replace(STRING_OR_WORD, (found) => words[found] ?? found));
}
