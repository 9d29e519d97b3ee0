import assert from "node:assert/strict";
import { after, test } from "node:test";
import { toCsv } from "../src/admin/csv.ts";
import { startWorld } from "./support/gateway.ts";
import { adminDocument, checkedFetch } from "./support/openapi.ts";

const adminKey = "sk-atoma-admin-test";
const world = await startWorld({ adminKey });
after(() => world[Symbol.asyncDispose]());

interface AdminAnswer {
  readonly status: number;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: bodies are asserted field by field
  readonly json: any;
}

async function admin(method: string, path: string, body?: object, headers = {}): Promise<AdminAnswer> {
  const response = await checkedFetch(`${world.gateway.url}/admin/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${adminKey}`, ...(body && { "content-type": "application/json" }), ...headers },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.includes("json");
  return { status: response.status, json: isJson ? JSON.parse(text) : undefined, text };
}

test("only the admin key opens it, and only where one is set", async () => {
  for (const key of [world.key, "nope", `${adminKey}x`]) {
    assert.equal((await admin("GET", "/accounts", undefined, { authorization: `Bearer ${key}` })).status, 401);
  }
  assert.equal((await checkedFetch(`${world.gateway.url}/admin/v1/accounts`)).status, 401);
  assert.equal((await world.generate({}, { authorization: `Bearer ${adminKey}` })).status, 401);
  await using closed = await startWorld();
  for (const path of ["/accounts", "/openapi.json", "/docs"]) {
    assert.equal((await fetch(`${closed.gateway.url}/admin/v1${path}`)).status, 404);
  }
});

test("an account, a grant, a key with limits; a picture; its usage and its hold", async () => {
  const { json: account, status } = await admin("POST", "/accounts", { name: "team" });
  assert.equal(status, 201);
  const grant = { units: 10_000, reference: "invoice-1" };
  const granted = await admin("POST", `/accounts/${account.id}/grants`, grant);
  assert.deepEqual([granted.json.account.available, granted.json.already_granted], [10_000, false]);
  assert.equal((await admin("POST", `/accounts/${account.id}/grants`, grant)).json.already_granted, true);

  const created = await admin("POST", "/keys", { account_id: account.id, name: "app", requests_per_minute: 5 });
  assert.equal(created.status, 201);
  assert.match(created.json.key, /^sk-atoma-/);
  const { key, ...record } = created.json;
  const listed = await admin("GET", `/keys?account_id=${account.id}`);
  assert.deepEqual(listed.json.data, [record]);
  assert.ok(!listed.text.includes(key.slice(-20)), "a key is shown once");

  const made = await world.generate({}, { authorization: `Bearer ${key}` });
  assert.equal(made.headers.get("x-ratelimit-limit-requests"), "5");
  const usage = await admin("GET", `/usage?account_id=${account.id}`);
  const [row] = usage.json.data;
  assert.deepEqual([row.model, row.requests, row.images, row.units], ["scripted", 1, 1, 4096]);
  const csv = await admin("GET", `/usage?account_id=${account.id}`, undefined, { accept: "text/csv" });
  assert.equal(csv.text.split("\r\n")[1], `${row.day},${account.id},${record.id},scripted,1,1,4096`);
  const holds = await admin("GET", `/holds?account_id=${account.id}&state=posted`);
  assert.deepEqual([holds.json.data.length, holds.json.data[0].posted_units], [1, 4096]);
  assert.equal(holds.json.data[0].request_id, made.headers.get("x-request-id"));
});

test("usage as CSV: nothing in a model's name breaks out of its field, or is a formula to a spreadsheet", () => {
  const fields = {
    '=HYPERLINK("http://x")': `"'=HYPERLINK(""http://x"")"`,
    "+1": "'+1",
    "-1": "'-1",
    "@SUM(A1)": "'@SUM(A1)",
    "\t=1": "'\t=1",
    "\r\n=1": `"'\r\n=1"`,
    "\n=1": `"'\n=1"`,
    "＝1": "'＝1",
    'a,"b"\nc': '"a,""b""\nc"',
    "org/model-1.5=x": "org/model-1.5=x",
  };
  for (const [model, field] of Object.entries(fields)) {
    const csv = toCsv([{ day: "2026-01-01", model, units: 3, none: null }], ["day", "model", "units", "none"]);
    assert.equal(csv, `day,model,units,none\r\n2026-01-01,${field},3,\r\n`);
  }
});

