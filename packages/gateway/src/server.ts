import { type ApiError, adminOpenApiDocument, errors, openApiDocument } from "@atoma/contract";
import {
  correlationId,
  deferContinue,
  guardConnections,
  knownMethods,
  newRequestId,
  requireOneReading,
  sendError,
  toOriginForm,
} from "@atoma/http";
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { type ActivityCounts, type Ended, outcomeOf } from "./activity/activity-counts.ts";
import { adminRoutes } from "./admin/routes.ts";
import type { Context } from "./context.ts";
import { imageFiles } from "./files/route.ts";
import { imagesEdits } from "./generate/edits.ts";
import { imagesGenerations } from "./generate/generations.ts";
import { allowPreflights, CROSS_ORIGIN } from "./http/cors.ts";
import { PRIVATE } from "./http/take-over.ts";
import { logFailure, toApiError } from "./http/to-api-error.ts";
import { acceptor } from "./jobs/accept.ts";
import { deleteGenerationJob, getGenerationJob } from "./jobs/routes.ts";
import type { Runner } from "./jobs/runner.ts";
import { nodeHeartbeat } from "./nodes/heartbeat-route.ts";
import { accountRoute } from "./routes/account.ts";
import { docsAssets, documentRoutes } from "./routes/docs.ts";
import { healthRoute } from "./routes/health.ts";
import { modelRoutes } from "./routes/models.ts";
import { adminSessionRoutes, openAdminSession } from "./web/admin-session.ts";
import { type Page, webRoutes } from "./web/routes.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** What a step wants in the request's log line: ids and figures, never prompts, keys or pictures. */
    logFields: Readonly<Record<string, string | number>>;
    /** When it came, as the clock's `monotonic` tells time. */
    began: number;
    /** Who ordered what, and what a complete answer delivers and charges. */
    ordered: Omit<Ended, "outcome" | "ms"> | undefined;
    /** The status that a stream would have had if it had not begun. */
    failedAs: number | undefined;
  }
}

/** Of the HTTP interfaces. */
const VERSION = "0.1.0";
const MAX_HEADER_BYTES = 64 * 1024;
const HEADERS_TIMEOUT_MS = 20_000;
const UNREAD_BODY_MS = 60_000;
const MAX_CONNECTIONS = 10_000;
/** What load balancers and nodes ask every few seconds. */
const PROBES = new Set(["/health", "/v1/nodes/heartbeat"]);

/** What Fastify or a step threw, as an error of the catalogue. */
function translate(error: unknown): ApiError {
  if (error instanceof Error && "statusCode" in error && typeof error.statusCode === "number") {
    if (error.statusCode >= 400 && error.statusCode < 500) return errors.badRequest("The request is malformed.");
  }
  return toApiError(error);
}

/** For the charts. What is to be made later counts when it is made. */
function noteEnded(activity: ActivityCounts, request: FastifyRequest, reply: FastifyReply, ms: number): void {
  const { ordered, failedAs } = request;
  if (!ordered || reply.statusCode === 202) return;
  const outcome = outcomeOf(failedAs ?? reply.statusCode, reply.raw.writableFinished);
  const delivered = outcome === "succeeded" ? undefined : { images: 0, units: 0 };
  activity.note({ ...ordered, ...delivered, outcome, ms });
}

