import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { jobIdFrom, jobIdOf, LedgerUnavailableError, newHoldId } from "@atoma/ledger";
import pino from "pino";
import { startGateway } from "../src/index.ts";
import { serializeRequest } from "../src/jobs/stored-request.ts";
import { type Answer, eventually, startWorld, type World } from "./support/gateway.ts";
import { checkedFetch } from "./support/openapi.ts";
import { card, makePictures } from "./support/scripted-node.ts";

const UNITS = 64 * 64;
const ASYNC = { prefer: "respond-async" };

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "atoma-jobs-"));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

const pathOf = (answer: Answer) => new URL(answer.headers.get("location") ?? "").pathname;

/** The job once it has ended. */
async function ended(world: World, path: string): Promise<Answer> {
  let answer = await world.get(path);
  await eventually(async () => {
    answer = await world.get(path);
    return answer.json.ended_at !== null;
  });
  return answer;
}

async function remove(
  world: World,
  path: string,
  key = world.key,
): Promise<{ status: number; json: { status: string } }> {
  const headers = { authorization: `Bearer ${key}` };
  const response = await checkedFetch(world.gateway.url + path, { method: "DELETE", headers });
  return { status: response.status, json: (await response.json()) as { status: string } };
}

/** A node that makes nothing until it is told to. */
function gated() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const behave: typeof makePictures = async (...args) => {
    await opened;
    return makePictures(...args);
  };
  return { open: () => open(), behave };
}

test("respond-async: 202 at once, the pictures later, charged once, the prompt gone", async () => {
  await using world = await startWorld();
  const gate = gated();
  world.node.behave = gate.behave;
  const accepted = await world.generate({ seed: 7, n: 2 }, ASYNC);
  assert.equal(accepted.status, 202);
  assert.equal(accepted.headers.get("preference-applied"), "respond-async");
  assert.match(accepted.json.id, /^gen_[0-9a-z]+$/);
  assert.equal(accepted.headers.get("location"), `${world.gateway.url}/v1/images/generations/${accepted.json.id}`);
  assert.equal(accepted.json.model, "scripted");
  await eventually(async () => (await world.get(pathOf(accepted))).json.status === "running");
  const waiting = await world.get(pathOf(accepted));
  assert.equal(waiting.headers.get("retry-after"), "1");
  assert.equal(await world.pending(), 2 * UNITS);
  gate.open();
  const done = await ended(world, pathOf(accepted));
  assert.deepEqual([done.status, done.json.status, done.json.error], [200, "succeeded", undefined]);
  assert.equal(done.headers.get("retry-after"), null);
  const direct = await world.generate({ seed: 7, n: 2 });
  assert.deepEqual(
    done.json.result.data.map((item: { b64_json: string }) => item.b64_json),
    direct.json.data.map((item: { b64_json: string }) => item.b64_json),
  );
  const picture = await fetch(done.json.result.data[1].url);
  assert.equal(Buffer.from(await picture.arrayBuffer()).toString("base64"), done.json.result.data[1].b64_json);
  const { posted, pending } = (await world.ledger.getAccount(world.accountId)) ?? assert.fail();
  assert.deepEqual([posted, pending], [4 * UNITS, 0]);
  const job = await world.ledger.jobs.find(world.accountId, jobIdFrom(accepted.json.id));
  assert.equal(job?.request, null);
  assert(!world.log.join("").includes("secret otter"));
});

test("what a request has against it is told before 202, and a stream stays a stream", async () => {
  await using world = await startWorld({ grant: UNITS });
  assert.equal((await world.generate({ n: 0 }, ASYNC)).status, 400);
  assert.equal((await world.generate({ n: 2 }, ASYNC)).status, 402);
  assert.equal((await world.generate({}, { ...ASYNC, authorization: "Bearer nobody" })).status, 401);
  const stream = await world.generate({ stream: true }, ASYNC);
  assert.equal(stream.headers.get("preference-applied"), null);
  assert.match(stream.headers.get("content-type") ?? "", /event-stream/);
});

test("a job is its account's alone", async () => {
  await using world = await startWorld();
  const accepted = await world.generate({}, ASYNC);
  const other = await world.ledger.createAccount({ name: "other" });
  const { key } = await world.ledger.createKey({ accountId: other.id, name: "k" });
  const path = pathOf(accepted);
  assert.equal((await world.get(path, { authorization: `Bearer ${key}` })).status, 404);
  assert.equal((await remove(world, path, key)).status, 404);
  assert.equal((await world.get(path, { authorization: "" })).status, 401);
  for (const id of ["gen_00000000000000000", "nonsense", "..%2f..%2fetc"]) {
    assert.equal((await world.get(`/v1/images/generations/${id}`)).status, 404);
  }
  assert.equal((await ended(world, path)).json.status, "succeeded");
});

