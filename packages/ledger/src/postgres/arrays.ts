// PostgreSQL's text form of an array. The driver's own writer walks every value through several type checks; a batch has
// some thousand values, and theirs are known.

const SPECIAL = /["\\]/g;

export const numberArray = (values: readonly (number | null)[]): string =>
  `{${values.map((value) => value ?? "NULL").join(",")}}`;

export const textArray = (values: readonly (string | null)[]): string =>
  `{${values.map((value) => (value === null ? "NULL" : `"${value.replace(SPECIAL, "\\$&")}"`)).join(",")}}`;
