import assert from "node:assert/strict";
import sharp from "sharp";
import type { World } from "./gateway.ts";
import { checkedFetch } from "./openapi.ts";

export const PATH = "/v1/images/edits";

export const create = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: { r: 1, g: 2, b: 3 } } });
export const png = await create(64, 64).png().toBuffer();

export interface Failure {
  readonly status: number;
  readonly headers: Headers;
  readonly error: { message: string; type: string; param: string | null; code: string | null };
}

/** Posts edits that will be refused; each answer is checked for the envelope's form. */
export function editsOf(world: World) {
  async function edit(body: NonNullable<RequestInit["body"]>, headers: Record<string, string> = {}): Promise<Failure> {
    const authorization = `Bearer ${world.key}`;
    const init = { method: "POST", body, headers: { authorization, ...headers } };
    const response = await checkedFetch(world.gateway.url + PATH, init);
    const envelope = (await response.json()) as { error: Failure["error"] }; // asserted key by key below
    assert.deepEqual(Object.keys(envelope), ["error"]);
    assert.deepEqual(Object.keys(envelope.error), ["message", "type", "param", "code"]);
    assert.match(response.headers.get("x-request-id") ?? "", /^req_[0-9a-f]{32}$/);
    return { status: response.status, headers: response.headers, error: envelope.error };
  }
  return {
    edit,
    json: (fields: Record<string, unknown>) =>
      edit(JSON.stringify({ model: "scripted", prompt: "p", ...fields }), { "content-type": "application/json" }),
    /** A multipart body written by hand, so that each byte of it is the test's. */
    raw: (body: string | Buffer, type = "multipart/form-data; boundary=B") =>
      edit(typeof body === "string" ? body : new Uint8Array(body), { "content-type": type }),
  };
}

export function form(fields: Readonly<Record<string, string | Uint8Array | Uint8Array[]>>): FormData {
  const data = new FormData();
  const all: typeof fields = { model: "scripted", prompt: "p", ...fields };
  for (const [name, value] of Object.entries(all)) {
    if (typeof value === "string") data.append(name, value);
    else {
      for (const bytes of Array.isArray(value) ? value : [value]) {
        data.append(name, new Blob([new Uint8Array(bytes)], { type: "image/png" }), "in.png");
      }
    }
  }
  return data;
}

export const url = (bytes: Uint8Array) => `data:image/png;base64,${Buffer.from(bytes).toString("base64")}`;

export const FIELDS =
  '--B\r\nContent-Disposition: form-data; name="model"\r\n\r\nscripted\r\n' +
  '--B\r\nContent-Disposition: form-data; name="prompt"\r\n\r\np\r\n';
export const withImage = (head: string, tail = "\r\n--B--\r\n") =>
  Buffer.concat([Buffer.from(`${FIELDS}${head}\r\n\r\n`), png, Buffer.from(tail)]);
export const IMAGE =
  '--B\r\nContent-Disposition: form-data; name="image"; filename="in.png"\r\nContent-Type: image/png';

export const failure = (param: string | null, code: string | null, message: string) => ({
  message,
  type: "invalid_request_error",
  param,
  code,
});
export const NO_EDITS = failure("model", "invalid_value", "The model 'scripted' does not support image edits.");

export async function isNoEdits(answer: Promise<Failure>): Promise<void> {
  const { status, error } = await answer;
  assert.deepEqual([status, error], [400, NO_EDITS]);
}
