import assert from "node:assert/strict";
import { copyFile, mkdtemp, open, rm, stat, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync, StatementSync } from "node:sqlite";
import { after, it } from "node:test";
import { type HoldId, type Ledger, newHoldId, ownLedger, type ReserveRequest } from "../src/index.ts";
import { seededRandom } from "./support/random.ts";

const SEED = Number(process.env.ATOMA_SEED ?? Date.now() % 2 ** 32);
const CUTS = 40;
const START = Date.UTC(2026, 2, 1);

/** How each transaction was committed: on the disk before it returned, or only written. Every connection has its own setting. */
const commits: ("flushed" | "written")[] = [];
const { exec, prepare } = DatabaseSync.prototype;
const { run } = StatementSync.prototype;
const settings = new WeakMap<DatabaseSync, "flushed" | "written">();
const connections = new WeakMap<StatementSync, DatabaseSync>();
DatabaseSync.prototype.exec = function watched(sql) {
  const setting = /PRAGMA synchronous = (FULL|NORMAL)/.exec(sql)?.[1];
  if (setting !== undefined) settings.set(this, setting === "FULL" ? "flushed" : "written");
  return exec.call(this, sql);
};
DatabaseSync.prototype.prepare = function watched(sql) {
  const statement = prepare.call(this, sql);
  connections.set(statement, this);
  return statement;
};
StatementSync.prototype.run = function watched(this: StatementSync, ...values: Parameters<typeof run>) {
  const result = run.apply(this, values);
  const connection = connections.get(this);
  if (this.sourceSQL === "COMMIT" && connection) commits.push(settings.get(connection) ?? assert.fail());
  return result;
} as typeof run;
after(() => Object.assign(DatabaseSync.prototype, { exec, prepare }));
after(() => Object.assign(StatementSync.prototype, { run }));

async function customer(ledger: Ledger) {
  const account = await ledger.createAccount({ name: "a" });
  await ledger.grant(account.id, 1_000_000, { reference: "first" });
  const { record } = await ledger.createKey({ accountId: account.id, name: "k" });
  return { accountId: account.id, keyId: record.id };
}

it(`a power cut at any moment loses no settlement, and leaves books that are right (ATOMA_SEED=${SEED})`, async (t) => {
  const random = seededRandom(SEED);
  const folder = await mkdtemp(join(tmpdir(), "atoma-power-"));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, "ledger.db");
  const now = () => START;
  const ledger = await ownLedger(`sqlite:${file}`, { now });
  const someone = await customer(ledger);
  const settled = new Map<HoldId, number>();
  const held: HoldId[] = [];
  // Of the write-ahead log, what is on the disk for sure.
  let flushed = (await stat(`${file}-wal`)).size;
  let lost = 0;

  async function step(): Promise<void> {
    const holdId =
      held.length > 0 && random.chance(0.5) ? held.splice(random.integer(0, held.length - 1), 1)[0] : undefined;
    commits.length = 0;
    if (holdId === undefined) {
      const request: ReserveRequest = {
        ...someone,
        holdId: newHoldId(START, (size) => Uint8Array.from({ length: size }, () => random.integer(0, 255))),
        requestId: "r",
        model: "tiny",
        images: 1,
        units: 10,
        price: {},
        deadline: START + 600_000,
        idempotency: { key: `k${random.integer(0, 2 ** 30)}`, fingerprint: "f" },
      };
      assert.equal((await ledger.reserve(request)).outcome, "held");
      held.push(request.holdId);
    } else if (random.chance(0.3)) await ledger.void({ holdId });
    else {
      const units = random.integer(1, 10);
      await ledger.settle({ holdId, units, response: "{}" });
      assert.deepEqual(commits, ["flushed"]);
      settled.set(holdId, units);
    }
    if (commits.includes("flushed")) flushed = (await stat(`${file}-wal`)).size;
  }

  for (let cut = 0; cut < CUTS; cut++) {
    for (let count = random.integer(1, 8); count > 0; count--) await step();
    const written = (await stat(`${file}-wal`)).size;
    const kept = random.integer(flushed, written);
    const copy = join(folder, `cut-${cut}.db`);
    // By reading: closing the file in this process would release SQLite's locks on it, which nobody contends for here.
    await copyFile(file, copy);
    await copyFile(`${file}-wal`, `${copy}-wal`);
    await truncate(`${copy}-wal`, kept);
    if (random.chance(0.5)) {
      // What the disk had there before.
      await using tail = await open(`${copy}-wal`, "a");
      await tail.write(Uint8Array.from({ length: written - kept }, () => random.integer(0, 255)));
    }
    const after = await ownLedger(`sqlite:${copy}`, { now });
    for (const [id, units] of settled) {
      const hold = await after.getHold(id);
      assert.deepEqual([hold?.state, hold?.postedUnits], ["posted", units], `cut ${cut}`);
    }
    for (const id of held) {
      const state = (await after.getHold(id))?.state;
      if (state === undefined) lost += 1;
      else assert.equal(state, "voided", `cut ${cut}`);
    }
    const account = (await after.getAccount(someone.accountId)) ?? assert.fail();
    const charged = [...settled.values()].reduce((sum, units) => sum + units, 0);
    assert.deepEqual([account.posted, account.pending], [charged, 0], `cut ${cut}`);
    // By a process of its own, which takes a second to start.
    if (cut % 10 === 0) assert.deepEqual(await after.verify(), [], `cut ${cut}`);
    await after.close();
  }
  assert.ok(lost > 0, "some cuts took reservations");
  await ledger.close();
});

it("administrative changes, jobs and sweeps are on the disk before they are answered; reservations and voids need not be", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "atoma-flush-"));
  t.after(() => rm(folder, { recursive: true }));
  const ledger = await ownLedger(`sqlite:${join(folder, "ledger.db")}`, { now: () => START });
  commits.length = 0;
  const someone = await customer(ledger);
  assert.deepEqual(commits, ["flushed", "flushed", "flushed"]);
  commits.length = 0;
  const holdId = newHoldId(START, (size) => new Uint8Array(size));
  const request = {
    ...someone,
    holdId,
    requestId: "r",
    model: "m",
    images: 1,
    units: 1,
    price: {},
    deadline: START + 1,
  };
  await ledger.reserve(request);
  await ledger.void({ holdId });
  assert.deepEqual(commits, ["written", "written"]);
  commits.length = 0;
  await ledger.sweep();
  assert.ok(commits.length > 0 && commits.every((commit) => commit === "flushed"));
  await ledger.close();
});
