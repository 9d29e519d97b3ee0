import assert from "node:assert/strict";
import { it } from "node:test";
import { type Job, jobIdFrom, jobIdOf, type Ledger } from "../../src/index.ts";
import type { Customer, World } from "../support/world.ts";

const LEASE = 15_000;
const DAY = 86_400_000;

export function jobTests(world: () => World): void {
  /** Holds units for a job and puts it into the queue. */
  async function queued(someone: Customer, maxQueued = 100, idempotencyKey?: string) {
    const { a, clock, hold } = world();
    const idempotency = idempotencyKey === undefined ? undefined : { key: idempotencyKey, fingerprint: "f" };
    const holdId = await hold(someone, { idempotency });
    const id = jobIdOf(holdId);
    const { accountId, keyId } = someone;
    const row = { id, holdId, accountId, keyId, requestId: "req_1", model: "tiny", request: '{"prompt":"otter"}' };
    clock.now += 1;
    return { id, holdId, outcome: await a.jobs.enqueue({ ...row, deadline: clock.now + 60_000 }, maxQueued) };
  }

  const claim = (ledger: Ledger, owner: string, limit = 100) =>
    ledger.jobs.claim(owner, world().clock.now + LEASE, limit);
  const state = async (someone: Customer, id: Job["id"]) => (await world().b.jobs.find(someone.accountId, id))?.state;

  /** Ends whatever earlier tests left. */
  async function empty(): Promise<void> {
    const { a, clock } = world();
    clock.now += DAY;
    for (const job of await claim(a, "cleaner", 1_000)) {
      await a.jobs.end(job.id, "cleaner", { state: "cancelled" }, clock.now);
    }
  }

  it("keeps a job from the queue to its result, deletes what was asked for, and forgets it in the end", async () => {
    await empty();
    const { a, b, customer, clock, database } = world();
    const someone = await customer(100);
    const stranger = await customer(100);
    const { id, holdId, outcome } = await queued(someone);
    assert.equal(outcome, "queued");
    assert.equal(await b.jobs.find(stranger.accountId, id), undefined);
    const [claimed, ...others] = await claim(b, "b");
    assert.deepEqual([claimed?.id, claimed?.request, claimed?.orphaned, others], [id, '{"prompt":"otter"}', false, []]);
    assert.deepEqual(await claim(a, "a"), []);
    assert.equal(await a.jobs.keepResult(id, "a", "stolen"), false);
    assert.equal(await b.jobs.keepResult(id, "b", "made"), true);
    assert.equal((await b.settle({ holdId, units: 10 })).outcome, "posted");
    const expiresAt = clock.now + DAY;
    assert.equal(await a.jobs.end(id, "a", { state: "cancelled" }, expiresAt), false);
    assert.equal(await b.jobs.end(id, "b", { state: "succeeded" }, expiresAt), true);
    assert.equal(await b.jobs.end(id, "b", { state: "cancelled" }, expiresAt), false);
    const job = (await a.jobs.find(someone.accountId, id)) ?? assert.fail();
    assert.deepEqual([job.state, job.result, job.request, job.endedAt], ["succeeded", "made", null, clock.now]);
    assert(!JSON.stringify(await database.rows("SELECT * FROM jobs")).includes("otter"));
    clock.now = expiresAt;
    await a.sweep();
    assert.equal(await a.jobs.find(someone.accountId, id), undefined);
  });

  it("gives each job to one of many that ask at once", async () => {
    await empty();
    const { a, b, customer } = world();
    const someone = await customer(1_000);
    const ids = new Set<string>();
    for (let i = 0; i < 30; i++) ids.add((await queued(someone)).id);
    const claims = await Promise.all(Array.from({ length: 12 }, (_, i) => claim(i % 2 === 0 ? a : b, `owner-${i}`, 4)));
    const taken = claims.flat().map((job) => job.id);
    assert.equal(new Set(taken).size, taken.length);
    taken.push(...(await claim(a, "last")).map((job) => job.id));
    assert.deepEqual(new Set(taken), ids);
    assert.equal(taken.length, 30);
  });

  it("takes the accounts in turn", async () => {
    await empty();
    const { a, customer } = world();
    const [busy, quiet] = [await customer(1_000), await customer(1_000)];
    for (let i = 0; i < 5; i++) await queued(busy);
    const late = await queued(quiet);
    await claim(a, "a", 1);
    assert.deepEqual(
      (await claim(a, "a", 1)).map((job) => job.id),
      [late.id],
    );
  });

  it("bounds what waits for an account", async () => {
    await empty();
    const { a, b, customer } = world();
    const [someone, other] = [await customer(1_000), await customer(1_000)];
    const room = (of: Customer, key?: string) => b.jobs.hasRoom(of.accountId, 3, key);
    for (let i = 0; i < 3; i++) {
      assert.equal(await room(someone), true);
      assert.equal((await queued(someone, 3, `job-${i}`)).outcome, "queued");
    }
    const rooms = [room(someone), room(someone, "job-1"), room(someone, "job-3"), room(other), room(other, "job-1")];
    assert.deepEqual(await Promise.all(rooms), [false, true, false, true, true]);
    assert.equal((await queued(someone, 3)).outcome, "full");
    assert.equal((await queued(other, 3)).outcome, "queued");
    await claim(a, "a");
    assert.equal(await room(someone), true);
    assert.equal((await queued(someone, 3)).outcome, "queued");
  });

  it("gives a job whose owner has died to another, and to nobody while its lease is renewed", async () => {
    await empty();
    const { a, b, customer, clock } = world();
    const someone = await customer(100);
    const { id } = await queued(someone);
    await claim(a, "a");
    clock.now += LEASE - 1;
    assert.deepEqual(await claim(b, "b"), []);
    assert.deepEqual(await a.jobs.renew("a", clock.now + LEASE, [id]), [{ id, cancelAt: null }]);
    clock.now += LEASE - 1;
    assert.deepEqual(await claim(b, "b"), []);
    await a.jobs.keepResult(id, "a", "made");
    clock.now += 1;
    const [taken] = await claim(b, "b");
    assert.deepEqual([taken?.id, taken?.orphaned, taken?.result], [id, true, "made"]);
    assert.deepEqual(await a.jobs.renew("a", clock.now + LEASE, [id]), []);
    await a.jobs.endLeases();
    assert.equal((await claim(a, "c"))[0]?.orphaned, true);
    await a.jobs.endLeases();
    assert.equal((await claim(b, "b"))[0]?.id, id);
    assert.equal(await a.jobs.requeue(id, "a", clock.now), false);
    assert.equal(await b.jobs.requeue(id, "b", clock.now + 500), true);
    assert.deepEqual(await claim(b, "b"), []);
    clock.now += 500;
    assert.equal((await claim(b, "b"))[0]?.orphaned, false);
  });

  it("leaves what waits alone when only the overdue are asked for", async () => {
    await empty();
    const { a, customer, clock } = world();
    const someone = await customer(100);
    const { id } = await queued(someone);
    const overdue = () => a.jobs.claim("a", clock.now + LEASE, 10, "overdue");
    assert.deepEqual(await overdue(), []);
    clock.now += 60_000;
    assert.deepEqual(
      (await overdue()).map((job) => job.id),
      [id],
    );
  });

  it("ends a job that waits for whoever asks, and tells the owner of one that runs", async () => {
    await empty();
    const { a, b, customer, clock } = world();
    const someone = await customer(100);
    const stranger = await customer(100);
    const until = clock.now + LEASE;
    const waits = await queued(someone);
    assert.equal(await b.jobs.cancel(stranger.accountId, waits.id, "b", until), undefined);
    assert.equal(await b.jobs.cancel(someone.accountId, jobIdFrom("gen_nothing"), "b", until), undefined);
    const asked = await b.jobs.cancel(someone.accountId, waits.id, "b", until);
    assert.equal(asked?.claimed?.id, waits.id);
    assert.equal(asked?.claimed?.cancelAt, clock.now);
    await b.jobs.end(waits.id, "b", { state: "cancelled" }, clock.now + DAY);
    assert.equal(await state(someone, waits.id), "cancelled");

    const runs = await queued(someone);
    await claim(a, "a");
    const told = await b.jobs.cancel(someone.accountId, runs.id, "b", until);
    assert.deepEqual([told?.job.state, told?.claimed], ["running", undefined]);
    assert.deepEqual(await a.jobs.renew("a", until, [runs.id]), [{ id: runs.id, cancelAt: clock.now }]);
    await a.jobs.end(runs.id, "a", { state: "failed", error: "{}" }, clock.now + DAY);
    const after = await b.jobs.cancel(someone.accountId, runs.id, "b", until);
    assert.deepEqual([after?.job.state, after?.claimed], ["failed", undefined]);
  });

  it("finds the job that an idempotency key stands for, until the key is free again", async () => {
    await empty();
    const { a, customer } = world();
    const someone = await customer(100);
    const { id, holdId } = await queued(someone, 100, "once");
    assert.equal((await a.jobs.findByIdempotencyKey(someone.accountId, "once"))?.id, id);
    assert.equal(await a.jobs.findByIdempotencyKey(someone.accountId, "never"), undefined);
    await a.void({ holdId });
    assert.equal(await a.jobs.findByIdempotencyKey(someone.accountId, "once"), undefined);
  });

  it("tells which held units belong to no open job", async () => {
    await empty();
    const { a, customer, hold, clock } = world();
    const someone = await customer(100);
    const { id } = await queued(someone);
    const alone = await hold(someone);
    const orphans = async () => {
      const { holds } = await a.listHolds({ accountId: someone.accountId, state: "held", withoutJob: true });
      return holds.map((one) => one.id);
    };
    assert.deepEqual(await orphans(), [alone]);
    await claim(a, "a");
    assert.deepEqual(await orphans(), [alone]);
    await a.jobs.end(id, "a", { state: "cancelled" }, clock.now + DAY);
    assert.equal((await orphans()).length, 2);
  });

  it("tells once of a job's end, and again at the time that was said, to where its key wants it", async () => {
    await empty();
    const { a, b, customer, clock, database } = world();
    const someone = await customer(100);
    const quiet = await customer(100);
    const { secret, ...webhook } = await a.setWebhook(someone.keyId, "https://example.com/hook?token=1");
    assert.match(secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
    assert.deepEqual(await b.getWebhook(someone.keyId), webhook);
    for (const who of [someone, quiet]) {
      const { id } = await queued(who);
      await claim(a, "a");
      await a.jobs.end(id, "a", { state: "cancelled" }, clock.now + DAY);
    }
    const due = async () =>
      (await Promise.all([a, b, a, b].map(({ jobs }) => jobs.dueWebhooks(10, clock.now + 30_000)))).flat();
    const [first, ...others] = await due();
    assert.deepEqual(others, []);
    assert.deepEqual([first?.url, first?.secret, first?.attempt, first?.state], [webhook.url, secret, 1, "cancelled"]);
    clock.now += 29_999;
    assert.deepEqual(await due(), []);
    clock.now += 1;
    assert.equal((await due())[0]?.attempt, 2);
    const jobId = first?.jobId ?? assert.fail();
    await a.jobs.noteWebhook(jobId, clock.now + 5_000);
    clock.now += 5_000;
    assert.equal((await due())[0]?.attempt, 3);
    await b.jobs.noteWebhook(jobId, null);
    clock.now += DAY;
    assert.deepEqual(await due(), []);
    const logged = JSON.stringify(await database.rows("SELECT details FROM audit_log"));
    assert(!logged.includes("token=1") && !logged.includes(secret));

    const { id } = await queued(someone);
    await claim(a, "a");
    await a.jobs.end(id, "a", { state: "cancelled" }, clock.now + DAY);
    assert.equal(await a.removeWebhook(someone.keyId), true);
    assert.deepEqual(await due(), []);
    assert.equal(await a.removeWebhook(someone.keyId), false);
    assert.equal(await a.getWebhook(someone.keyId), undefined);
    for (const url of ["ftp://example.com", "nonsense", `https://example.com/${"x".repeat(2_048)}`]) {
      await assert.rejects(a.setWebhook(someone.keyId, url), { name: "LedgerInputError" });
    }
  });

  it("leaves webhooks of busy receivers for later, and those alone", async () => {
    await empty();
    const { a, customer, clock } = world();
    const urls = [
      "https://slow.example/a",
      "https://slow.example/b?c",
      "https://slow.example.org/",
      "https://quick.example:8443/",
    ];
    for (const url of urls) {
      const someone = await customer(100);
      await a.setWebhook(someone.keyId, url);
      const { id } = await queued(someone);
      await claim(a, "a");
      await a.jobs.end(id, "a", { state: "cancelled" }, clock.now + DAY);
    }
    const due = async (...busy: string[]) =>
      (await a.jobs.dueWebhooks(10, clock.now + 30_000, busy)).map(({ url }) => url).sort();
    assert.deepEqual(await due("https://slow.example", "https://quick.example:8443"), [urls[2]]);
    assert.deepEqual(await due("https://slow.example"), [urls[3]]);
    assert.deepEqual(await due("http://slow.example", "https://slow"), [urls[0], urls[1]]);
  });

  it("refuses arguments that can never work", async () => {
    const { a, clock } = world();
    const bad = { name: "LedgerInputError" };
    const id = jobIdFrom("gen_something");
    await assert.rejects(a.jobs.claim("a", clock.now, 0), bad);
    await assert.rejects(a.jobs.claim("not visible", clock.now, 1), bad);
    await assert.rejects(a.jobs.keepResult(id, "a", "x".repeat(65_537)), bad);
    assert.throws(() => jobIdFrom("../../etc"), bad);
  });
}
