import { adminSchemas, errors, parseJsonObject } from "@atoma/contract";
import { readKey } from "@atoma/http";
import { LedgerInputError } from "@atoma/ledger";
import type { FastifyInstance } from "fastify";
import type { Context } from "../context.ts";
import { flag, onlyFieldsOf, requiredOrigin, text } from "../http/body-fields.ts";
import { readBody, requireJson } from "../http/read-body.ts";
import { LIFE_MS } from "./shared-nodes.ts";

const MAX_TOKEN = 512;
const MAX_BODY = { maxBytes: 16 * 1024, timeoutMs: 5_000 };

/**
 * `POST /v1/nodes/heartbeat`: a node says that it is there, where, and whether it is about to stop. Its credential is the
 * one that `atoma nodes expect` showed, and stands for its name.
 */
export function nodeHeartbeat(app: FastifyInstance, context: Context): void {
  app.post("/v1/nodes/heartbeat", async (request) => {
    const token = readKey(request.raw);
    if (token.length > MAX_TOKEN) throw errors.invalidKey("***");
    requireJson(request.headers);
    const body = parseJsonObject(await readBody(request.raw, MAX_BODY, context.clock));
    onlyFieldsOf(body, adminSchemas.Heartbeat);
    const beat = {
      url: requiredOrigin(body, "url"),
      token: text(body, "token"),
      leaving: flag(body, "leaving") ?? false,
    };
    const node = await context.ledger.nodes
      .heartbeat(token, beat, context.clock.now() + LIFE_MS)
      .catch((error: unknown) => {
        throw error instanceof LedgerInputError ? errors.badRequest(`${error.message}.`) : error;
      });
    if (!node) throw errors.invalidKey("***");
    return { name: node.name, draining: node.draining, expires_at: node.expiresAt };
  });
}
