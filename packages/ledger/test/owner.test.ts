import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { jobIdOf } from "../src/ids.ts";
import { type Ledger, LedgerInUseError, lockFile, newHoldId, openLedger, ownLedger } from "../src/index.ts";

const OWNER = fileURLToPath(new URL("./support/owner.ts", import.meta.url));

async function newFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "atoma-owner-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A process that owns a ledger, or what it was refused with. */
async function startOwner(url: string) {
  const child = fork(OWNER, [url]);
  const [said] = (await once(child, "message")) as [string];
  return { child, said };
}

async function kill({ child }: Awaited<ReturnType<typeof startOwner>>): Promise<void> {
  child.kill("SIGKILL");
  await once(child, "exit");
}

/** An account with a key, and a hold of ten of its hundred units. */
async function holdUnits(ledger: Ledger, idempotencyKey: string) {
  const account = await ledger.createAccount({ name: "a" });
  await ledger.grant(account.id, 100, { reference: "first" });
  const { record } = await ledger.createKey({ accountId: account.id, name: "k" });
  const now = Date.now();
  const request = {
    holdId: newHoldId(now, randomBytes),
    accountId: account.id,
    keyId: record.id,
    requestId: "req_1",
    model: "tiny",
    images: 1,
    units: 10,
    price: {},
    deadline: now + 660_000,
    idempotency: { key: idempotencyKey, fingerprint: "f" },
  };
  assert.equal((await ledger.reserve(request)).outcome, "held");
  return request;
}

describe("the owner of a SQLite ledger", () => {
  it("is one: a second is refused with the first one's process id, and nothing of the first is touched", async (t) => {
    const url = `sqlite:${join(await newFolder(t), "ledger.db")}`;
    const first = await ownLedger(url);
    const request = await holdUnits(first, "one");
    await assert.rejects(ownLedger(url), (error: unknown) => {
      assert(error instanceof LedgerInUseError);
      assert.match(error.message, process.platform === "linux" ? new RegExp(`process ${process.pid}\\b`) : /another/);
      return true;
    });
    const { said, child } = await startOwner(url);
    assert.match(said, /^LedgerInUseError: another gateway/);
    child.disconnect();
    assert.equal((await first.settle({ holdId: request.holdId, units: 10 })).outcome, "posted");
    await first.close();
    const next = await ownLedger(url);
    await next.close();
  });

  it("is one, also by another name of the file", async (t) => {
    const folder = await newFolder(t);
    const first = await ownLedger(`sqlite:${join(folder, "ledger.db")}`);
    await symlink(join(folder, "ledger.db"), join(folder, "link.db"));
    await assert.rejects(ownLedger(`sqlite:${join(folder, "link.db")}`), LedgerInUseError);
    await first.close();
  });

  it("is one of four that start at once, every time", async (t) => {
    const folder = await newFolder(t);
    for (let round = 0; round < 3; round++) {
      const url = `sqlite:${join(folder, `${round}.db`)}`;
      // What a process that was killed, or another program, may have left.
      await writeFile(join(folder, `${round}.db.lock`), ["", "1", "not a lock\n".repeat(1_000)][round] ?? "");
      const owners = await Promise.all(Array.from({ length: 4 }, () => startOwner(url)));
      assert.equal(owners.filter(({ said }) => said === "owns").length, 1);
      for (const owner of owners) await kill(owner);
    }
  });

  it("voids what a killed one held, frees its idempotency key, and leaves what pays for a waiting job", async (t) => {
    const url = `sqlite:${join(await newFolder(t), "ledger.db")}`;
    const dead = await startOwner(url);
    assert.equal(dead.said, "owns");
    const ledger = await openLedger(url);
    const request = await holdUnits(ledger, "one");
    const { holdId, accountId, keyId, requestId, model, deadline } = await holdUnits(ledger, "two");
    const job = { id: jobIdOf(holdId), holdId, accountId, keyId, requestId, model, request: "{}", deadline };
    assert.equal(await ledger.jobs.enqueue(job, 10), "queued");
    await kill(dead);

    const warned: object[] = [];
    const logger = { info: () => {}, warn: (fields: object) => warned.push(fields) };
    const owner = await ownLedger(url, { logger });
    assert.deepEqual(warned, [{ holds: 1 }]);
    assert.equal((await owner.getAccount(request.accountId))?.pending, 0);
    assert.equal((await owner.getHold(holdId))?.state, "held");
    const again = { ...request, holdId: newHoldId(Date.now(), randomBytes) };
    assert.equal((await owner.reserve(again)).outcome, "held");
    assert.deepEqual(await owner.verify(), []);
    await Promise.all([owner.close(), ledger.close()]);
  });

  it("gives the lock back when it cannot open the ledger", async (t) => {
    const folder = await newFolder(t);
    const file = join(folder, "ledger.db");
    await writeFile(file, "not a database, and longer than the header of one: ".repeat(20));
    await assert.rejects(ownLedger(`sqlite:${file}`), { name: "LedgerUnavailableError" });
    await rm(file);
    await (await ownLedger(`sqlite:${file}`)).close();
  });
});

describe("the file of a SQLite ledger", () => {
  it("is readable by its owner only, and so is what SQLite keeps beside it", async (t) => {
    const folder = await newFolder(t);
    const file = join(folder, "ledger.db");
    const ledger = await openLedger(`sqlite:${file}`);
    await ledger.createAccount({ name: "a" });
    for (const name of await readdir(folder)) assert.equal((await stat(join(folder, name))).mode & 0o777, 0o600, name);
    await ledger.close();

    await chmod(file, 0o644);
    const readable = await openLedger(`sqlite:${file}`);
    assert.equal((await stat(file)).mode & 0o777, 0o600, "a file of an older version");
    await readable.close();

    await chmod(file, 0o660);
    const shared = await openLedger(`sqlite:${file}`);
    assert.equal((await stat(file)).mode & 0o777, 0o660, "a group that somebody chose stays");
    await shared.close();
  });

  it("below a folder that cannot be made is refused at once", async () => {
    await assert.rejects(openLedger("sqlite:/proc/nowhere/deep/ledger.db"), {
      name: "LedgerUnavailableError",
      message: "the ledger's file /proc/nowhere/deep/ledger.db cannot be used: it cannot be made there",
    });
    await assert.rejects(ownLedger("sqlite:/proc/nowhere/deep/ledger.db"), { name: "LedgerUnavailableError" });
  });
});

it("a lock is released by its owner, and another folder's file of the same name has its own", async (t) => {
  const folder = await newFolder(t);
  await mkdir(join(folder, "other"));
  using _ = lockFile(join(folder, "lock"));
  using _other = lockFile(join(folder, "other", "lock"));
  assert.throws(() => lockFile(join(folder, "lock")), { name: "FileLockedError" });
});
