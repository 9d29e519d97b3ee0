import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Ledger, openLedger } from "@atoma/ledger";
import { startPostgres, startTcpProxy, type TcpProxy, type TestPostgres } from "@atoma/ledger/test-support";
import { form, png } from "./support/edits.ts";
import { eventually, startWorld, type World } from "./support/gateway.ts";
import { manualClock } from "./support/manual-clock.ts";
import { adminDocument, checkedFetch, document } from "./support/openapi.ts";

// What holds of every route of the two documents, so that no route that is added is forgotten: whose key opens it, what becomes
// of that when the key ends, what it says while the database is away, and which actions the audit log tells.
const adminKey = "sk-atoma-admin-test";
/** For everybody. */
const OPEN = ["GET /health", "GET /v1/images/files/{name}"];

let server: TestPostgres;
let proxy: TcpProxy;
let truth: Ledger;
let world: World;
let joinToken = "";
const clock = manualClock(Date.now());

before(async () => {
  server = await startPostgres();
  proxy = await startTcpProxy(Number(new URL(server.url).port));
  truth = await openLedger(server.url);
  const url = new URL(server.url);
  url.port = String(proxy.port);
  world = await startWorld({ clock, ledgerUrl: url.href, adminKey, webhookTargets: "any", ledgerPatienceMs: 0 });
  ({ token: joinToken } = await truth.nodes.expect("joining", { actor: "test" }));
});
after(async () => {
  await world[Symbol.asyncDispose]();
  await proxy[Symbol.asyncDispose]();
  await truth.close();
  await server.stop();
});

interface Route {
  readonly name: string;
  readonly method: string;
  readonly template: string;
  readonly opens: "user" | "admin" | "node";
}

const routes: Route[] = [document, adminDocument].flatMap(({ paths }) =>
  Object.entries(paths).flatMap(([template, methods]) =>
    Object.keys(methods)
      .filter((verb) => verb !== "parameters")
      .map((verb) => {
        const opens = template.startsWith("/admin/") ? "admin" : template.startsWith("/v1/nodes/") ? "node" : "user";
        return { name: `${verb.toUpperCase()} ${template}`, method: verb.toUpperCase(), template, opens } as const;
      }),
  ),
);
const locked = routes.filter(({ name }) => !OPEN.includes(name));

/** What each action of an operator asks for, in an order in which all of them work, and what the audit log calls it. */
const ACTIONS: Record<string, { readonly body?: object; readonly logged: string; readonly subject: string }> = {
  "POST /admin/v1/accounts": { body: { name: "team" }, logged: "account.create", subject: "made" },
  "POST /admin/v1/accounts/{id}/grants": {
    body: { units: 5, reference: "r" },
    logged: "account.grant",
    subject: "account",
  },
  "POST /admin/v1/keys": { logged: "key.create", subject: "made" },
  "PATCH /admin/v1/keys/{id}": { body: { name: "renamed" }, logged: "key.update", subject: "key" },
  "POST /admin/v1/keys/{id}/disable": { logged: "key.disable", subject: "key" },
  "POST /admin/v1/keys/{id}/enable": { logged: "key.enable", subject: "key" },
  "PUT /admin/v1/keys/{id}/webhook": { body: { url: "http://127.0.0.1:9/" }, logged: "key.webhook", subject: "key" },
  "DELETE /admin/v1/keys/{id}/webhook": { logged: "key.webhook_remove", subject: "key" },
  "POST /admin/v1/keys/{id}/revoke": { logged: "key.revoke", subject: "key" },
  "POST /admin/v1/nodes": { body: { name: "two", url: "http://127.0.0.1:9" }, logged: "node.add", subject: "node" },
  "POST /admin/v1/nodes/{name}/drain": { logged: "node.drain", subject: "node" },
  "POST /admin/v1/nodes/{name}/resume": { logged: "node.resume", subject: "node" },
  "DELETE /admin/v1/nodes/{name}": { logged: "node.remove", subject: "node" },
};

interface Subjects {
  readonly account: string;
  readonly key: string;
  readonly node: string;
}

/** A right request to the route, but for what is missing where it points. */
function ask({ name, method, template }: Route, key: string | undefined, subjects?: Subjects): Promise<Response> {
  const of = template.includes("/keys/") ? subjects?.key : subjects?.account;
  const path = template
    .replace("/generations/{id}", "/generations/gen_0000000000")
    .replace("/models/{id}", "/models/scripted")
    .replace("{id}", of ?? (template.includes("/keys/") ? "key0000000000" : world.accountId))
    .replace("{name}", subjects?.node ?? "nobody");
  const bodies: Record<string, object> = {
    "POST /v1/images/generations": { model: "scripted", prompt: "p" },
    "POST /v1/nodes/heartbeat": { url: "http://127.0.0.1:9" },
    "POST /admin/v1/keys": { account_id: subjects?.account ?? world.accountId, name: "k" },
  };
  const json = bodies[name] ?? ACTIONS[name]?.body;
  const body = name === "POST /v1/images/edits" ? form({ image: png }) : json && JSON.stringify(json);
  const headers = {
    ...(key !== undefined && { authorization: `Bearer ${key}` }),
    ...(json && { "content-type": "application/json" }),
  };
  return checkedFetch(world.gateway.url + path, { method, headers, ...(body && { body }) });
}

