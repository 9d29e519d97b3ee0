import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import pino from "pino";
import { startGateway } from "../src/index.ts";
import { startWorld } from "./support/gateway.ts";
import { manualClock } from "./support/manual-clock.ts";

const adminKey = "sk-atoma-admin-test";
const folder = await mkdtemp(join(tmpdir(), "atoma-admin-session-"));
after(() => rm(folder, { recursive: true, force: true }));

const HOUR = 3_600_000;
const start = async () => {
  const clock = manualClock();
  const world = await startWorld({ webFolder: folder, adminKey, clock, nodes: [] });
  return { clock, world, url: world.gateway.url, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() };
};

/** A request of a page of this origin, unless the headers say otherwise. */
const ask = (url: string, method: string, path: string, headers: Record<string, string> = {}, body?: object) =>
  fetch(url + path, {
    method,
    headers: {
      "sec-fetch-site": "same-origin",
      ...(body && { "content-type": "application/json" }),
      ...headers,
    },
    ...(body && { body: JSON.stringify(body) }),
  });
const signIn = (url: string, key = adminKey, headers = {}) =>
  ask(url, "POST", "/admin/session", headers, { admin_key: key });
const cookieOf = (answer: Response) => (answer.headers.get("set-cookie") ?? "").split(";", 1)[0] ?? "";
const accounts = async (url: string, headers: Record<string, string>) =>
  (await ask(url, "GET", "/admin/v1/accounts", headers)).status;

test("the admin key is shown once; its session opens the admin API until it expires, and only to pages of this origin", async () => {
  await using here = await start();
  const { url, clock } = here;
  const answer = await signIn(url, ` ${adminKey}\n`);
  assert.equal(answer.status, 204);
  assert.match(answer.headers.get("set-cookie") ?? "", /; Path=\/admin; Max-Age=43200; HttpOnly; SameSite=Strict$/);
  const cookie = cookieOf(answer);
  assert.ok(!cookie.includes(adminKey));
  assert.equal(await accounts(url, { cookie }), 200);
  assert.equal(await accounts(url, { cookie, "sec-fetch-site": "same-site" }), 401);
  assert.equal(await accounts(url, { cookie, "sec-fetch-site": "cross-site" }), 401);
  assert.equal(await accounts(url, { cookie, authorization: `Bearer ${here.world.key}` }), 401, "a key counts more");
  assert.equal(await accounts(url, { cookie: `${cookie.slice(0, -2)}AA` }), 401);
  const made = await ask(url, "POST", "/admin/v1/accounts", { cookie }, { name: "by page" });
  assert.equal(made.status, 201);
  const forged = await ask(
    url,
    "POST",
    "/admin/v1/accounts",
    { cookie, "sec-fetch-site": "cross-site" },
    { name: "x" },
  );
  assert.equal(forged.status, 401);
  assert.equal((await fetch(`${url}/v1/models`, { headers: { cookie, "sec-fetch-site": "same-origin" } })).status, 401);
  clock.step(12 * HOUR + 1);
  assert.equal(await accounts(url, { cookie }), 401);
});

test("signing out forgets the cookie; signing out everywhere ends every session, on every gateway", async () => {
  await using here = await start();
  const { url, clock, world } = here;
  const files = join(folder, "second");
  const second = await startGateway({
    ...{ host: "127.0.0.1", port: 0, nodes: [], filesDir: files, webFolder: folder, adminKey, clock },
    ledger: world.ledger,
    log: pino({ level: "silent" }),
  });
  try {
    const [one, two] = [cookieOf(await signIn(url)), cookieOf(await signIn(second.url))];
    const out = await ask(url, "DELETE", "/admin/session", { cookie: one });
    assert.match(out.headers.get("set-cookie") ?? "", /=; Path=\/admin; Max-Age=0/);
    assert.equal(await accounts(second.url, { cookie: two }), 200);
    clock.step(1);
    assert.equal((await ask(url, "DELETE", "/admin/sessions")).status, 401);
    assert.equal((await ask(url, "DELETE", "/admin/sessions", { cookie: one })).status, 204);
    assert.equal(await accounts(url, { cookie: one }), 401);
    await clock.advance(1000);
    assert.equal(await accounts(second.url, { cookie: two }), 401);
    clock.step(1);
    assert.equal(await accounts(url, { cookie: cookieOf(await signIn(url)) }), 200);
    const [entry] = await world.ledger.listAudit({ limit: 1 });
    assert.deepEqual([entry?.action, entry?.actor], ["session.end_all", "dashboard"]);
  } finally {
    await second.close(0);
  }
});

test("signing out everywhere holds, and signing in works, whichever way the clock was set meanwhile", async () => {
  await using here = await start();
  const { url, clock } = here;
  const signedIn = async () => {
    const cookie = cookieOf(await signIn(url));
    assert.equal(await accounts(url, { cookie }), 200);
    return cookie;
  };
  const earlier: string[] = [];
  for (const step of [0, -HOUR, HOUR, -2 * HOUR, 0]) {
    earlier.push(await signedIn());
    clock.step(step);
    const cookie = await signedIn();
    earlier.push(cookie);
    assert.equal((await ask(url, "DELETE", "/admin/sessions", { cookie })).status, 204);
    for (const ended of earlier) assert.equal(await accounts(url, { cookie: ended }), 401, `after a step of ${step}`);
  }
});

test("wrong keys, other origins and floods are refused", async () => {
  await using here = await start();
  const { url, clock } = here;
  assert.equal((await signIn(url, adminKey, { "sec-fetch-site": "cross-site" })).status, 403);
  assert.equal((await ask(url, "POST", "/admin/session", {}, { api_key: adminKey })).status, 400);
  for (let i = 0; i < 5; i++) assert.equal((await signIn(url, `${adminKey}${i}`)).status, 401);
  const refused = await signIn(url);
  assert.deepEqual([refused.status, refused.headers.get("retry-after")], [429, "60"]);
  await clock.advance(60_000);
  assert.equal((await signIn(url)).status, 204);
});
