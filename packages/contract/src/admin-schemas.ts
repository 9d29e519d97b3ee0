import Type, { type TProperties, type TSchema } from "typebox";
import { ErrorResponse, strings } from "./schemas.ts";

/** Kinds of nodes; how to speak with each is in the gateway's `nodes`. */
export const DIALECT_NAMES = ["atoma", "openai", "vllm-omni", "sglang", "sdcpp", "mistralrs", "localai"] as const;
export type DialectName = (typeof DIALECT_NAMES)[number];

export const HOLD_STATES = ["held", "posted", "voided", "expired"] as const;

const MAX_TIME_MS = 8_640_000_000_000_000;

const orNull = <T extends TSchema>(schema: T, description?: string) =>
  Type.Union([schema, Type.Null()], description === undefined ? {} : { description });
const units = (description: string) =>
  Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: `Compute units: ${description}` });
const count = (description?: string) => Type.Integer({ minimum: 0, ...(description !== undefined && { description }) });
const time = (description: string) =>
  Type.Integer({ minimum: 0, maximum: MAX_TIME_MS, description: `${description}, in milliseconds since the epoch.` });
const timeOrNull = (description: string) => orNull(time(description));
const line = (maxLength: number, description: string) => Type.String({ minLength: 1, maxLength, description });
const id = (description: string) => Type.String({ pattern: "^[A-Za-z0-9_-]{4,64}$", description });
const uri = (description: string) => Type.String({ format: "uri", maxLength: 2048, description });
const list = <T extends TSchema>(item: T) => Type.Object({ data: Type.Array(item) });
/** A body: what it does not list is refused. */
const body = <T extends TProperties>(properties: T) => Type.Object(properties, { additionalProperties: false });

const accountId = id("The account.");
const keyId = id("The key's public id: the part of the key that is no secret.");

const Account = Type.Object({
  id: accountId,
  name: line(256, "For people."),
  created_at: time("When it was made"),
  credits: units("all that was granted."),
  posted: units("all that was charged."),
  pending: units("held for pictures that are being made."),
  available: units("`credits − posted − pending`."),
});
const NewAccount = body({ name: Account.properties.name });

const Grant = body({
  units: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description: "Compute units to add." }),
  reference: line(256, "Names this grant within the account; sent again with the same units, it changes nothing."),
  memo: Type.Optional(Type.String({ maxLength: 1024, description: "For people." })),
});
const Granted = Type.Object({
  account: Account,
  already_granted: Type.Boolean({ description: "Whether this reference had granted these units before." }),
});

const limit = (description: string) =>
  orNull(Type.Integer({ minimum: 1, maximum: 1_000_000_000 }), `${description} Null: no limit.`);
const rights = {
  expires_at: timeOrNull("When the key ends"),
  allowed_models: orNull(
    Type.Array(line(256, "Of a model: its id; an alias stands for the model that it names when it is given."), {
      maxItems: 1000,
    }),
    "Which models the key may use. Null: all.",
  ),
  response_format: orNull(
    Type.Union([Type.Literal("both"), Type.Literal("url"), Type.Literal("b64_json")]),
    "What answers carry where a request does not say. Null: what the gateway's setting says.",
  ),
  requests_per_minute: limit("Requests a minute."),
  images_per_minute: limit("Pictures a minute."),
  concurrent_requests: limit("Requests at a time."),
};
const givenRights = Type.Partial(Type.Object(rights)).properties;

const keyName = line(256, "For people.");
const Key = Type.Object({
  id: keyId,
  account_id: accountId,
  name: keyName,
  last_four: Type.String({ description: "The last four characters of the key." }),
  created_at: time("When it was made"),
  last_used_at: timeOrNull("When it was last used"),
  disabled_at: timeOrNull("When it was disabled; null while it is not"),
  revoked_at: timeOrNull("When it was revoked; null while it is not"),
  ...rights,
});
const NewKey = body({ account_id: accountId, name: keyName, ...givenRights });
const CreatedKey = Type.Object({
  key: Type.String({ description: "The key itself. It is shown here and never again." }),
  ...Key.properties,
});
const KeyChange = body({ name: Type.Optional(keyName), ...givenRights });