const codeOf = async (answer: Response) => ((await answer.json()) as { error: { code: string } }).error.code;
const freshKey = async () => {
  const { key, record } = await truth.createKey({ accountId: world.accountId, name: "k" });
  return { key, id: record.id };
};

test("the table of actions is that of the document", () => {
  const changing = routes.filter(({ opens, method }) => opens === "admin" && method !== "GET").map(({ name }) => name);
  assert.deepEqual(Object.keys(ACTIONS).sort(), changing.sort());
  assert.ok(locked.length > 25);
});

test("each route opens with its own kind of key only", async () => {
  const keys = {
    user: world.key,
    admin: adminKey,
    node: joinToken,
    wrong: `${world.key.slice(0, -3)}abc`,
    none: undefined,
  };
  for (const route of locked) {
    for (const [kind, key] of Object.entries(keys)) {
      if (kind === route.opens) continue;
      const answer = await ask(route, key);
      assert.equal(answer.status, 401, `${route.name} with ${kind}`);
      assert.equal(await codeOf(answer), kind === "none" ? null : "invalid_api_key", route.name);
    }
  }
});

test("a key that ends opens no route after a second, whatever it ends by", async () => {
  const ends = {
    revoked: (id: Parameters<Ledger["revokeKey"]>[0]) => truth.revokeKey(id),
    disabled: (id: Parameters<Ledger["disableKey"]>[0]) => truth.disableKey(id),
    expired: (id: Parameters<Ledger["updateKey"]>[0]) => truth.updateKey(id, { expiresAt: clock.now() }),
  };
  for (const [how, end] of Object.entries(ends)) {
    const { key, id } = await freshKey();
    assert.equal((await world.get("/v1/models", { authorization: `Bearer ${key}` })).status, 200);
    await end(id);
    await clock.advance(1_000);
    for (const route of locked.filter(({ opens }) => opens === "user")) {
      assert.equal((await ask(route, key)).status, 401, `${route.name}, ${how}`);
    }
  }
});

test("every action of an operator is in the audit log, once, with who, what and to whom; what only reads is not", async () => {
  const made: { -readonly [kind in keyof Subjects]: string } = { account: world.accountId, key: "", node: "two" };
  const newest = async () => (await truth.listAudit({ limit: 1 }))[0] ?? assert.fail();
  for (const [name, { logged, subject }] of Object.entries(ACTIONS)) {
    const before = await newest();
    const answer = await ask(routes.find((route) => route.name === name) ?? assert.fail(name), adminKey, made);
    assert.ok(answer.status < 300, `${name}: ${answer.status} ${await answer.clone().text()}`);
    const id = answer.status === 201 ? ((await answer.json()) as { id?: string }).id : undefined;
    if (name === "POST /admin/v1/accounts") made.account = id ?? "";
    if (name === "POST /admin/v1/keys") made.key = id ?? "";
    const entry = await newest();
    assert.equal(entry.seq, before.seq + 1, name);
    const about = subject === "made" ? id : made[subject as keyof typeof made];
    assert.deepEqual([entry.actor, entry.action, entry.subject], ["admin api", logged, about], name);
  }
  const before = await newest();
  for (const route of routes.filter(({ opens, method }) => opens === "admin" && method === "GET")) {
    await ask(route, adminKey, made);
  }
  assert.deepEqual(await newest(), before);
});

test("while the database is away every route says 503 and when to come back; afterwards all is well by itself", async () => {
  const { key } = await freshKey();
  await Promise.all([proxy.breakAt("SELECT", "request"), world.get("/health")]);
  const keys = { user: key, admin: adminKey, node: joinToken };
  for (const route of locked) {
    const answer = await ask(route, keys[route.opens]);
    // What this gateway is at, it knows by itself: an operator sees it also now.
    if (route.name === "GET /admin/v1/requests") {
      assert.equal(answer.status, 200);
      continue;
    }
    assert.deepEqual([answer.status, await codeOf(answer)], [503, "overloaded"], route.name);
    assert.ok(Number(answer.headers.get("retry-after")) >= 1, route.name);
  }
  const health = await world.get("/health");
  assert.deepEqual([health.status, health.json.message], [503, "the ledger is away"]);
  proxy.restore();
  await eventually(async () => (await world.get("/health")).status === 200);
  for (const route of locked) {
    const { status } = await ask(route, keys[route.opens]);
    assert.ok(status < 500 && status !== 401, `${route.name}: ${status}`);
  }
  assert.equal((await world.generate({}, { authorization: `Bearer ${key}` })).status, 200);
});
