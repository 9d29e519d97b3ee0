import assert from "node:assert/strict";
import { adminOpenApiDocument, openApiDocument } from "@atoma/contract";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";

interface Media {
  readonly schema: object;
}
interface Parameter {
  readonly name: string;
  readonly in: string;
}
interface Operation {
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: object;
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, Media>> }>>;
}
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

/** JSON as it is served, in which every $ref must resolve. */
const served = (built: object) => JSON.parse(JSON.stringify(built)) as Document;

/** The same, where an object has what is described and nothing else. */
function closed<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(closed) as T;
  const inner = Object.fromEntries(Object.entries(value).map(([key, of]) => [key, closed(of)]));
  const open = inner.type === "object" && inner.properties !== undefined && inner.additionalProperties === undefined;
  return { ...inner, ...(open && { additionalProperties: false }) } as T;
}

export const document = served(openApiDocument("0.1.0"));
export const adminDocument = served(adminOpenApiDocument("0.1.0"));

const formats = {
  uri: (text: string) => URL.canParse(text),
  date: (text: string) => /^\d{4}-\d\d-\d\d$/.test(text),
  binary: true as const,
};
const ajv = new Ajv2020({ strict: false, formats });
ajv.addSchema({ ...document, $id: "atoma" });
// Strictly, so that no secret can get into an answer unnoticed.
ajv.addSchema({ ...closed(adminDocument), $id: "admin" });
const compiled = new Map<string, ValidateFunction>();

/** The check of what a JSON pointer into a document leads to. */
export function validator(pointer: string, of = "atoma"): ValidateFunction {
  const at = `${of}#${pointer}`;
  const known = compiled.get(at) ?? ajv.compile({ $ref: at });
  compiled.set(at, known);
  return known;
}

export function check(pointer: string, value: unknown, of = "atoma"): void {
  const validate = validator(pointer, of);
  assert.ok(validate(value), `${pointer}: ${ajv.errorsText(validate.errors)}`);
}

/** Templates of a document, the longest first; the id of a model may have slashes. */
const templatesOf = ({ paths }: Document) =>
  Object.keys(paths)
    .toSorted((a, b) => b.length - a.length)
    .map((path) => {
      const segment = path.startsWith("/v1/models") ? ".*" : "[^/]*";
      return { path, pattern: new RegExp(`^${path.replace(/\{\w+\}/g, segment)}$`) };
    });

const PUBLIC = { of: "atoma", document, templates: templatesOf(document) };
/** The document for operators, which also has what their nodes ask. */
const ADMIN = { of: "admin", document: adminDocument, templates: templatesOf(adminDocument) };

const escaped = (key: string) => key.replaceAll("~", "~0").replaceAll("/", "~1");

export interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly contentType: string | null;
  readonly text: string;
  /** The body that was sent, where it was JSON. */
  readonly sent?: unknown;
}

/** Paths that the documents leave out, as they are about the API. */
const OTHERS = /^(?:\/admin\/v1)?\/(?:openapi\.json|docs(?:\/.*)?)$/;

/** Asserts that what was accepted is what the document lets one ask for. */
function checkAsked(pointer: string, { parameters = [], requestBody }: Operation, asked: Exchange): void {
  for (const [name, value] of new URL(asked.path, "http://x").searchParams) {
    const at = parameters.findIndex((parameter) => parameter.in === "query" && parameter.name === name);
    assert.ok(at !== -1, `${pointer}: ${name} is no parameter`);
    const parameter = `${pointer}/parameters/${at}/schema`;
    const validate = validator(parameter, "admin");
    assert.ok(validate(value) || validate(Number(value)), `${parameter}: ${value}`);
  }
  assert.equal(asked.sent !== undefined, requestBody !== undefined, pointer);
  if (requestBody) check(`${pointer}/requestBody/content/application~1json/schema`, asked.sent, "admin");
}

/** Asserts that an answer is one that its document promises: its status, its media type and all that is in it. */
export function checkExchange(exchange: Exchange): void {
  const { method, path: target, status, contentType, text } = exchange;
  const path = new URL(target, "http://x").pathname;
  if (OTHERS.test(path)) return;
  const { of, document, templates } = /^\/(?:admin\/|v1\/nodes\/)/.test(path) ? ADMIN : PUBLIC;
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
  const at = `/paths/${escaped(template)}/${verb}`;
  if (of === "admin" && status < 300) checkAsked(at, operation, exchange);
  if (response.content === undefined) {
    assert.equal(text, "", where);
    return;
  }
  const type = contentType?.split(";", 1)[0] ?? "";
  assert.ok(Object.hasOwn(response.content, type), `${where}: ${type}`);
  const pointer = `${at}/responses/${status}/content/${escaped(type)}/schema`;
  if (text === "" || type.startsWith("image/")) return;
  if (type === "application/json") check(pointer, JSON.parse(text), of);
  if (type === "text/csv") check(pointer, text, of);
  for (const [, data = ""] of type === "text/event-stream" ? text.matchAll(/^data: (.*)$/gm) : []) {
    check(pointer, JSON.parse(data));
  }
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `fetch`, of whose answer the same is asserted. */
export async function checkedFetch(url: string, init: RequestInit = {}): Promise<Response> {
  const response = await fetch(url, init);
  const exchange = { method: init.method ?? "GET", path: url, status: response.status };
  const text = await response.clone().text();
  const sent = typeof init.body === "string" ? asJson(init.body) : undefined;
  checkExchange({ ...exchange, contentType: response.headers.get("content-type"), text, sent });
  return response;
}
