import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { startGateway } from "@atoma/gateway";
import { openLedger } from "@atoma/ledger";
import { startNode } from "@atoma/node";
import pino from "pino";
import { draw, eventually } from "./support/cluster.ts";
import { startCuttingProxy } from "./support/cutting-proxy.ts";
import { root } from "./support/up.ts";

const silent = pino({ level: "silent" });
const folder = await mkdtemp(join(tmpdir(), "atoma-cut-"));
const lines: { route?: string; method?: string; status?: number }[] = [];
const logger = pino({ level: "info" }, { write: (line: string) => void lines.push(JSON.parse(line)) });
const node = await startNode({ models: [{ path: `${root}models/tiny` }], token: "t", threads: 1, logger });
await node.ready;
const proxy = await startCuttingProxy(node.url);
const ledger = await openLedger(`sqlite:${join(folder, "ledger.db")}`);
const account = await ledger.createAccount({ name: "a" });
await ledger.grant(account.id, 100_000_000, { reference: "start" });
const { key } = await ledger.createKey({ accountId: account.id, name: "k" });
const gateway = await startGateway({
  host: "127.0.0.1",
  port: 0,
  ledger,
  log: silent,
  nodes: [{ name: "n", url: proxy.url, token: "t" }],
  filesDir: join(folder, "files"),
});
after(async () => {
  await gateway.close(0);
  await proxy[Symbol.asyncDispose]();
  await node.close(0);
  await ledger.close();
  await rm(folder, { recursive: true });
});

const count = (method: string, route: string) => lines.filter((l) => l.method === method && l.route === route).length;

async function load(): Promise<{ running: number; queued: number }> {
  const answer = await fetch(`${node.url}/v1/load`, { headers: { authorization: "Bearer t" } });
  return (await answer.json()) as { running: number; queued: number };
}

/** Draws one picture over a connection that breaks; gives what the node was asked meanwhile. */
async function drawOver(when: Parameters<typeof proxy.cutNext>[0], fields: object = {}) {
  const before = {
    posts: count("POST", "/v1/images/generations"),
    gets: count("GET", "/v1/requests/:id"),
    cuts: proxy.cuts,
  };
  proxy.cutNext(when);
  const outcome = await draw(gateway.url, key, { steps: 20, seed: 7, ...fields });
  assert.equal(proxy.cuts, before.cuts + 1, "the connection was cut");
  await eventually(async () => (await load()).running === 0);
  return {
    outcome,
    posts: count("POST", "/v1/images/generations") - before.posts,
    gets: count("GET", "/v1/requests/:id") - before.gets,
  };
}

test("a real node's picture survives its connection, wherever that breaks: made once, charged once", async (t) => {
  const whole = await draw(gateway.url, key, { steps: 20, seed: 7 });
  assert.equal(whole.status, 200);
  const price = 256 * 256;
  let available = (await ledger.getAccount(account.id))?.available ?? 0;
  const charged = async () => {
    const now = await ledger.getAccount(account.id);
    assert.equal(now?.pending, 0);
    assert.equal(available - (now?.available ?? 0), price);
    available = now?.available ?? 0;
  };

  await t.test("after the node got the request", async () => {
    const { outcome, posts, gets } = await drawOver("request");
    assert.equal(outcome.status, 200);
    assert.ok(outcome.bytes?.equals(whole.bytes ?? Buffer.alloc(0)));
    assert.deepEqual([posts, gets], [1, 1]);
    await charged();
  });

  for (const answer of [1, 600, 2_000]) {
    await t.test(`after ${answer} bytes of the answer`, async () => {
      const { outcome, posts, gets } = await drawOver({ answer });
      assert.equal(outcome.status, 200);
      assert.ok(outcome.bytes?.equals(whole.bytes ?? Buffer.alloc(0)));
      assert.deepEqual([posts, gets], [1, 1]);
      await charged();
    });
  }

  await t.test("before the node got the request: it is sent again", async () => {
    const { outcome, posts, gets } = await drawOver("before");
    assert.equal(outcome.status, 200);
    assert.deepEqual([posts, gets], [1, 1]);
    await charged();
  });
});

test("S-077 a client that leaves stops a real node at its next step", async () => {
  const leaving = new AbortController();
  const drawing = draw(gateway.url, key, { steps: 100, n: 10 }, leaving.signal);
  await eventually(async () => (await load()).running === 1);
  leaving.abort();
  await assert.rejects(drawing);
  await eventually(async () => (await load()).running === 0, 5_000);
  await eventually(async () => (await ledger.getAccount(account.id))?.pending === 0);
});
