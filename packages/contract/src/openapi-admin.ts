import { adminSchemas, HOLD_STATES } from "./admin-schemas.ts";
import { openApiParts, requestId, text } from "./openapi-parts.ts";

type Name = keyof typeof adminSchemas;
type Answer = Readonly<Record<string, unknown>>;
type Answers = Readonly<Record<string, Answer>>;

const { ref, json, failure } = openApiParts(adminSchemas);

const always = {
  "400": failure("The request is malformed: `param` or the message names what is wrong with it."),
  "401": {
    ...failure("No admin key, or a wrong one."),
    headers: { ...requestId, "www-authenticate": text("`Bearer`") },
  },
  "503": failure("The ledger cannot be reached; `retry-after` tells when to come back."),
};
const ofBodies = {
  "408": failure("The body did not arrive in time."),
  "413": failure("The body is too large."),
  "415": failure("The body is no `application/json`, or is compressed."),
};
const none = { "204": { description: "Done.", headers: requestId } };
const missing = (what: string) => ({ "404": failure(`There is no such ${what}.`) });

const inPath = (name: string, description: string) => ({
  name,
  in: "path",
  required: true,
  description,
  schema: { type: "string" },
});
const inQuery = (name: string, description: string, schema: object = { type: "string" }) => ({
  name,
  in: "query",
  required: false,
  description,
  schema,
});
const limit = inQuery("limit", "How many to give at most. Default 100.", {
  type: "integer",
  minimum: 1,
  maximum: 1000,
});
const day = (name: string, which: string) =>
  inQuery(name, `${which} UTC day, counted too. Default: today.`, { type: "string", format: "date" });
const ofAccount = inQuery("account_id", "Only of this account.");

/** One operation: what it answers when it goes well, and the refusals that only it has; the rest every one has. */
const operation = (operationId: string, tag: string, summary: string, answers: Answers, more: object = {}) => ({
  operationId,
  tags: [tag],
  summary,
  ...more,
  responses: { ...always, ...answers },
});
const withBody = (names: readonly Name[], operationOf: ReturnType<typeof operation>) => {
  const schema = names.length === 1 ? names.map(ref)[0] : { anyOf: names.map(ref) };
  return {
    ...operationOf,
    requestBody: { required: true, content: { "application/json": { schema } } },
    responses: { ...ofBodies, ...operationOf.responses },
  };
};

const accounts = {
  "/admin/v1/accounts": {
    get: operation(
      "listAccounts",
      "Accounts",
      "The accounts and their balances, oldest first",
      { "200": json("A page of them.", "AccountList") },
      { parameters: [inQuery("after", "The last id of the page before."), limit] },
    ),
    post: withBody(
      ["NewAccount"],
      operation("createAccount", "Accounts", "Make an account", { "201": json("The account.", "Account") }),
    ),
  },
  "/admin/v1/accounts/{id}": {
    parameters: [inPath("id", "Of the account.")],
    get: operation("getAccount", "Accounts", "One account and its balance", {
      "200": json("The account.", "Account"),
      ...missing("account"),
    }),
  },
  "/admin/v1/accounts/{id}/grants": {
    parameters: [inPath("id", "Of the account.")],
    post: withBody(
      ["Grant"],
      operation("grantUnits", "Accounts", "Add compute units; the same reference again changes nothing", {
        "200": json("The account afterwards.", "Granted"),
        ...missing("account"),
      }),
    ),
  },
};

const keyAction = (verb: string, summary: string) => ({
  [`/admin/v1/keys/{id}/${verb}`]: {
    parameters: [inPath("id", "The key's public id.")],
    post: operation(`${verb}Key`, "Keys", summary, { "200": json("The key.", "Key"), ...missing("key") }),
  },
});

const keys = {
  "/admin/v1/keys": {
    get: operation(
      "listKeys",
      "Keys",
      "The keys, oldest first; no secrets",
      { "200": json("A page of them.", "KeyList") },
      { parameters: [ofAccount, inQuery("after", "The last id of the page before."), limit] },
    ),
    post: withBody(
      ["NewKey"],
      operation("createKey", "Keys", "Make a key; only this answer shows it", {
        "201": json("The key.", "CreatedKey"),
        ...missing("account"),
      }),
    ),
  },
  "/admin/v1/keys/{id}": {
    parameters: [inPath("id", "The key's public id.")],
    patch: withBody(
      ["KeyChange"],
      operation("updateKey", "Keys", "Change a key's name or rights; what is not mentioned stays", {
        "200": json("The key.", "Key"),
        ...missing("key"),
      }),
    ),
  },
  ...keyAction("disable", "Let a key rest"),
  ...keyAction("enable", "Let a disabled key work again"),
  ...keyAction("revoke", "End a key for good"),
  "/admin/v1/keys/{id}/webhook": {
    parameters: [inPath("id", "The key's public id.")],
    get: operation("getWebhook", "Keys", "Where a key is told that a generation has ended", {
      "200": json("The webhook, without its secret.", "Webhook"),
      "404": failure("The key has no webhook."),
    }),
    put: withBody(
      ["WebhookTarget"],
      operation("setWebhook", "Keys", "Give a key a webhook, with a new secret; only this answer shows it", {
        "200": json("The webhook.", "CreatedWebhook"),
        ...missing("key"),
      }),
    ),
    delete: operation("removeWebhook", "Keys", "Take a key's webhook away", {
      ...none,
      "404": failure("The key has no webhook."),
    }),
  },
};

