// PostgreSQL's text form of an array. The driver's own writer walks every value through several type checks; a batch has
// some thousand values, and theirs are known.

const SPECIAL = /["\\]/;
const ALL_SPECIAL = /["\\]/g;

export const numberArray = (values: readonly (number | null)[]): string =>
  `{${values.map((value) => value ?? "NULL").join(",")}}`;

/** Of ids: letters, digits, `_` and `-` need no escape. */
export const idArray = (ids: readonly string[]): string => (ids.length === 0 ? "{}" : `{"${ids.join('","')}"}`);

function quoted(value: string | null): string {
  if (value === null) return "NULL";
  return `"${SPECIAL.test(value) ? value.replace(ALL_SPECIAL, "\\$&") : value}"`;
}

export const textArray = (values: readonly (string | null)[]): string => `{${values.map(quoted).join(",")}}`;
