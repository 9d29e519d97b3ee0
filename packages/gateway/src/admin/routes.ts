import { ApiError, adminSchemas, errors, HOLD_STATES, parseJsonObject } from "@atoma/contract";
import {
  accountIdFrom,
  holdIdFrom,
  type KeyChange,
  keyIdFrom,
  LedgerInputError,
  RESPONSE_DEFAULTS,
} from "@atoma/ledger";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Context } from "../context.ts";
import { oneOrNull, onlyFieldsOf, requiredText, text, textsOrNull, whole, wholeOrNull } from "../http/body-fields.ts";
import { readBody, requireJson } from "../http/read-body.ts";
import type { Registry } from "../nodes/registry.ts";
import { checkTarget, ForbiddenTarget, type WebhookTargets } from "../webhooks/target.ts";
import { adminActivity } from "./activity.ts";
import { adminGate, type SessionStands } from "./authenticate-admin.ts";
import { sendRows } from "./csv.ts";
import { adminNodes } from "./nodes.ts";
import { cursorOf, limitOf, queryOf } from "./query.ts";
import { accountToWire, auditToWire, holdToWire, keyToWire, usageToWire, webhookToWire } from "./to-wire.ts";

const BY = { actor: "admin api" };
/** As the ledger has them: for limits of keys, and ms since the epoch. */
const MAX_LIMIT = 1_000_000_000;
const MAX_TIME = 8_640_000_000_000_000;

type WithId = { Params: { id: string } };

/** What the ledger finds wrong with an argument, as an error of the catalogue. */
function inputError(error: LedgerInputError): ApiError {
  const status = error.code.endsWith("_not_found") ? 404 : 400;
  return new ApiError(status, `${error.message}.`, { code: error.code });
}

async function bodyOf(request: FastifyRequest, context: Context): Promise<Record<string, unknown>> {
  requireJson(request.headers);
  return parseJsonObject(await readBody(request.raw, context.body, context.clock));
}

/** The rights a body gives a key; what it does not mention is absent. */
function rightsOf(body: Record<string, unknown>, { modelId }: Registry): KeyChange {
  const limits = {
    requestsPerMinute: wholeOrNull(body, "requests_per_minute", 1, MAX_LIMIT),
    imagesPerMinute: wholeOrNull(body, "images_per_minute", 1, MAX_LIMIT),
    concurrentRequests: wholeOrNull(body, "concurrent_requests", 1, MAX_LIMIT),
  };
  const models = textsOrNull(body, "allowed_models");
  const given = Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
  return {
    expiresAt: wholeOrNull(body, "expires_at", 0, MAX_TIME),
    responseFormat: oneOrNull(body, "response_format", RESPONSE_DEFAULTS),
    // What a key may use is a model, whatever its names are: an alias that is given to another one later changes no rights.
    allowedModels: models?.map(modelId) ?? models,
    ...(Object.keys(given).length > 0 && { limits: given }),
  };
}

/** A URL where webhooks may go. Throws ApiError 400. */
function targetOf(url: string, targets: WebhookTargets): string {
  try {
    return checkTarget(url, targets).href;
  } catch (error) {
    if (error instanceof ForbiddenTarget) throw errors.conflict("url", `Invalid 'url': ${error.message}.`);
    throw error;
  }
}

