import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { BuiltFile, BuiltFiles } from "./built-files.ts";

/** All comes from this origin: no inline scripts or styles, no evaluated text, no frames around or within. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

const PAGE_HEADERS = {
  "content-security-policy": POLICY,
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
} as const;

/** Without styles, because the policy allows none within a page. */
const WAITING = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="1">
<title>Atoma</title>
</head>
<body>
<h1>Atoma</h1>
<p>This page is being built. It appears by itself in a few seconds. The API works already.</p>
<p>If it does not appear: <code>npm run build</code> builds it.</p>
</body>
</html>
`;

/** Whether a content coding is accepted (RFC 9110, section 12.5.3; `q=0` refuses). */
function accepts(header: string, coding: string): boolean {
  const entry = header.split(",").find((part) => part.split(";", 1)[0]?.trim().toLowerCase() === coding);
  return entry !== undefined && !/;\s*q=0(?:\.0*)?\s*$/.test(entry);
}

function sendFile(request: FastifyRequest, reply: FastifyReply, file: BuiltFile): FastifyReply {
  const accepted = String(request.headers["accept-encoding"] ?? "");
  const [coding, bytes] = [...file.forms].find(([name]) => name === "identity" || accepts(accepted, name)) ?? [];
  const etag = `"${file.etag}${coding === "identity" ? "" : `-${coding}`}"`;
  reply.headers({ etag, vary: "accept-encoding, accept" });
  if (request.headers["if-none-match"]?.split(/,\s*/).includes(etag)) return reply.code(304).send();
  if (coding !== "identity") reply.header("content-encoding", coding);
  return reply.type(file.type).send(bytes);
}

/** Whether the client is one that shows pages. `curl` asks for anything. */
export function wantsPage(request: FastifyRequest): boolean {
  return /\btext\/html\b/i.test(request.headers.accept ?? "");
}

/** Answers with a page of the build, or with one that waits for the build. */
export async function sendPage(
  request: FastifyRequest,
  reply: FastifyReply,
  files: BuiltFiles,
  name: string,
): Promise<FastifyReply> {
  const file = await files.find(name);
  reply.headers(PAGE_HEADERS);
  if (file) return sendFile(request, reply.header("cache-control", "no-cache"), file);
  return reply
    .code(503)
    .headers({ "retry-after": "1", "cache-control": "no-store" })
    .type("text/html; charset=utf-8")
    .send(WAITING);
}

/** The dashboard's views: `/admin`, `/admin/keys`, `/admin/keys/one`. The admin API has `/admin/v1` to itself. */
const DASHBOARD = ["/admin", "/admin/:view", "/admin/:view/:item"];
const ADMIN_API = /^\/admin\/v1(?:[/?]|$)/;

/** The playground's views; which one it is, the page reads from its address. */
const PLAYGROUND = ["/gallery"];

/** `GET /` and the playground's other addresses, and everything that the pages load, under `/assets/`. */
export function pageRoutes(app: FastifyInstance, files: BuiltFiles, index: string): void {
  app.get("/", async (request, reply) => {
    if (wantsPage(request)) return sendPage(request, reply, files, "index.html");
    return reply.header("vary", "accept").type("text/plain; charset=utf-8").send(index);
  });
  for (const path of PLAYGROUND) {
    app.get(path, (request, reply) => sendPage(request, reply, files, "index.html"));
  }
  app.get<{ Params: { name: string } }>("/assets/:name", async (request, reply) => {
    const file = await files.find(`assets/${request.params.name}`);
    if (!file) return reply.callNotFound();
    reply.header("cache-control", "public, max-age=31536000, immutable");
    return sendFile(request, reply, file);
  });
}

/** The dashboard, which is there with the admin API only. */
export function dashboardRoutes(app: FastifyInstance, files: BuiltFiles): void {
  for (const path of DASHBOARD) {
    app.get(path, async (request, reply) =>
      ADMIN_API.test(request.url) ? reply.callNotFound() : sendPage(request, reply, files, "admin.html"),
    );
  }
}
