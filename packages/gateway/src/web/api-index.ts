/** The part of an OpenAPI document that is told. */
export interface ApiDocument {
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

const METHODS = ["get", "post", "put", "patch", "delete"] as const;

const summaryOf = (operation: unknown): string =>
  typeof operation === "object" && operation !== null && "summary" in operation ? String(operation.summary) : "";

/** The operations of an API as lines of text, for clients that show no pages. */
export function apiIndex({ info, paths }: ApiDocument): string {
  const operations = Object.entries(paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method] !== undefined).map(
      (method) => [`${method.toUpperCase()} ${path}`, summaryOf(item[method])] as const,
    ),
  );
  const more = [
    ["GET /openapi.json", "The API as OpenAPI 3.1"],
    ["GET /docs", "The same as a page to read and to try"],
    ["GET /", "In a browser: the playground"],
  ] as const;
  const lines = [...operations, ...more];
  const width = Math.max(...lines.map(([name]) => name.length));
  return [
    `${info.title} ${info.version}`,
    "",
    ...lines.map(([name, what]) => `${name.padEnd(width)}  ${what}`),
    "",
  ].join("\n");
}