/** The gateway's HTTP face. Hooks do transport only; what a request means is in `routes` and `steps`. */
export function buildServer(context: Context, runner: Runner, page: Page | undefined): FastifyInstance {
  const known = knownMethods(["OPTIONS"]); // preflights
  const connections = guardConnections(CROSS_ORIGIN);
  const app = Fastify({
    logger: false,
    genReqId: newRequestId,
    rewriteUrl: toOriginForm,
    // Behind the deadlines of those who read bodies, for requests whose body nobody reads.
    requestTimeout: HEADERS_TIMEOUT_MS + Math.max(context.body.timeoutMs, context.editBody.timeoutMs) + UNREAD_BODY_MS,
    keepAliveTimeout: context.keepAliveMs,
    forceCloseConnections: "idle",
    exposeHeadRoutes: true,
    routerOptions: { maxParamLength: 2048 },
    http: {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: 1000,
      requireHostHeader: false, // requireOneReading answers with our own envelope
    },
    clientErrorHandler: connections.refuse,
    frameworkErrors: (_error, request, reply) => {
      reply.headers({ "x-request-id": request.id, ...CROSS_ORIGIN });
      sendError(request, reply, known.refusal(request.method, request.url));
    },
  });
  app.server.maxConnections = MAX_CONNECTIONS;
  deferContinue(app.server);
  connections.watch(app.server);
  app.decorateRequest("logFields");
  app.decorateRequest("began", 0);
  app.decorateRequest("ordered");
  app.decorateRequest("failedAs");

  // Bodies and their types are looked at by the handlers, after authentication; for Fastify no method has one.
  for (const method of ["POST", "PUT", "PATCH", "DELETE", "QUERY"]) {
    app.addHttpMethod(method, { hasBody: false, overrideExisting: true });
  }

  app.addHook("onRoute", ({ url, method }) => known.add(url, method));
  app.addHook("onRequest", async (request, reply) => {
    request.began = context.clock.monotonic();
    // Fastify's onResponse does not come for a client that has left.
    reply.raw.once("close", () => noteClosed(request, reply, Math.round(context.clock.monotonic() - request.began)));
    reply.headers({ "x-request-id": request.id, ...CROSS_ORIGIN });
    requireOneReading(request.raw);
  });
  allowPreflights(app);
  app.addHook("onSend", async (_request, reply) => {
    for (const [name, value] of Object.entries(PRIVATE)) if (!reply.hasHeader(name)) reply.header(name, value);
  });
  /** Once a response has ended, or its client has left. */
  function noteClosed(request: FastifyRequest, reply: FastifyReply, ms: number): void {
    const route = request.routeOptions.url ?? "unknown";
    const correlation = correlationId(request.headers["x-client-request-id"] ?? request.headers["x-request-id"]);
    const left = !reply.raw.writableFinished;
    noteEnded(context.activity, request, reply, ms);
    const status = left && !reply.raw.headersSent ? 499 : reply.statusCode;
    const line = { requestId: request.id, correlation, method: request.method, route, status, ms };
    const fields = { ...line, ...request.logFields, ...(left && { left }) };
    context.log[PROBES.has(route) ? "debug" : "info"](fields, "request");
  }

  app.setErrorHandler((error, request, reply) => {
    const known = translate(error);
    logFailure(context.log, request.id, known);
    sendError(request, reply, known);
  });
  app.setNotFoundHandler((request, reply) => {
    sendError(request, reply, known.refusal(request.method, request.url));
  });

  app.post("/v1/images/generations", imagesGenerations(context, acceptor(context, runner)));
  app.get("/v1/images/generations/:id", getGenerationJob(context));
  app.delete("/v1/images/generations/:id", deleteGenerationJob(context, runner));
  app.post("/v1/images/edits", imagesEdits(context));
  const files = imageFiles(context);
  app.head("/v1/images/files/:name", files); // Fastify's own would read the file to its end
  app.get("/v1/images/files/:name", files);
  modelRoutes(app, context);
  accountRoute(app, context);
  healthRoute(app, context);
  nodeHeartbeat(app, context);
  const document = openApiDocument(VERSION);
  documentRoutes(app, "", document);
  if (context.adminKey !== undefined) {
    const { adminKey } = context;
    const session = page && openAdminSession({ ...context, adminKey });
    adminRoutes(app, context, adminKey, session?.stands);
    if (session) adminSessionRoutes(app, context, session, adminKey);
    documentRoutes(app, "/admin/v1", adminOpenApiDocument(VERSION));
  }
  docsAssets(app);
  if (page) webRoutes(app, context, page, document);
  return app;
}
