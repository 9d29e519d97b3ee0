import type { FastifyReply, FastifyRequest } from "fastify";

type Value = string | number | null;

/** A value as a CSV field; what a spreadsheet would run as a formula is defused (OWASP, CSV injection). */
function csvField(value: Value): string {
  const text = typeof value === "string" && /^[=+\-@\t\r\n＝＋－＠]/.test(value) ? `'${value}` : String(value ?? "");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Rows as CSV (RFC 4180) with a header line. */
export function toCsv(rows: readonly Readonly<Record<string, Value>>[], names: readonly string[]): string {
  const lines = rows.map((row) => names.map((name) => csvField(row[name] ?? null)).join(","));
  return `${[names.join(","), ...lines].join("\r\n")}\r\n`;
}

/** A list of rows, in the form that the client asks for: JSON, or CSV with these columns. */
export function sendRows(
  request: FastifyRequest,
  reply: FastifyReply,
  rows: readonly Readonly<Record<string, Value>>[],
  names: readonly string[],
) {
  if (!/\btext\/csv\b/.test(request.headers.accept ?? "")) return { data: rows };
  return reply.header("content-type", "text/csv; charset=utf-8").send(toCsv(rows, names));
}
