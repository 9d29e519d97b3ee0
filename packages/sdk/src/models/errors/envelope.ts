/** What can be learned from the body of an error. */
export interface Envelope {
  message?: string | undefined;
  code?: string | undefined;
  type?: string | undefined;
  param?: string | undefined;
}

/**
 * Reads the error bodies that image servers send: `{error: {message, type, param, code}}`, `{error: "text"}`,
 * `{detail: "text" | [{loc, msg}]}`, `{message}`, one of them inside of another, HTML, plain text. Never throws.
 */
export function readEnvelope(body: string): Envelope {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return { message: plainText(body) };
  }
  if (!isRecord(json)) return { message: text(json) };
  const error = innermost(isRecord(json.error) ? json.error : json);
  return {
    message: text(error.message) ?? text(error.error) ?? details(error.detail) ?? text(json),
    code: text(error.code),
    type: text(error.type),
    param: text(error.param),
  };
}

/** The error itself, where it is wrapped, such as in `{detail: {error: {message}}}`. */
function innermost(wrapper: Record<string, unknown>): Record<string, unknown> {
  const inner = wrapper.message ? undefined : (wrapper.error ?? wrapper.detail);
  return isRecord(inner) ? innermost(inner) : wrapper;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : value == null ? undefined : JSON.stringify(value);
}

/** FastAPI's list of validation errors. */
function details(detail: unknown): string | undefined {
  if (!Array.isArray(detail)) return text(detail);
  const lines = detail.map((item: unknown) => {
    const { loc, msg = item } = Object(item);
    return `${Array.isArray(loc) ? `${loc.join(".")}: ` : ""}${text(msg)}`;
  });
  return lines.join("; ");
}

function plainText(body: string): string {
  const title = /<title>([^<]*)/i.exec(body)?.[1] ?? body;
  return title.replace(/(<[^>]*>|\s)+/g, " ").trim();
}
