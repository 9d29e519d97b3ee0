import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

interface Asset {
  readonly type: string;
  readonly bytes: Buffer;
  readonly etag: string;
}

/** Everything comes from this origin; Swagger UI has its icons as data URLs. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** Addresses are relative, so that the page also works behind a proxy that puts a path before ours. `docs` leads to `/docs`. */
const pageAt = (docs: string) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Atoma API</title>
<link rel="icon" href="${docs}/favicon.png">
<link rel="stylesheet" href="${docs}/viewer.css">
</head>
<body>
<div id="viewer"></div>
<script src="${docs}/viewer.js"></script>
<script src="${docs}/start.js"></script>
</body>
</html>
`;

/** The document beside the page. Without a validator address: the default would show the document to a server of the viewer's makers. */
const START = `SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#viewer",
  deepLinking: true,
  validatorUrl: null,
  defaultModelsExpandDepth: 0,
  presets: [SwaggerUIBundle.presets.apis],
});
`;

function asset(type: string, content: string | Buffer): Asset {
  const bytes = Buffer.from(content);
  return { type, bytes, etag: `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"` };
}

function loadAssets(): Readonly<Record<string, Asset>> {
  const { resolve } = createRequire(import.meta.url);
  // Fastify's package carries Swagger UI as plain files, without the install telemetry of swagger-ui-dist.
  const read = (name: string) => readFileSync(resolve(`@fastify/swagger-ui/static/${name}`));
  return {
    "viewer.css": asset("text/css; charset=utf-8", read("swagger-ui.css")),
    "viewer.js": asset("text/javascript; charset=utf-8", read("swagger-ui-bundle.js")),
    "start.js": asset("text/javascript; charset=utf-8", START),
    "favicon.png": asset("image/png", read("favicon-32x32.png")),
  };
}

function send(request: FastifyRequest, reply: FastifyReply, { type, bytes, etag }: Asset): FastifyReply {
  reply.headers({ etag, "cache-control": "public, max-age=3600", "content-security-policy": POLICY });
  if (request.headers["if-none-match"] === etag) return reply.code(304).send();
  return reply.type(type).send(bytes);
}

/** `GET {path}/openapi.json`, and `GET {path}/docs`: the same as a page to read and to try. Both need no key. */
export function documentRoutes(app: FastifyInstance, path: string, document: object): void {
  const page = asset("text/html; charset=utf-8", pageAt(`${"../".repeat(path.split("/").length - 1)}docs`));
  app.get(`${path}/openapi.json`, async () => document);
  app.get(`${path}/docs`, (request, reply) => send(request, reply, page));
}

/** All that the pages need, under `/docs/`. */
export function docsAssets(app: FastifyInstance): void {
  let assets: Readonly<Record<string, Asset>> | undefined; // two megabytes, which most gateways never show
  app.get<{ Params: { asset: string } }>("/docs/:asset", (request, reply) => {
    assets ??= loadAssets();
    const { asset: name } = request.params;
    const found = Object.hasOwn(assets, name) ? assets[name] : undefined;
    return found ? send(request, reply, found) : reply.callNotFound();
  });
}