const webhookUrl = uri("Where the key is told that an asynchronous generation has ended.");
const Webhook = Type.Object({ url: webhookUrl, created_at: time("When it was set") });
const WebhookTarget = body({ url: webhookUrl });
const CreatedWebhook = Type.Object({
  ...Webhook.properties,
  secret: Type.String({ description: "What it is signed with. It is shown here and never again." }),
});

const nodeName = Type.String({ pattern: "^[!-~]{1,64}$", description: "Of the node, among all gateways." });
const dialect = strings(DIALECT_NAMES);
const Node = Type.Object({
  name: nodeName,
  url: orNull(Type.String(), "Its origin; null until it has joined."),
  dialect: orNull(dialect),
  source: strings(["configuration", "ledger"]),
  joins: Type.Boolean({ description: "Whether it joins with a credential of its own." }),
  draining: Type.Boolean({ description: "Whether an operator wants it to get nothing new." }),
  leaving: Type.Boolean({ description: "Whether it said itself that it is about to stop." }),
  expires_at: timeOrNull("When it is gone unless it says that it is there; null where it stays"),
  ready: Type.Boolean({ description: "Whether this gateway reaches it." }),
  reason: orNull(Type.String(), "Why it is not ready, where that is known."),
  circuit: Type.Union(
    ["closed", "open", "trial"].map((state) => Type.Literal(state)),
    {
      description:
        "`open`: it failed again and again and gets nothing; `trial`: one request tries whether it works again.",
    },
  ),
  opens_in_ms: orNull(count(), "How long it gets nothing, because it failed or said that it is busy."),
  in_flight: count("Requests of this gateway that it works on."),
  max_concurrent: orNull(Type.Integer({ minimum: 1 }), "How many requests it gets at a time."),
  models: Type.Array(Type.String(), { description: "Ids of the models that it serves." }),
});
const Nodes = Type.Object({
  data: Type.Array(Node),
  waiting: count("Requests of this gateway that wait for a node."),
});
const NodeModel = Type.Object(
  { id: line(256, "What clients call it."), upstream: Type.Optional(line(256, "What the node calls it.")) },
  {
    additionalProperties: true,
    description: "A model that a foreign node serves, with any key of `capabilities` that differs from the default.",
  },
);
const NewNode = body({
  name: nodeName,
  url: uri("An http or https origin: no path, no user."),
  dialect: Type.Optional(strings(DIALECT_NAMES, "Default `atoma`.")),
  token: Type.Optional(Type.String({ pattern: "^[!-~]{1,512}$", description: "The gateways' credential there." })),
  models: Type.Optional(
    Type.Array(NodeModel, { minItems: 1, description: "For every dialect but `atoma`, and only for those." }),
  ),
  max_concurrent: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 })),
  joins: Type.Optional(Type.Literal(false)),
});
const NewJoiningNode = body({ name: nodeName, joins: Type.Literal(true) });
const JoiningNode = Type.Object({
  join_token: Type.String({ description: "What it joins with. It is shown here and never again." }),
  ...Node.properties,
});

const Heartbeat = body({
  url: uri("Where gateways reach the node: an http or https origin, without path or user."),
  token: Type.Optional(NewNode.properties.token),
  leaving: Type.Optional(Type.Boolean({ description: "Whether it is about to stop, and wants nothing new." })),
});
const Heard = Type.Object({
  name: nodeName,
  draining: Node.properties.draining,
  expires_at: time("When it is taken to be gone unless it says again that it is there"),
});

const Usage = Type.Object({
  day: Type.String({ format: "date", description: "In UTC." }),
  account_id: accountId,
  key_id: keyId,
  model: Type.String(),
  requests: count(),
  images: count(),
  units: units("charged."),
});

