/** A key as an error message may show it: its public beginning and its last four characters, and nothing of a short one. */
export function masked(key: string): string {
  return key.length < 16 ? "***" : `${key.slice(0, 8)}***${key.slice(-4)}`;
}
