import assert from "node:assert/strict";
import { openApiDocument } from "@atoma/contract";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";

interface Media {
  readonly schema: object;
}
interface Operation {
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, Media>> }>>;
}

/** JSON as it is served, in which every $ref must resolve. */
export const document = JSON.parse(JSON.stringify(openApiDocument("0.1.0"))) as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
};

const ajv = new Ajv2020({ strict: false, formats: { uri: (text: string) => URL.canParse(text), binary: true } });
ajv.addSchema({ ...document, $id: "atoma" });
const compiled = new Map<string, ValidateFunction>();

/** The check of what a JSON pointer into the document leads to. */
export function validator(pointer: string): ValidateFunction {
  const known = compiled.get(pointer) ?? ajv.compile({ $ref: `atoma#${pointer}` });
  compiled.set(pointer, known);
  return known;
}

export function check(pointer: string, value: unknown): void {
  const validate = validator(pointer);
  assert.ok(validate(value), `${pointer}: ${ajv.errorsText(validate.errors)}`);
}

/** Templates of the document, the longest first; the id of a model may have slashes. */
const templates = Object.keys(document.paths)
  .toSorted((a, b) => b.length - a.length)
  .map((path) => {
    const segment = path.startsWith("/v1/models") ? ".*" : "[^/]*";
    return { path, pattern: new RegExp(`^${path.replace(/\{\w+\}/g, segment)}$`) };
  });

const escaped = (key: string) => key.replaceAll("~", "~0").replaceAll("/", "~1");

export interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly contentType: string | null;
  readonly text: string;
}

/** Paths that the document leaves out, as it is about the API. */
const OTHERS = /^\/(?:openapi\.json|docs(?:\/.*)?|admin\/.*)$/;

/** Asserts that an answer is one that the document promises: its status, its media type and all that is in it. */
export function checkExchange({ method, path: target, status, contentType, text }: Exchange): void {
  const path = new URL(target, "http://x").pathname;
  if (OTHERS.test(path)) return;
  const template = templates.find(({ pattern }) => pattern.test(path))?.path;
  const verb = (method === "HEAD" ? "GET" : method).toLowerCase();
  const operation = template === undefined ? undefined : document.paths[template]?.[verb];
  if (template === undefined || operation === undefined) {
    assert.ok(template === undefined ? status === 404 : status === 405, `${method} ${path}: ${status}`);
    if (text !== "") check("/components/schemas/ErrorResponse", JSON.parse(text));
    return;
  }
  const where = `${method} ${template} ${status}`;
  const response = operation.responses[status] ?? assert.fail(`${where} is not in the document`);
  if (response.content === undefined) {
    assert.equal(text, "", where);
    return;
  }
  const type = contentType?.split(";", 1)[0] ?? "";
  assert.ok(Object.hasOwn(response.content, type), `${where}: ${type}`);
  const pointer = `/paths/${escaped(template)}/${verb}/responses/${status}/content/${escaped(type)}/schema`;
  if (text === "" || type.startsWith("image/")) return;
  if (type === "application/json") check(pointer, JSON.parse(text));
  for (const [, data = ""] of type === "text/event-stream" ? text.matchAll(/^data: (.*)$/gm) : []) {
    check(pointer, JSON.parse(data));
  }
}

/** `fetch`, of whose answer the same is asserted. */
export async function checkedFetch(url: string, init: RequestInit = {}): Promise<Response> {
  const response = await fetch(url, init);
  const exchange = { method: init.method ?? "GET", path: url, status: response.status };
  const text = await response.clone().text();
  checkExchange({ ...exchange, contentType: response.headers.get("content-type"), text });
  return response;
}