test("a job that fails says why, as an error envelope, and costs nothing", async () => {
  await using world = await startWorld({ grant: UNITS });
  world.node.behave = (_job, response) => void response.writeHead(500).end("stack");
  const failed = await ended(world, pathOf(await world.generate({}, ASYNC)));
  assert.deepEqual([failed.status, failed.json.status], [200, "failed"]);
  assert.deepEqual(Object.keys(failed.json.error), ["message", "type", "param", "code"]);
  assert.equal(failed.json.error.code, "node_bad_response");
  assert.equal(await world.available(), UNITS);
});

test("a job that does not end in time fails with a timeout and costs nothing", async () => {
  await using world = await startWorld({ grant: UNITS, jobTimeoutMs: 300 });
  world.node.behave = () => {};
  const failed = await ended(world, pathOf(await world.generate({}, ASYNC)));
  assert.equal(failed.json.error.code, "timeout");
  await eventually(() => world.node.cancelled === 1);
  assert.equal(await world.available(), UNITS);
});

test("DELETE ends a job that waits, and one that runs with its node, for nothing; one that has ended stays", async () => {
  await using world = await startWorld({ grant: 2 * UNITS, maxRunningJobs: 1 });
  world.node.behave = () => {};
  const runs = pathOf(await world.generate({}, ASYNC));
  await eventually(() => world.node.requests.length === 1);
  const waits = pathOf(await world.generate({}, ASYNC));
  assert.deepEqual((await remove(world, waits)).json.status, "cancelled");
  assert.deepEqual((await remove(world, runs)).json.status, "cancelled");
  await eventually(() => world.node.cancelled === 1);
  assert.equal(world.node.requests.length, 1);
  assert.equal(await world.available(), 2 * UNITS);

  world.node.behave = makePictures;
  const done = pathOf(await world.generate({}, ASYNC));
  await ended(world, done);
  assert.equal((await remove(world, done)).json.status, "succeeded");
  assert.equal(await world.available(), UNITS);
  assert.deepEqual((await remove(world, runs)).json.status, "cancelled");

  world.node.behave = (_job, response) => void response.writeHead(500).end();
  const fails = pathOf(await world.generate({}, ASYNC));
  await ended(world, fails);
  assert.equal((await remove(world, fails)).json.status, "failed");
  assert.equal(await world.available(), UNITS);
});

test("DELETE of a job that is just being charged: it has succeeded, and is paid for", async () => {
  await using world = await startWorld({ grant: UNITS });
  const { settle } = world.ledger;
  const charging = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  world.ledger.settle = async (settlement) => {
    charging.resolve();
    await goOn.promise;
    return settle(settlement);
  };
  const path = pathOf(await world.generate({}, ASYNC));
  await charging.promise;
  const removed = remove(world, path);
  await eventually(async () => (await world.get(path)).json.status === "running");
  goOn.resolve();
  assert.equal((await removed).json.status, "succeeded");
  assert.ok((await world.get(path)).json.result.data[0].b64_json);
  assert.equal(await world.available(), 0);
});

test("one idempotency key: one job, one charge, whoever asks again in whatever way", async () => {
  await using world = await startWorld();
  const gate = gated();
  world.node.behave = gate.behave;
  const headers = { ...ASYNC, "idempotency-key": "once" };
  const first = await world.generate({ seed: 3 }, headers);
  const again = await world.generate({ seed: 3 }, headers);
  assert.deepEqual([again.status, again.json.id], [202, first.json.id]);
  assert.equal(again.headers.get("idempotent-replayed"), "true");
  assert.equal((await world.generate({ seed: 4 }, headers)).status, 422);
  const waits = await world.generate({ seed: 3 }, { "idempotency-key": "once" });
  assert.deepEqual([waits.status, waits.json.error.code], [409, "idempotency_in_progress"]);
  gate.open();
  const done = await ended(world, pathOf(first));
  const later = await world.generate({ seed: 3 }, headers);
  assert.deepEqual([later.status, later.json], [202, done.json]);
  const direct = await world.generate({ seed: 3 }, { "idempotency-key": "once" });
  assert.deepEqual([direct.status, direct.json], [200, done.json.result]);
  assert.equal(world.node.requests.length, 1);
  assert.equal((await world.ledger.getAccount(world.accountId))?.posted, UNITS);

  // What was answered at once is so again: a preference is not a demand.
  await world.generate({ seed: 5 }, { "idempotency-key": "direct" });
  const preferred = await world.generate({ seed: 5 }, { ...ASYNC, "idempotency-key": "direct" });
  assert.deepEqual([preferred.status, preferred.headers.get("preference-applied")], [200, null]);
});

