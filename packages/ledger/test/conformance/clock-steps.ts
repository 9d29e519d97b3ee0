import assert from "node:assert/strict";
import { it } from "node:test";
import { jobIdOf } from "../../src/ids.ts";
import { type HoldId, type Ledger, openLedger } from "../../src/index.ts";
import type { Customer, World } from "../support/world.ts";

const HOUR = 3_600_000;

async function enqueue(ledger: Ledger, someone: Customer, holdId: HoldId, deadline: number) {
  const { accountId, keyId } = someone;
  const job = { id: jobIdOf(holdId), holdId, accountId, keyId, requestId: "r", model: "tiny", request: "{}", deadline };
  assert.equal(await ledger.jobs.enqueue(job, 10), "queued");
  return job.id;
}

/** Every stored time that is compared with now, with a clock that steps an hour back, and an hour ahead. */
export function clockStepTests(world: () => World): void {
  it("a clock that steps back locks no limited key, and every wait that is named is true", async () => {
    const { a, b, customer, request, clock } = world();
    const someone = await customer(10_000, { limits: { requestsPerMinute: 3, imagesPerMinute: 6 } });
    for (const step of [HOUR, 30_000, 61_000, 1_500]) {
      for (let count = 0; count < 3; count++) {
        assert.equal((await a.reserve(request(someone, { images: 2 }))).outcome, "held");
        clock.now += 700;
      }
      clock.now -= step;
      const first = await b.reserve(request(someone));
      if (step > 4_000) assert.equal(first.outcome, "held", `after a step of ${step} ms`);
      let refusals = 0;
      for (;;) {
        const answer = await b.reserve(request(someone, { images: 3 }));
        if (answer.outcome === "held") break;
        assert(answer.outcome === "rate_limited" && refusals < 2, `${answer.outcome} after ${refusals} waits`);
        // Room for these images may be named by each limit in turn, but by each once.
        refusals += 1;
        clock.now += answer.retryAfterMs;
      }
      clock.now += 2 * HOUR;
    }
  });

  it("a gateway whose clock is an hour ahead locks no key for the others", async () => {
    const { a, customer, request, clock, database } = world();
    const someone = await customer(10_000, { limits: { requestsPerMinute: 1 } });
    const ahead = await openLedger(database.url, { now: () => clock.now + HOUR });
    const early = request(someone, { deadline: clock.now + HOUR + 60_000 });
    assert.equal((await ahead.reserve(early)).outcome, "held");
    const held = await a.reserve(request(someone));
    assert(held.outcome === "held");
    assert.deepEqual(held.limits.requests, { limit: 1, remaining: 0 });
    await ahead.close();
  });

  it("a use within a second of the future counts: clocks differ a little", async () => {
    const { a, customer, request, clock } = world();
    const someone = await customer(10_000, { limits: { requestsPerMinute: 1 } });
    assert.equal((await a.reserve(request(someone))).outcome, "held");
    clock.now -= 1_000;
    const refused = await a.reserve(request(someone));
    assert(refused.outcome === "rate_limited");
    assert.equal(refused.retryAfterMs, 61_000);
  });

  it("a hold of a dead gateway lasts no longer than it was to last, and so does its lease", async () => {
    const { a, b, customer, hold, request, clock } = world();
    const someone = await customer(100, { limits: { concurrentRequests: 1 } });
    await a.sweep();
    const holdId = await hold(someone, { idempotency: { key: "dead", fingerprint: "f" } });
    clock.now -= HOUR;
    await a.sweep();
    clock.now += 59_999;
    await a.sweep();
    assert.equal((await a.getHold(holdId))?.state, "held");
    assert.equal((await b.reserve(request(someone))).outcome, "rate_limited");
    clock.now += 1;
    assert.equal((await b.reserve(request(someone))).outcome, "held");
    await a.sweep();
    assert.equal((await a.getHold(holdId))?.state, "expired");
    assert.deepEqual(await a.verify(), []);
  });

  it("a hold is settled after the clock has stepped back, with what was asked of it and no more", async () => {
    const { a, customer, hold, clock } = world();
    const someone = await customer(100);
    await a.sweep();
    const holdId = await hold(someone);
    clock.now -= HOUR;
    await a.sweep();
    await a.sweep();
    assert.equal((await a.settle({ holdId, units: 10 })).outcome, "posted");
    assert.deepEqual(await a.verify(), []);
  });

  it("a clock that steps ahead expires what is held: nothing is charged, key and units are free", async () => {
    const { a, customer, hold, request, clock } = world();
    const someone = await customer(10, { limits: { concurrentRequests: 1, requestsPerMinute: 1 } });
    const idempotency = { key: "ahead", fingerprint: "f" };
    const holdId = await hold(someone, { idempotency });
    clock.now += HOUR;
    await a.sweep();
    assert.deepEqual(await a.settle({ holdId, units: 10 }), { outcome: "expired", units: 0, alreadyResolved: true });
    assert.equal((await a.reserve(request(someone, { idempotency }))).outcome, "held");
    assert.deepEqual(await a.verify(), []);
  });

  it("an answer is kept for its day, whichever way the clock steps", async () => {
    const { a, customer, hold, request, clock } = world();
    const someone = await customer(100);
    const idempotency = { key: "kept", fingerprint: "f" };
    const holdId = await hold(someone, { idempotency });
    await a.settle({ holdId, units: 10, response: "the answer" });
    for (const step of [-HOUR, 2 * HOUR, -HOUR]) {
      clock.now += step;
      while ((await a.sweep()).more);
      assert.deepEqual(await a.reserve(request(someone, { idempotency })), {
        outcome: "replay",
        holdId,
        response: "the answer",
      });
    }
    clock.now += 24 * HOUR;
    while ((await a.sweep()).more);
    assert.equal((await a.reserve(request(someone, { idempotency }))).outcome, "held");
  });

  it("jobs that wait, and those of a dead gateway, are taken up after the clock has stepped back", async () => {
    const { a, b, customer, hold, clock } = world();
    const someone = await customer(100);
    await b.sweep();
    const deadline = clock.now + 600_000;
    const waiting = await enqueue(a, someone, await hold(someone, { deadline }), deadline);
    const running = await enqueue(a, someone, await hold(someone, { deadline }), deadline);
    const [claimed] = await a.jobs.claim("dead", clock.now + 15_000, 1);
    const other = claimed?.id === running ? waiting : running;
    clock.now -= HOUR;
    await b.sweep();
    const [next] = await b.jobs.claim("alive", clock.now + 15_000, 5);
    assert.equal(next?.id, other);
    assert.equal(next?.deadline, clock.now + 600_000);
    clock.now += 60_000;
    const taken = await b.jobs.claim("alive", clock.now + 15_000, 5);
    assert.deepEqual(taken.find(({ id }) => id === claimed?.id)?.orphaned, true);
  });

  it("a node that joined and died is gone a minute after the clock has stepped back", async () => {
    const { b, clock } = world();
    await b.sweep();
    const { token } = await b.nodes.expect(`stepped-${clock.now}`);
    await b.nodes.heartbeat(token, { url: "http://10.0.0.9:1", token: undefined, leaving: false }, clock.now + 10_000);
    clock.now -= HOUR;
    await b.sweep();
    const entry = (await b.nodes.list()).find(({ name }) => name.startsWith("stepped-"));
    assert.ok((entry?.expiresAt ?? Number.POSITIVE_INFINITY) <= clock.now + 60_000);
  });

  it("who asks for a running request's key is told when that ends at the latest, and asks less and less often", async () => {
    const { a, customer, hold, request, clock } = world();
    const someone = await customer(1_000);
    const idempotency = { key: "running", fingerprint: "f" };
    const deadline = clock.now + 660_000;
    await hold(someone, { idempotency, deadline });
    const ask = async () => {
      const answer = await a.reserve(request(someone, { idempotency }));
      assert(answer.outcome === "in_progress");
      return [answer.retryAfterMs, answer.endsWithinMs];
    };
    assert.deepEqual(await ask(), [1_000, 660_000]);
    clock.now += 20_000;
    assert.deepEqual(await ask(), [5_000, 640_000]);
    clock.now += 600_000;
    assert.deepEqual(await ask(), [40_000, 40_000]);
    const together = await Promise.all([
      a.reserve(request(someone, { idempotency: { key: "two", fingerprint: "f" }, deadline: clock.now + 5_000 })),
      a.reserve(request(someone, { idempotency: { key: "two", fingerprint: "f" } })),
    ]);
    assert.deepEqual(together[1], { outcome: "in_progress", retryAfterMs: 1_000, endsWithinMs: 5_000 });
  });
}