test("a key's rights change and end", async () => {
  const { json: key } = await admin("POST", "/keys", { account_id: world.accountId, name: "k" });
  const changed = await admin("PATCH", `/keys/${key.id}`, { allowed_models: ["other"], images_per_minute: 3 });
  assert.deepEqual([changed.json.allowed_models, changed.json.images_per_minute], [["other"], 3]);
  assert.ok((await admin("POST", `/keys/${key.id}/disable`)).json.disabled_at > 0);
  assert.equal((await admin("POST", `/keys/${key.id}/enable`)).json.disabled_at, null);
  assert.ok((await admin("POST", `/keys/${key.id}/revoke`)).json.revoked_at > 0);
});

test("a key may be given an alias: it stands for the model that it names then", async () => {
  await using named = await startWorld({ adminKey, modelAliases: { nickname: "scripted", other: "elsewhere" } });
  const rights = async (allowed_models: string[] | null) => {
    const response = await checkedFetch(`${named.gateway.url}/admin/v1/keys`, {
      method: "POST",
      headers: { authorization: `Bearer ${adminKey}`, "content-type": "application/json" },
      body: JSON.stringify({ account_id: named.accountId, name: "k", allowed_models }),
    });
    return (await response.json()) as { key: string; allowed_models: string[] | null };
  };
  const use = async (key: string, model: string) =>
    (await named.generate({ model }, { authorization: `Bearer ${key}` })).status;
  const { key, allowed_models } = await rights(["nickname"]);
  assert.deepEqual(allowed_models, ["scripted"]);
  assert.deepEqual([await use(key, "nickname"), await use(key, "scripted")], [200, 200]);
  const stranger = await rights(["other"]);
  assert.deepEqual([await use(stranger.key, "nickname"), await use(stranger.key, "scripted")], [403, 403]);
  const see = async (key: string, path: string) => {
    const headers = { authorization: `Bearer ${key}` };
    const response = await checkedFetch(`${named.gateway.url}/v1/models${path}`, { headers });
    return { status: response.status, json: (await response.json()) as { data: { id: string }[] } };
  };
  // Models are listed with their aliases, and only those that the key may use.
  const listed = async (key: string) => (await see(key, "")).json.data.map(({ id }) => id);
  assert.deepEqual([await listed(key), await listed(stranger.key)], [["scripted", "nickname"], []]);
  assert.deepEqual([(await see(key, "/nickname")).status, (await see(stranger.key, "/nickname")).status], [200, 403]);
  assert.deepEqual((await rights(null)).allowed_models, null);
});

test("bad arguments name what is wrong; unknown things are 404", async () => {
  const cases: [string, string, object | undefined, number, string][] = [
    ["POST", "/accounts", {}, 400, "missing_required_parameter"],
    ["POST", "/accounts", { name: "x", extra: 1 }, 400, "unknown_parameter"],
    ["POST", `/accounts/${world.accountId}/grants`, { units: 0, reference: "r" }, 400, "integer_below_min_value"],
    ["POST", `/accounts/${world.accountId}/grants`, { units: 1.5, reference: "r" }, 400, "invalid_type"],
    ["POST", "/accounts/acct_none/grants", { units: 1, reference: "r" }, 404, "account_not_found"],
    ["GET", "/accounts/acct_none", undefined, 404, "account_not_found"],
    ["POST", "/keys/none1/revoke", undefined, 404, "key_not_found"],
    ["GET", "/holds?state=lost", undefined, 400, "invalid_value"],
    ["GET", "/accounts?limit=0", undefined, 400, "invalid_value"],
    ["GET", "/accounts/%20", undefined, 400, "invalid_argument"],
    ["POST", `/accounts/${world.accountId}/grants`, { units: 2 ** 53, reference: "r" }, 400, "integer_above_max_value"],
    ["GET", "/accounts?limit=1&limit=2", undefined, 400, "duplicate_parameter"],
    ["GET", "/holds?state=held&state=posted", undefined, 400, "duplicate_parameter"],
    ["GET", "/usage?account_id=acct_a&account_id=acct_b", undefined, 400, "duplicate_parameter"],
    ["GET", "/keys?account_id=acct_a&account_id=acct_b", undefined, 400, "duplicate_parameter"],
    ["GET", "/audit?after=1&after=2", undefined, 400, "duplicate_parameter"],
    ["GET", "/accounts?limit=1e2", undefined, 400, "invalid_value"],
    ["GET", "/accounts?limit=%205", undefined, 400, "invalid_value"],
    ["GET", "/accounts?after=", undefined, 400, "invalid_value"],
    ["GET", "/accounts?after=hold_0123456789", undefined, 400, "invalid_value"],
    ["GET", "/keys?after=acct_0123456789", undefined, 400, "invalid_value"],
    ["GET", "/holds?before=acct_0123456789", undefined, 400, "invalid_value"],
    ["GET", "/audit?after=-1", undefined, 400, "invalid_value"],
    ["GET", "/usage?from=2026-02-30", undefined, 400, "invalid_argument"],
  ];
  for (const [method, path, body, status, code] of cases) {
    const answer = await admin(method, path, body);
    assert.deepEqual([answer.status, answer.json.error.code], [status, code], `${method} ${path}`);
  }
  const { json } = await admin("POST", `/accounts/${world.accountId}/grants`, { units: 2 ** 53, reference: "r" });
  assert.match(json.error.message, /^Invalid 'units': integer above maximum value\./);
  const most = { expires_at: 8.64e15, requests_per_minute: 1e9, images_per_minute: 1e9, concurrent_requests: 1e9 };
  for (const [field, max] of Object.entries(most)) {
    const { json } = await admin("POST", "/keys", { account_id: world.accountId, name: "k", [field]: max + 1 });
    assert.deepEqual([json.error.param, json.error.code], [field, "integer_above_max_value"]);
  }
});

