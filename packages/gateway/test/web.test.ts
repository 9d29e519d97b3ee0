import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { startWorld } from "./support/gateway.ts";

const folder = await mkdtemp(join(tmpdir(), "atoma-web-"));
const world = await startWorld({ webFolder: folder, adminKey: "sk-atoma-admin-test" });
const { url } = world.gateway;
after(async () => {
  await world[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const page = { accept: "text/html,application/xhtml+xml,*/*;q=0.8" };
const SCRIPT = `console.log("${"atoma ".repeat(300)}");`;

async function build(marker: string, at: Date): Promise<void> {
  await mkdir(join(folder, "assets"), { recursive: true });
  await writeFile(join(folder, "index.html"), `<!doctype html><title>${marker}</title>`);
  await writeFile(join(folder, "admin.html"), `<!doctype html><title>dashboard ${marker}</title>`);
  await writeFile(join(folder, "assets", `main-${marker}.js`), SCRIPT);
  await writeFile(join(folder, "assets", `main-${marker}.js.gz`), gzipSync(SCRIPT));
  await writeFile(join(folder, "built.json"), "{}");
  await utimes(join(folder, "built.json"), at, at);
}

/** A request of a page of this origin, unless the headers say otherwise. */
const sign = (method: string, body?: object, headers: Record<string, string> = {}) =>
  fetch(`${url}/session`, {
    method,
    headers: { "sec-fetch-site": "same-origin", "content-type": "application/json", ...headers },
    ...(body && { body: JSON.stringify(body) }),
  });

/** A request without a key. */
const ask = async (path: string, headers: Record<string, string>, at = url) => {
  const answer = await fetch(at + path, { headers });
  return { status: answer.status, text: await answer.text() };
};

const cookieOf = (answer: Response) => (answer.headers.get("set-cookie") ?? "").split(";", 1)[0] ?? "";

test("before the build there is a page that waits, and it loads itself again", async () => {
  const answer = await fetch(url, { headers: page });
  assert.deepEqual([answer.status, answer.headers.get("retry-after")], [503, "1"]);
  assert.match(await answer.text(), /http-equiv="refresh"/);
  assert.equal((await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${world.key}` } })).status, 200);
});

test("GET / is the page for browsers, and for others the list of the API's operations", async () => {
  await build("one", new Date(1_000_000));
  const answer = await fetch(url, { headers: page });
  assert.deepEqual([answer.status, answer.headers.get("cache-control")], [200, "no-cache"]);
  assert.match(await answer.text(), /<title>one</);
  const policy = answer.headers.get("content-security-policy") ?? "";
  assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self';/);
  assert.match(policy, /frame-ancestors 'none'.*require-trusted-types-for 'script'/);
  assert.doesNotMatch(policy, /unsafe|\*|http/);
  assert.deepEqual(
    ["x-frame-options", "x-content-type-options", "referrer-policy"].map((name) => answer.headers.get(name)),
    ["DENY", "nosniff", "no-referrer"],
  );
  const curl = await fetch(url, { headers: { accept: "*/*" } });
  assert.match(curl.headers.get("content-type") ?? "", /^text\/plain/);
  const text = await curl.text();
  for (const line of ["POST /v1/images/generations ", "GET /v1/models ", "GET /docs "]) assert.ok(text.includes(line));
});

test("assets never change: they are cached for good, compressed as asked, and found again by their tag", async () => {
  const path = `${url}/assets/main-one.js`;
  const plain = await fetch(path, { headers: { "accept-encoding": "identity" } });
  assert.equal(plain.headers.get("cache-control"), "public, max-age=31536000, immutable");
  assert.equal(plain.headers.get("content-encoding"), null);
  assert.equal(await plain.text(), SCRIPT);
  const packed = await fetch(path, { headers: { "accept-encoding": "br;q=0, gzip" } });
  assert.equal(packed.headers.get("content-encoding"), "gzip");
  assert.equal(await packed.text(), SCRIPT);
  assert.ok(Number(packed.headers.get("content-length")) < gunzipSync(gzipSync(SCRIPT)).length / 10);
  const tag = packed.headers.get("etag") ?? "";
  const again = await fetch(path, { headers: { "accept-encoding": "gzip", "if-none-match": tag } });
  assert.equal(again.status, 304);
});

test("a new build is served at once, and pages of the old one still find what they load", async () => {
  await rm(folder, { recursive: true });
  await build("two", new Date(2_000_000));
  assert.match(await (await fetch(url, { headers: page })).text(), /<title>two</);
  assert.equal((await fetch(`${url}/assets/main-one.js`)).status, 200);
  assert.equal((await fetch(`${url}/assets/main-two.js`)).status, 200);
});

test("nothing else is served from the folder, and the admin API keeps its own paths", async () => {
  for (const path of ["/built.json", "/assets/..%2fbuilt.json", "/assets/", "/index.html", "/assets/__proto__"]) {
    assert.equal((await world.get(path, page)).status, 404, path);
  }
  for (const path of ["/admin", "/admin/keys", "/admin/keys/one"]) {
    assert.match((await ask(path, page)).text, /<title>dashboard two</, path);
  }
  for (const path of ["/admin/v1", "/admin/v1/nope"]) {
    const { status, json } = await world.get(path, page);
    assert.deepEqual([status, json.error.type], [404, "invalid_request_error"], path);
  }
  await using bare = await startWorld({ webFolder: folder });
  assert.equal((await ask("/admin", page, bare.gateway.url)).status, 404);
});

test("a sign-in link works once, and its session opens the API for the page's own requests", async () => {
  const link = world.gateway.signInLink(world.key) ?? "";
  const token = /^http:\/\/127\.0\.0\.1:\d+\/#sign-in=([\w-]{32})$/.exec(link)?.[1] ?? "";
  const first = await sign("POST", { link: token });
  assert.equal(first.status, 204);
  const header = first.headers.get("set-cookie") ?? "";
  assert.match(header, /^atoma-\d+=[\w-]+; Path=\/; Max-Age=2592000; HttpOnly; SameSite=Strict$/);
  assert.ok(!header.includes(world.key));
  const cookie = cookieOf(first);
  const { status, text } = await ask("/v1/account", { cookie, "sec-fetch-site": "same-origin" });
  const { object, available } = JSON.parse(text);
  assert.deepEqual([status, object, available], [200, "account", await world.available()]);
  assert.equal((await sign("POST", { link: token })).status, 401);
  assert.ok(!world.log.join("").includes(token) && !world.log.join("").includes(cookie));
});

test("a session is no use to other sites, other ports, changed or foreign cookies", async () => {
  const cookie = cookieOf(await sign("POST", { api_key: world.key }));
  const statusWith = async (headers: Record<string, string>) => (await ask("/v1/models", headers)).status;
  assert.equal(await statusWith({ cookie, "sec-fetch-site": "same-origin" }), 200);
  for (const site of ["same-site", "cross-site", "none"]) {
    assert.equal(await statusWith({ cookie, "sec-fetch-site": site }), 401, site);
  }
  assert.equal(await statusWith({ cookie, origin: "http://127.0.0.1:1" }), 401);
  assert.equal(await statusWith({ cookie, origin: url }), 200);
  const changed = cookie.slice(0, -5) + (cookie.at(-5) === "A" ? "B" : "A") + cookie.slice(-4);
  assert.equal(await statusWith({ cookie: changed, "sec-fetch-site": "same-origin" }), 401);
  assert.equal(await statusWith({ cookie: "atoma-1=x; a", "sec-fetch-site": "same-origin" }), 401);
  const form = new FormData();
  const forged = await fetch(`${url}/v1/images/edits`, {
    method: "POST",
    body: form,
    headers: { cookie, "sec-fetch-site": "same-site" },
  });
  assert.equal(forged.status, 401);
});

test("signing in and out is for the page alone, and for right keys", async () => {
  assert.equal((await sign("POST", { api_key: world.key }, { "sec-fetch-site": "same-site" })).status, 403);
  assert.equal((await sign("DELETE", undefined, { "sec-fetch-site": "cross-site" })).status, 403);
  for (const [body, status] of [
    [{ api_key: `${world.key.slice(0, -3)}abc` }, 401],
    [{ api_key: "ключ" }, 401],
    [{ link: "nope" }, 401],
    [{}, 400],
    [{ api_key: 5 }, 400],
    [{ key: world.key }, 400],
  ] as const) {
    const answer = await sign("POST", body);
    assert.deepEqual([answer.status, answer.headers.get("set-cookie")], [status, null], JSON.stringify(body));
  }
  const out = await sign("DELETE");
  assert.match(out.headers.get("set-cookie") ?? "", /^atoma-\d+=; Path=\/; Max-Age=0; /);
});

test("a session ends with its key, and outlives the gateway where there is an admin key", async () => {
  const { key, record } = await world.ledger.createKey({ accountId: world.accountId, name: "page" });
  const cookie = cookieOf(await sign("POST", { api_key: key }));
  const statusAt = async (at: string) => {
    const name = `atoma-${new URL(at).port}`;
    const own = cookie.replace(/^atoma-\d+/, name);
    return (await ask("/v1/account", { cookie: own, "sec-fetch-site": "same-origin" }, at)).status;
  };
  const options = { webFolder: folder, wrapLedger: () => world.ledger };
  await using same = await startWorld({ ...options, adminKey: "sk-atoma-admin-test" });
  await using other = await startWorld({ ...options, adminKey: "sk-atoma-admin-other" });
  assert.deepEqual([await statusAt(same.gateway.url), await statusAt(other.gateway.url)], [200, 401]);
  await world.ledger.revokeKey(record.id);
  await using later = await startWorld({ ...options, adminKey: "sk-atoma-admin-test" });
  assert.equal(await statusAt(later.gateway.url), 401);
});