test("an account's queue is bounded; one more job is refused, and takes nothing of any limit", async () => {
  await using world = await startWorld({ maxQueuedJobs: 2, maxRunningJobs: 1 });
  const [record] = await world.ledger.listKeys({ accountId: world.accountId });
  const limits = { requestsPerMinute: 4, imagesPerMinute: 4, concurrentRequests: 4 };
  await world.ledger.updateKey(record?.id ?? assert.fail(), { limits });
  const gate = gated();
  world.node.behave = gate.behave;
  const accepted = [await world.generate({}, ASYNC)];
  await eventually(() => world.node.requests.length === 1);
  const known = { ...ASYNC, "idempotency-key": "known" };
  accepted.push(await world.generate({}, ASYNC), await world.generate({}, known));
  for (const headers of [ASYNC, ASYNC, { ...ASYNC, "idempotency-key": "new" }]) {
    const refused = await world.generate({}, headers);
    assert.deepEqual([refused.status, refused.json.error.code], [429, "rate_limit_exceeded"]);
    assert.match(refused.json.error.message, /wait already/);
    assert.ok(refused.headers.get("retry-after"));
  }
  assert.equal((await world.generate({}, known)).json.id, accepted.at(-1)?.json.id);
  assert.equal(await world.pending(), 3 * UNITS);
  assert.equal(world.node.requests.length, 1);
  gate.open();
  for (const one of accepted) assert.equal((await ended(world, pathOf(one))).json.status, "succeeded");
  assert.equal(world.node.requests.length, 3);
  const last = await world.generate({}, { "idempotency-key": "new" });
  assert.deepEqual([last.status, last.headers.get("x-ratelimit-remaining-images")], [200, "0"]);
});

test("a busy node makes a job wait, not fail", async () => {
  await using world = await startWorld();
  let refusals = 0;
  world.node.behave = (job, response, request) => {
    if (refusals++ < 2) return void response.writeHead(503, { "retry-after-ms": "20" }).end();
    return makePictures(job, response, request);
  };
  const done = await ended(world, pathOf(await world.generate({}, ASYNC)));
  assert.equal(done.json.status, "succeeded");
  assert.equal(refusals, 3);
});

test("a restart takes up what waits and what ran, and charges each once", async (t) => {
  const filesDir = await folder(t);
  await using world = await startWorld({ filesDir, maxRunningJobs: 1 });
  world.node.behave = () => {};
  const paths = [pathOf(await world.generate({}, ASYNC)), pathOf(await world.generate({}, ASYNC))];
  await eventually(() => world.node.requests.length === 1);
  await world.gateway.close(0);
  await eventually(() => world.node.cancelled === 1);
  world.node.behave = makePictures;
  const second = await startGateway({
    host: "127.0.0.1",
    port: 0,
    ledger: world.ledger,
    log: pino({ level: "silent" }),
    nodes: [{ name: "n1", url: world.node.url }],
    filesDir,
  });
  t.after(() => second.close(0));
  const headers = { authorization: `Bearer ${world.key}` };
  for (const path of paths) {
    await eventually(async () => {
      const job = (await (await fetch(second.url + path, { headers })).json()) as { status: string };
      return job.status === "succeeded";
    });
  }
  assert.equal((await world.ledger.getAccount(world.accountId))?.posted, 2 * UNITS);
  assert.deepEqual(await world.ledger.verify(), []);
});