const nodeAction = (verb: string, summary: string) => ({
  [`/admin/v1/nodes/{name}/${verb}`]: {
    parameters: [inPath("name", "Of the node.")],
    post: operation(`${verb}Node`, "Nodes", summary, { "200": json("The node.", "Node"), ...missing("node") }),
  },
});

const nodes = {
  "/admin/v1/nodes": {
    get: operation("listNodes", "Nodes", "The nodes, as this gateway sees them", {
      "200": json("All of them, and how many requests wait.", "Nodes"),
    }),
    post: withBody(
      ["NewNode", "NewJoiningNode"],
      operation("addNode", "Nodes", "Add a node, or expect one that will join", {
        "201": json("The node; of one that will join, with its credential.", "Node", "JoiningNode"),
      }),
    ),
  },
  "/admin/v1/nodes/{name}": {
    parameters: [inPath("name", "Of the node.")],
    delete: operation("removeNode", "Nodes", "Remove a node that was added here", { ...none, ...missing("node") }),
  },
  ...nodeAction("drain", "Give a node nothing new"),
  ...nodeAction("resume", "Give a drained node requests again"),
  "/v1/nodes/heartbeat": {
    post: withBody(
      ["Heartbeat"],
      operation(
        "heartbeat",
        "Nodes",
        "A node that joins says that it is there, every few seconds, or that it is about to stop",
        { "200": json("It was heard.", "Heard"), "401": failure("No node is expected with this credential.") },
        { security: [{ joinToken: [] }] },
      ),
    ),
  },
};

const usage = json("Sums by day, account, key and model.", "UsageList");
const csv = {
  description: "The same by RFC 4180, with a header line: for `Accept: text/csv`.",
  type: "string",
  pattern: "^day,account_id,key_id,model,requests,images,units\\r\\n",
};

const activity = json("What happened, oldest first; stretches without a request are left out.", "ActivityList");
const activityCsv = {
  ...csv,
  pattern: "^start,group,requests,succeeded,refused,failed,left,images,units,p50_ms,p95_ms,p99_ms\\r\\n",
};
const moment = (name: string, what: string) => inQuery(name, what, { type: "integer", minimum: 0 });
const oneOf = (name: string, what: string, known: readonly string[]) =>
  inQuery(name, what, { type: "string", enum: known });

const monitoring = {
  "/admin/v1/activity": {
    get: operation(
      "getActivity",
      "Monitoring",
      "Requests, errors, pictures and latencies over time, as JSON or CSV",
      { "200": { ...activity, content: { ...activity.content, "text/csv": { schema: activityCsv } } } },
      {
        parameters: [
          moment("from", "Milliseconds since the epoch; its whole hour counts. Default: 24 hours before `to`."),
          moment("to", "Milliseconds since the epoch. Default: now."),
          oneOf("step", "Length of one point; days are those of UTC. Default `hour`.", ["hour", "day"]),
          oneOf("group", "One point for each of these. Default `none`.", ["none", "account", "key", "model"]),
          ofAccount,
          inQuery("key_id", "Only of this key."),
          inQuery("model", "Only of this model."),
        ],
      },
    ),
  },
  "/admin/v1/requests": {
    get: operation("listRequests", "Monitoring", "What this gateway is at now, oldest first", {
      "200": json("Requests whose units are held.", "LiveRequestList"),
    }),
  },
};

const books = {
  "/admin/v1/usage": {
    get: operation(
      "getUsage",
      "Books",
      "What was used, as JSON or CSV",
      { "200": { ...usage, content: { ...usage.content, "text/csv": { schema: csv } } } },
      {
        parameters: [
          day("from", "The first"),
          day("to", "The last"),
          ofAccount,
          inQuery("key_id", "Only of this key."),
          inQuery("model", "Only of this model."),
        ],
      },
    ),
  },
  "/admin/v1/holds": {
    get: operation(
      "listHolds",
      "Books",
      "Reservations of compute units, newest first",
      { "200": json("A page of them.", "Holds") },
      {
        parameters: [
          ofAccount,
          inQuery("state", "Only in this state.", { type: "string", enum: HOLD_STATES }),
          inQuery("before", "`next` of the page before."),
          limit,
        ],
      },
    ),
  },
  "/admin/v1/audit": {
    get: operation(
      "listAudit",
      "Books",
      "Every administrative action, newest first",
      { "200": json("A page of them.", "AuditLog") },
      {
        parameters: [inQuery("after", "The last `seq` of the page before.", { type: "integer", minimum: 0 }), limit],
      },
    ),
  },
  "/admin/v1/verify": {
    get: operation("verify", "Books", "Recompute every balance from the journal", {
      "200": json("What does not agree.", "Verification"),
    }),
  },
};

/** The admin API as an OpenAPI 3.1 document of its own. `version` is the gateway's. */
export function adminOpenApiDocument(version: string) {
  return {
    openapi: "3.1.0",
    info: {
      title: "Atoma admin API",
      version,
      description: "Accounts, keys, nodes and the books of a gateway, for the holder of its admin key.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    security: [{ adminKey: [] }],
    tags: ["Accounts", "Keys", "Nodes", "Monitoring", "Books"].map((name) => ({ name })),
    paths: { ...accounts, ...keys, ...nodes, ...monitoring, ...books },
    components: {
      securitySchemes: {
        adminKey: {
          type: "http",
          scheme: "bearer",
          description: "The gateway's `admin_key`; no user's key opens this.",
        },
        joinToken: {
          type: "http",
          scheme: "bearer",
          description: "A node's own, as the answer shows that says that it is expected.",
        },
      },
      schemas: adminSchemas,
    },
  };
}
