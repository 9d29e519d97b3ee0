/** A row as a database driver gives it. The readers below check what they read. */
export type Row = Readonly<Record<string, unknown>>;

function unexpected(row: Row, column: string): Error {
  return new Error(`the database gave ${typeof row[column]} in column ${column}`);
}

/** An integer column. PostgreSQL's driver gives a bigint as text, so that nothing is rounded unseen. */
export function int(row: Row, column: string): number {
  const value = row[column];
  const number =
    typeof value === "number" ? value : typeof value === "string" && value !== "" ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(number)) throw unexpected(row, column);
  return number;
}

export function intOrNull(row: Row, column: string): number | null {
  return row[column] === null ? null : int(row, column);
}

export function text(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== "string") throw unexpected(row, column);
  return value;
}

export function textOrNull(row: Row, column: string): string | null {
  return row[column] === null ? null : text(row, column);
}

export function bytes(row: Row, column: string): Uint8Array {
  const value = row[column];
  if (!(value instanceof Uint8Array)) throw unexpected(row, column);
  return value;
}

/** A column that the driver has parsed from JSON: an object. */
export function object(row: Row, column: string): Row {
  const value = row[column];
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw unexpected(row, column);
  return { ...value };
}

/** JSON that this package wrote: an object. */
export function jsonObject(row: Row, column: string): Record<string, unknown> {
  const value: unknown = JSON.parse(text(row, column));
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw unexpected(row, column);
  return { ...value };
}

/** JSON that this package wrote: a list of strings, or null. */
export function stringsOrNull(row: Row, column: string): string[] | null {
  const json = textOrNull(row, column);
  if (json === null) return null;
  const value: unknown = JSON.parse(json);
  if (!Array.isArray(value)) throw unexpected(row, column);
  return value.map((item) => {
    if (typeof item !== "string") throw unexpected(row, column);
    return item;
  });
}
