import assert from "node:assert/strict";
import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { test } from "node:test";
import { errors } from "@atoma/contract";
import { LedgerUnavailableError } from "@atoma/ledger";
import { systemClock } from "../src/clock.ts";
import { identifier } from "../src/generate/identify.ts";
import { openRefusedKeys } from "../src/generate/refused-keys.ts";
import { eventually, startWorld, type World } from "./support/gateway.ts";
import { manualClock } from "./support/manual-clock.ts";
import { makePictures } from "./support/scripted-node.ts";

function requestWith(key: string): IncomingMessage {
  const request = new IncomingMessage(new Socket());
  request.headers.authorization = `Bearer ${key}`;
  request.rawHeaders.push("authorization", `Bearer ${key}`);
  return request;
}

async function limited(world: World, limits: Record<string, number>): Promise<Record<string, string>> {
  const { key } = await world.ledger.createKey({ accountId: world.accountId, name: "limited", limits });
  return { authorization: `Bearer ${key}` };
}

test("S-085 what is left of the limits, and when they are whole again, on every answer", async () => {
  await using world = await startWorld();
  const headers = await limited(world, { requestsPerMinute: 2, imagesPerMinute: 5 });
  const left = async (n: number, more: Record<string, string> = {}) => {
    const answer = await world.generate({ n }, { ...headers, ...more });
    const names = ["limit", "remaining", "reset"].flatMap((what) => [`${what}-requests`, `${what}-images`]);
    return [answer.status, ...names.map((name) => answer.headers.get(`x-ratelimit-${name}`))];
  };
  assert.deepEqual(await left(2), [200, "2", "5", "1", "3", "1m0s", "1m0s"]);
  const [status, , , remaining, , reset] = await left(4);
  assert.deepEqual([status, remaining], [429, null]);
  assert.equal(reset, null);
  const stream = await world.generate({ stream: true }, headers);
  assert.equal(stream.headers.get("x-ratelimit-reset-requests"), "1m0s");
});

test("S-085 requests beyond the limit are refused before their body is read", async () => {
  await using world = await startWorld();
  const headers = await limited(world, { requestsPerMinute: 1 });
  assert.equal((await world.generate({}, { ...headers, "idempotency-key": "once" })).status, 200);
  const refused = await world.generate({}, headers);
  assert.deepEqual(refused.json.error, {
    message: "Rate limit reached for this API key: 1 requests per minute.",
    type: "requests",
    param: null,
    code: "rate_limit_exceeded",
  });
  assert.match(refused.headers.get("x-ratelimit-reset-requests") ?? "", /^(1m0s|[1-5]?\ds)$/);
  assert.ok(Number(refused.headers.get("retry-after")) <= 60);
  // A body that would be refused by itself, were it read.
  const unread = await world.post("{", { ...headers, "content-type": "text/plain" });
  assert.deepEqual([unread.status, unread.json.error.code], [429, "rate_limit_exceeded"]);
  const replay = await world.generate({}, { ...headers, "idempotency-key": "once" });
  assert.deepEqual([replay.status, replay.headers.get("idempotent-replayed")], [200, "true"]);
  assert.equal((await world.post("{")).status, 400, "other keys are not meant");
});

test("S-085 one request too many at a time is told so, not as one too many a minute", async () => {
  await using world = await startWorld();
  const headers = await limited(world, { concurrentRequests: 1, requestsPerMinute: 9 });
  const { promise: open, resolve: release } = Promise.withResolvers<void>();
  world.node.behave = async (...args) => {
    await open;
    await makePictures(...args);
  };
  const first = world.generate({}, headers);
  await eventually(() => world.node.requests.length === 1);
  const refused = await world.generate({}, headers);
  release();
  assert.equal(refused.json.error.message, "Rate limit reached for this API key: 1 at a time.");
  const left = ["limit", "remaining"].map((what) => refused.headers.get(`x-ratelimit-${what}-concurrency`));
  assert.deepEqual([refused.status, ...left], [429, "1", "0"]);
  assert.equal(refused.headers.get("x-ratelimit-limit-requests"), null);
  assert.equal((await first).headers.get("x-ratelimit-remaining-requests"), "8");
});

