/** The type of a value of JSON or of a form, as OpenAI's messages name it. */
export function typeName(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (value instanceof Uint8Array) return "a file";
  switch (typeof value) {
    case "number":
      return Number.isInteger(value) ? "an integer" : "a decimal number";
    case "string":
      return "a string";
    case "boolean":
      return "a boolean";
    default:
      return "an object";
  }
}

/** `'a' and 'b'`, `'a', 'b', and 'c'`. */
export function list(values: readonly string[], conjunction: "and" | "or"): string {
  const quoted = values.map((v) => `'${v}'`);
  const last = quoted.pop() ?? "";
  if (quoted.length === 0) return last;
  return `${quoted.join(", ")}${quoted.length > 1 ? "," : ""} ${conjunction} ${last}`;
}