const latency = (share: number) =>
  orNull(
    count(),
    `Within this time, in ms, ${share} % of the requests that succeeded were answered, from their first byte to the answer's ` +
      "last; to within 4.5 %. Null: none succeeded.",
  );
const ActivityPoint = Type.Object({
  start: time("When it begins"),
  group: Type.String({ description: "Id of the account or key, or the model, by `group`; empty for `none`." }),
  requests: count("Requests that named a model they may use, by when they ended."),
  succeeded: count("Of these, answered with all their pictures."),
  refused: count("Of these, answered with 4xx, such as no balance left or a limit."),
  failed: count("Of these, answered with 5xx."),
  left: count("Of these, those whose client left before its answer was complete, or cancelled it."),
  images: count("Pictures that were delivered."),
  units: units("charged for them."),
  p50_ms: latency(50),
  p95_ms: latency(95),
  p99_ms: latency(99),
});
const LiveRequest = Type.Object({
  id: Type.String({ description: "Its `x-request-id`." }),
  account_id: accountId,
  key_id: keyId,
  model: Type.String(),
  operation: strings(["image_generation", "image_edit"]),
  images: count("Pictures that it asks for."),
  width: count(),
  height: count(),
  units: units("held for it."),
  started_at: time("When its units were held"),
  node: orNull(Type.String(), "The node that has it; null while it waits for one."),
  step: orNull(count(), "How many steps of a picture are done, where the node tells."),
  steps: orNull(count(), "Of how many."),
});

const holdId = id("The hold.");
const Hold = Type.Object({
  id: holdId,
  account_id: accountId,
  key_id: keyId,
  request_id: Type.String({ description: "The `x-request-id` of the request that it pays for." }),
  model: Type.String(),
  images: count(),
  units: units("held."),
  price: Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()]), {
    description: "What the units were computed from.",
  }),
  created_at: time("When it was made"),
  deadline: time("When it is let go at the latest"),
  state: strings(HOLD_STATES),
  posted_units: units("charged."),
  resolved_at: timeOrNull("When it left `held`"),
});
const Holds = Type.Object({
  data: Type.Array(Hold, { description: "Newest first; fewer than the limit, even none, when they are rare." }),
  next: orNull(holdId, "`before` of the next page; null: there is nothing older."),
});

const AuditEntry = Type.Object({
  seq: Type.Integer({ minimum: 1 }),
  at: time("When it was done"),
  actor: Type.String({ description: "Who did it; `admin api` for what is done here." }),
  action: Type.String({ description: "Such as `key.create`." }),
  subject: Type.String({ description: "What it was done to: an id or a name." }),
  details: Type.Object({}, { additionalProperties: true }),
});

const Discrepancy = Type.Object({
  what: Type.String({ description: "What was compared." }),
  subject: Type.String({ description: "The account, the hold or the journal in which it is." }),
  expected: Type.Integer(),
  found: Type.Integer(),
});
const Verification = Type.Object({
  discrepancies: Type.Array(Discrepancy, { description: "Empty when the books are right." }),
});

/** What the admin API, and nodes that join, ask and are answered, by the names that its OpenAPI document gives them. */
export const adminSchemas = {
  Account,
  AccountList: list(Account),
  AuditEntry,
  AuditLog: list(AuditEntry),
  CreatedKey,
  CreatedWebhook,
  ErrorResponse,
  Grant,
  Granted,
  Heard,
  Heartbeat,
  Hold,
  Holds,
  JoiningNode,
  Key,
  KeyChange,
  KeyList: list(Key),
  NewAccount,
  NewJoiningNode,
  NewKey,
  NewNode,
  Node,
  Nodes,
  ActivityPoint,
  ActivityList: list(ActivityPoint),
  LiveRequest,
  LiveRequestList: list(LiveRequest),
  UsageList: list(Usage),
  Verification,
  Webhook,
  WebhookTarget,
};

/** What the admin API sends and takes, by the name of its schema. */
export type AdminWire<Name extends keyof typeof adminSchemas> = Type.Static<(typeof adminSchemas)[Name]>;