test("the gate opens when the wait is over, or when the key gets another limit", async () => {
  const clock = manualClock();
  const gate = openRefusedKeys(clock);
  // Only what the gate looks at.
  const caller = (requestsPerMinute: number | null) => ({ id: "key_1", limits: { requestsPerMinute } }) as never;
  gate.check(caller(5));
  gate.note("key_1" as never, 5, 30_000);
  await clock.advance(29_999);
  assert.throws(() => gate.check(caller(5)), { status: 429 });
  assert.doesNotThrow(() => gate.check(caller(6)));
  gate.note("key_1" as never, 5, 30_000);
  await clock.advance(30_000);
  assert.doesNotThrow(() => gate.check(caller(5)));
});

test("S-092 the same key twenty times at once: one generation, one charge, one answer for all", async () => {
  await using world = await startWorld();
  const { promise: open, resolve: release } = Promise.withResolvers<void>();
  world.node.behave = async (...args) => {
    await open;
    await makePictures(...args);
  };
  const before = await world.available();
  const again = { "idempotency-key": "twenty" };
  const early: number[] = [];
  const all = Array.from({ length: 20 }, async () => {
    for (;;) {
      const answer = await world.generate({}, again);
      if (answer.status === 200) return answer;
      assert.deepEqual([answer.status, answer.json.error.code], [409, "idempotency_in_progress"]);
      assert.ok(Number(answer.headers.get("retry-after-ms")) >= 1);
      early.push(answer.status);
      if (early.length === 19) release();
      await open;
    }
  });
  const answers = await Promise.all(all);
  assert.equal(new Set(answers.map((answer) => answer.text)).size, 1);
  assert.equal(answers.filter((answer) => answer.headers.get("idempotent-replayed") === "true").length, 19);
  assert.equal(world.node.requests.length, 1);
  assert.equal(before - (await world.available()), 64 * 64);
});

test("a key is looked up once a second, however many come with it, and a failed look-up is not remembered", async () => {
  await using world = await startWorld();
  const clock = manualClock();
  let lookups = 0;
  let away = false;
  const findKey: typeof world.ledger.findKey = (id) => {
    lookups++;
    return away ? Promise.reject(new LedgerUnavailableError("connection", "away")) : world.ledger.findKey(id);
  };
  const authenticate = identifier({ ...world.ledger, findKey }, clock);
  const crowd = () => Promise.allSettled(Array.from({ length: 50 }, () => authenticate(requestWith(world.key))));
  const outcomes = async () => new Set((await crowd()).map(({ status }) => status));
  assert.deepEqual([await outcomes(), lookups], [new Set(["fulfilled"]), 1]);
  const [record] = await world.ledger.listKeys({ accountId: world.accountId });
  await world.ledger.revokeKey(record?.id ?? assert.fail());
  await clock.advance(999);
  assert.deepEqual([await outcomes(), lookups], [new Set(["fulfilled"]), 1]);
  await clock.advance(1);
  assert.deepEqual([await outcomes(), lookups], [new Set(["rejected"]), 2]);
  await clock.advance(1000);
  away = true;
  for (const result of await crowd()) {
    assert.ok(result.status === "rejected" && result.reason instanceof LedgerUnavailableError);
  }
  assert.equal(lookups, 3);
  away = false;
  await assert.rejects(authenticate(requestWith(world.key)), { status: 401 });
  assert.equal(lookups, 4);
});

test("S-064 a wrong secret takes as long as a key that nobody has", async () => {
  await using world = await startWorld();
  const authenticate = identifier(world.ledger, systemClock);
  const [id = ""] = /^sk-atoma-[^-]+/.exec(world.key) ?? [];
  const known = `${id}-${"a".repeat(43)}`;
  const unknown = `sk-atoma-${"0".repeat(id.length - "sk-atoma-".length)}-${"a".repeat(43)}`;
  const time = async (key: string): Promise<number> => {
    const request = requestWith(key);
    const began = process.hrtime.bigint();
    await assert.rejects(authenticate(request), { code: errors.invalidKey("").code });
    return Number(process.hrtime.bigint() - began);
  };
  const times: Record<string, number[]> = { known: [], unknown: [] };
  for (let i = 0; i < 1000; i++) {
    times.known?.push(await time(known));
    times.unknown?.push(await time(unknown));
  }
  const [a = 0, b = 0] = [times.known, times.unknown].map((list) => list?.toSorted((x, y) => x - y)[500]);
  assert.ok(Math.max(a, b) < 2 * Math.min(a, b), `${a} and ${b} ns, in turns`);
});