test("a job whose hold is void, because the answer to its client was an error, is not made", async (t) => {
  await using world = await startWorld({ grant: UNITS });
  const { jobs } = world.ledger;
  const gateway = await startGateway({
    host: "127.0.0.1",
    port: 0,
    ledger: {
      ...world.ledger,
      jobs: {
        ...jobs,
        async enqueue(job, maxQueued) {
          // As the gateway does after the error; here before a runner can be quicker.
          await world.ledger.void({ holdId: job.holdId });
          await jobs.enqueue(job, maxQueued);
          throw new LedgerUnavailableError("timeout", "the answer is lost");
        },
      },
    },
    log: pino({ level: "silent" }),
    nodes: [{ name: "n1", url: world.node.url }],
    filesDir: await folder(t),
  });
  t.after(() => gateway.close(0));
  const asked = await fetch(`${gateway.url}/v1/images/generations`, {
    method: "POST",
    headers: { ...ASYNC, authorization: `Bearer ${world.key}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "scripted", prompt: "p" }),
  });
  assert.equal(asked.status, 503);
  const { holds } = await world.ledger.listHolds();
  const path = `/v1/images/generations/${jobIdOf(holds[0]?.id ?? assert.fail())}`;
  assert.equal((await ended(world, path)).json.status, "failed");
  assert.equal(world.node.requests.length, 0);
  assert.equal(await world.available(), UNITS);
});

test("a job that is another gateway's by the time it ends is not told as ended by this one", async () => {
  await using world = await startWorld();
  const { jobs } = world.ledger;
  const { end } = jobs;
  const told: boolean[] = [];
  // The other one comes first, and ends it in the same way.
  jobs.end = async (...args) => {
    await end(...args);
    told.push(await end(...args));
    return told.at(-1) ?? false;
  };
  const ending = await world.generate({}, ASYNC);
  await ended(world, pathOf(ending));
  await eventually(() => told.length === 1);
  jobs.end = end;
  const own = await world.generate({}, ASYNC);
  await ended(world, pathOf(own));
  const said = () => world.log.filter((line) => line.includes("job ended"));
  await eventually(() => said().length > 0);
  assert.deepEqual(
    said().map((line) => JSON.parse(line).job),
    [own.json.id],
  );
});

/** A job as a gateway leaves it that is killed while it runs it. */
async function orphan(world: World, result?: string, fate: "held" | "voided" = "held"): Promise<string> {
  const { ledger, accountId, key } = world;
  const holdId = newHoldId(Date.now(), randomBytes);
  const [record] = await ledger.listKeys({ accountId });
  const keyId = record?.id ?? assert.fail(key);
  const common = { holdId, accountId, keyId, requestId: "r", model: "scripted", deadline: Date.now() + 60_000 };
  await ledger.reserve({ ...common, images: 1, units: UNITS, price: {} });
  if (fate === "voided") await ledger.void({ holdId });
  const id = jobIdOf(holdId);
  const job = { card, prompt: "otter", n: 1, width: 64, height: 64, given: new Set<string>() };
  // Never run again, so the other fields do not matter.
  await ledger.jobs.enqueue({ ...common, id, request: serializeRequest(job as never) }, 100);
  // The world's own gateway may be quicker: the dead one takes it away from nobody.
  const [claimed] = await ledger.jobs.claim("dead", Date.now() + 1, 1);
  assert.equal(claimed?.id, id);
  if (result !== undefined) assert.ok(await ledger.jobs.keepResult(id, "dead", result));
  return `/v1/images/generations/${id}`;
}

test("a job whose gateway was killed while its node was at work fails, and costs nothing", async () => {
  await using world = await startWorld({ grant: UNITS });
  const failed = await ended(world, await orphan(world));
  assert.deepEqual([failed.json.status, failed.json.error.code], ["failed", "interrupted"]);
  assert.equal(world.node.requests.length, 0);
  assert.equal(await world.available(), UNITS);
});

test("a job whose gateway was killed after it had kept the pictures succeeds, and is charged once", async () => {
  await using world = await startWorld({ grant: 2 * UNITS });
  const { json } = await world.generate({ response_format: "url" });
  const file = new URL(json.data[0].url).pathname.split("/").at(-1);
  const items = [{ file }];
  const result = JSON.stringify({ created: 1, size: "64x64", responseFormat: "url", stream: false, items });
  const done = await ended(world, await orphan(world, result));
  assert.deepEqual([done.json.status, done.json.result.data[0].url], ["succeeded", json.data[0].url]);
  assert.equal(world.node.requests.length, 1);
  assert.equal(await world.available(), 0);
});

test("a job that was made for a hold that was let go meanwhile fails, is not delivered, and costs nothing", async () => {
  await using world = await startWorld({ grant: UNITS });
  const result = JSON.stringify({ created: 1, size: "64x64", responseFormat: "url", stream: false, items: [] });
  const failed = await ended(world, await orphan(world, result, "voided"));
  assert.deepEqual([failed.json.status, failed.json.error.code], ["failed", "interrupted"]);
  assert.equal(failed.json.result, undefined);
  assert.equal(await world.available(), UNITS);
});