test("all other answers are those of the document, too: pages, webhooks, deletions, refused bodies", async () => {
  const { json: key } = await admin("POST", "/keys", {
    account_id: world.accountId,
    name: "k",
    expires_at: null,
    allowed_models: null,
    concurrent_requests: 2,
  });
  assert.equal((await admin("GET", "/accounts?limit=1")).json.data.length, 1);
  assert.equal((await admin("GET", `/accounts?after=${world.accountId}&limit=5`)).status, 200);
  assert.equal((await admin("GET", `/accounts/${world.accountId}`)).json.id, world.accountId);
  assert.equal((await admin("GET", "/keys?limit=1")).json.data.length, 1);
  assert.equal((await admin("GET", "/usage?from=2026-01-01&to=2026-01-02&model=m")).json.data.length, 0);
  assert.equal((await admin("GET", "/usage?from=now")).status, 400);
  assert.equal((await admin("GET", "/audit?after=2")).json.data.length, 1);
  assert.equal((await admin("GET", "/audit?after=x")).json.error.param, "after");
  const webhook = `/keys/${key.id}/webhook`;
  assert.equal((await admin("GET", webhook)).status, 404);
  assert.match((await admin("PUT", webhook, { url: "https://example.com/hook" })).json.secret, /^whsec_/);
  assert.equal((await admin("PUT", "/keys/none1/webhook", { url: "https://example.com/hook" })).status, 404);
  assert.equal((await admin("GET", webhook)).json.url, "https://example.com/hook");
  assert.equal((await admin("DELETE", webhook)).status, 204);
  assert.equal((await admin("DELETE", webhook)).status, 404);
  const wrongType = { "content-type": "text/plain" };
  assert.equal((await admin("PATCH", `/keys/${key.id}`, { name: "other" }, wrongType)).status, 415);
  assert.equal((await admin("PATCH", `/keys/${key.id}`, { name: "x".repeat(300_000) })).status, 413);
});

test("the document is served without a key, every reference of it resolves, and every operation has a name of its own", async () => {
  const served = await fetch(`${world.gateway.url}/admin/v1/openapi.json`);
  assert.deepEqual(await served.json(), adminDocument);
  assert.equal((await fetch(`${world.gateway.url}/admin/v1/docs`)).status, 200);
  const references = [...JSON.stringify(adminDocument).matchAll(/"\$ref":"#([^"]+)"/g)].map((match) => match[1] ?? "");
  assert.ok(references.length > 20);
  for (const pointer of new Set(references)) {
    let at: unknown = adminDocument;
    for (const part of pointer.split("/").slice(1)) at = Reflect.get(Object(at), part);
    assert.equal(typeof at, "object", pointer);
  }
  const names = Object.values(adminDocument.paths).flatMap((path) =>
    Object.values(path).flatMap((operation) => ("operationId" in operation ? [operation.operationId] : [])),
  );
  assert.ok(names.length > 20);
  assert.equal(new Set(names).size, names.length);
});

test("after all this the books are right", async () => {
  assert.deepEqual((await admin("GET", "/verify")).json, { discrepancies: [] });
});
