import { errors } from "@atoma/contract";
import {
  correlationId,
  deferContinue,
  guardConnections,
  inviteBody,
  knownMethods,
  newRequestId,
  requireOneReading,
  sendError,
  toOriginForm,
} from "@atoma/http";
import fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
} from "fastify";
import type { Logger } from "pino";
import type { ServerTls } from "../node-options.ts";
import { authenticator } from "./authenticate.ts";
import { toApiError } from "./to-api-error.ts";

/** A generation request is a prompt and some settings: this is eight times the longest prompt. */
export const BODY_LIMIT = 256 * 1024;
const MAX_HEADER_BYTES = 16 * 1024;
const MAX_CONNECTIONS = 1024;
const HANDSHAKE_MS = 10_000;
/** Longer than clients keep an idle connection, so that they close first and no request meets a closing server. */
const KEEP_ALIVE_MS = 75_000;

/** What gateways and supervisors ask every few seconds. */
const PROBES = new Set(["/healthz", "/readyz", "/v1/load"]);

export interface ServerOptions {
  readonly logger: Logger;
  readonly token: string | undefined;
  readonly tls: ServerTls | undefined;
  /** For receiving one request, headers and body. */
  readonly requestMs: number;
}

function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply, logger: Logger): void {
  const known = toApiError(error, request, BODY_LIMIT);
  if (known.status === 500) logger.error({ requestId: request.id, err: known.cause ?? known }, "request failed");
  sendError(request, reply, known);
}

const httpsOptions = ({ cert, key, clientCa }: ServerTls) => ({
  cert,
  key,
  handshakeTimeout: HANDSHAKE_MS,
  ...(clientCa !== undefined && { ca: clientCa, requestCert: true, rejectUnauthorized: true }),
});

/** One line for each request: never a prompt, a key or a picture. */
function logResponses(app: FastifyInstance, logger: Logger): void {
  app.addHook("onRequest", async (request, reply) => {
    const started = performance.now();
    // An edit has eleven that wait for its end, Fastify's and Node's own included; Node warns of a leak at more than ten.
    reply.raw.setMaxListeners(20);
    reply.raw.once("close", () => {
      const route = request.routeOptions.url ?? null;
      logger[PROBES.has(route ?? "") ? "debug" : "info"](
        {
          method: request.method,
          route,
          status: reply.raw.writableFinished ? reply.raw.statusCode : 499,
          ms: Math.round(performance.now() - started),
          requestId: request.id,
          correlationId: correlationId(request.headers["x-request-id"]),
        },
        "request",
      );
    });
  });
}

/**
 * A Fastify server without routes: bodies arrive as bytes, every answer has an `x-request-id`, every error is an
 * envelope of the contract, and what is received has limits in size and time.
 */
export function createServer({ logger, token, tls, requestMs }: ServerOptions): FastifyInstance {
  const authenticate = token === undefined ? undefined : authenticator(token);
  const connections = guardConnections();
  const known = knownMethods();
  const limits = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: Math.min(requestMs, 10_000),
    // How often Node looks for requests past their time.
    connectionsCheckingInterval: Math.min(requestMs, 5_000),
    requireHostHeader: false, // requireOneReading answers with an envelope
  };
  const options: FastifyServerOptions = {
    logger: false,
    bodyLimit: BODY_LIMIT,
    requestTimeout: requestMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    forceCloseConnections: "idle",
    requestIdHeader: false,
    genReqId: newRequestId,
    rewriteUrl: toOriginForm,
    exposeHeadRoutes: true,
    routerOptions: { maxParamLength: 512 },
    clientErrorHandler: connections.refuse,
    // The router's: a target that is badly escaped, or an id that is too long to be one.
    frameworkErrors: (_error, request, reply) => {
      reply.headers({ "x-request-id": request.id });
      sendError(request, reply, known.refusal(request.method, request.url));
    },
  };
  const transport = tls ? { https: { ...limits, ...httpsOptions(tls) } } : { http: limits };
  // Fastify's types tell the two kinds of servers apart; in all that is done with one here they are alike.
  const app: FastifyInstance = fastify({ ...options, ...transport });
  app.server.maxConnections = MAX_CONNECTIONS;
  deferContinue(app.server);
  connections.watch(app.server);

  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  app.addHook("onRoute", ({ url, method }) => known.add(url, method));
  logResponses(app, logger);
  app.addHook("onRequest", async (request, reply) => {
    reply.headers({ "x-request-id": request.id, "x-content-type-options": "nosniff", "cache-control": "no-store" });
    requireOneReading(request.raw);
    // Before Fastify looks at a body that nobody would read.
    if (request.is404) throw known.refusal(request.method, request.url);
    if (request.routeOptions.url?.startsWith("/v1/")) authenticate?.(request.raw);
    const encoding = request.headers["content-encoding"] ?? "";
    if (!/^(?:identity)?$/i.test(encoding)) throw errors.unsupportedEncoding(encoding);
  });
  app.addHook("preParsing", async (request) => inviteBody(request.raw));
  app.setNotFoundHandler(async (request) => {
    throw known.refusal(request.method, request.url);
  });
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply, logger));
  return app;
}