/** `/admin/v1/…`: accounts, grants, keys, usage, holds and the audit log, for the holder of the admin key only, who may have shown it to the dashboard. */
export function adminRoutes(
  app: FastifyInstance,
  context: Context,
  adminKey: string,
  stands: SessionStands | undefined,
): void {
  const { ledger } = context;
  const gate = adminGate(adminKey, stands);

  app.register(
    async (admin) => {
      admin.addHook("onRequest", async (request) => gate(request));
      admin.setErrorHandler((error) => {
        throw error instanceof LedgerInputError ? inputError(error) : error;
      });

      admin.get("/accounts", async (request) => {
        const query = queryOf(request);
        const after = cursorOf(query, "account");
        const page = { after: after === undefined ? undefined : accountIdFrom(after), limit: limitOf(query) };
        return { data: (await ledger.listAccounts(page)).map(accountToWire) };
      });
      admin.post("/accounts", async (request, reply) => {
        const body = await bodyOf(request, context);
        onlyFieldsOf(body, adminSchemas.NewAccount);
        reply.code(201);
        return accountToWire(await ledger.createAccount({ name: requiredText(body, "name"), ...BY }));
      });
      admin.get<WithId>("/accounts/:id", async ({ params }) => {
        const account = await ledger.getAccount(accountIdFrom(params.id));
        if (!account) throw new LedgerInputError("account_not_found", "there is no such account");
        return accountToWire(account);
      });
      admin.post<WithId>("/accounts/:id/grants", async (request) => {
        const body = await bodyOf(request, context);
        onlyFieldsOf(body, adminSchemas.Grant);
        const units = whole(body, "units", 1);
        if (units === undefined) throw errors.missingParameter("units");
        const grant = { reference: requiredText(body, "reference"), memo: text(body, "memo"), ...BY };
        const { account, alreadyGranted } = await ledger.grant(accountIdFrom(request.params.id), units, grant);
        return { account: accountToWire(account), already_granted: alreadyGranted };
      });

      admin.get("/keys", async (request) => {
        const query = queryOf(request);
        const { account_id: account } = query;
        const after = cursorOf(query, "key");
        const keys = await ledger.listKeys({
          after: after === undefined ? undefined : keyIdFrom(after),
          accountId: account === undefined ? undefined : accountIdFrom(account),
          limit: limitOf(query),
        });
        return { data: keys.map(keyToWire) };
      });
      admin.post("/keys", async (request, reply) => {
        const body = await bodyOf(request, context);
        onlyFieldsOf(body, adminSchemas.NewKey);
        const accountId = accountIdFrom(requiredText(body, "account_id"));
        const name = requiredText(body, "name");
        const { key, record } = await ledger.createKey({ ...rightsOf(body, context.registry), accountId, name, ...BY });
        reply.code(201);
        return { key, ...keyToWire(record) };
      });
      admin.patch<WithId>("/keys/:id", async (request) => {
        const body = await bodyOf(request, context);
        onlyFieldsOf(body, adminSchemas.KeyChange);
        const change = { ...rightsOf(body, context.registry), name: text(body, "name"), ...BY };
        return keyToWire(await ledger.updateKey(keyIdFrom(request.params.id), change));
      });
      const actions = { disable: ledger.disableKey, enable: ledger.enableKey, revoke: ledger.revokeKey };
      for (const [name, act] of Object.entries(actions)) {
        admin.post<WithId>(`/keys/:id/${name}`, async ({ params }) =>
          keyToWire(await act.call(ledger, keyIdFrom(params.id), BY)),
        );
      }

      admin.get<WithId>("/keys/:id/webhook", async ({ params }) => {
        const webhook = await ledger.getWebhook(keyIdFrom(params.id));
        if (!webhook) throw errors.noWebhook();
        return webhookToWire(webhook);
      });
      admin.put<WithId>("/keys/:id/webhook", async (request) => {
        const body = await bodyOf(request, context);
        onlyFieldsOf(body, adminSchemas.WebhookTarget);
        const url = targetOf(requiredText(body, "url"), context.webhookTargets);
        const { secret, ...webhook } = await ledger.setWebhook(keyIdFrom(request.params.id), url, BY);
        return { ...webhookToWire(webhook), secret };
      });
      admin.delete<WithId>("/keys/:id/webhook", async ({ params }, reply) => {
        if (!(await ledger.removeWebhook(keyIdFrom(params.id), BY))) throw errors.noWebhook();
        return reply.code(204).send();
      });

      adminActivity(admin, context);
      adminNodes(admin, context, (request) => bodyOf(request, context));

      admin.get("/usage", async (request, reply) => {
        const query = queryOf(request);
        const today = new Date(context.clock.now()).toISOString().slice(0, 10);
        const rows = await ledger.usage({
          from: query.from ?? today,
          to: query.to ?? today,
          accountId: query.account_id === undefined ? undefined : accountIdFrom(query.account_id),
          keyId: query.key_id === undefined ? undefined : keyIdFrom(query.key_id),
          model: query.model,
        });
        const columns = ["day", "account_id", "key_id", "model", "requests", "images", "units"];
        return sendRows(request, reply, rows.map(usageToWire), columns);
      });
      admin.get("/holds", async (request) => {
        const query = queryOf(request);
        const { account_id: account, state } = query;
        const before = cursorOf(query, "hold");
        const known = HOLD_STATES.find((s) => s === state);
        if (state !== undefined && known === undefined) throw errors.invalidValue("state", state, HOLD_STATES);
        const { holds, next } = await ledger.listHolds({
          accountId: account === undefined ? undefined : accountIdFrom(account),
          before: before === undefined ? undefined : holdIdFrom(before),
          state: known,
          limit: limitOf(query),
        });
        return { data: holds.map(holdToWire), next };
      });
      admin.get("/audit", async (request) => {
        const query = queryOf(request);
        const after = cursorOf(query, "entry");
        const page = { after: after === undefined ? undefined : Number(after), limit: limitOf(query) };
        return { data: (await ledger.listAudit(page)).map(auditToWire) };
      });
      admin.get("/verify", async () => ({ discrepancies: await ledger.verify() }));
    },
    { prefix: "/admin/v1" },
  );
}
