import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { holdIdFrom, openLedger } from "../src/index.ts";

const WRITER = fileURLToPath(new URL("./support/writer.ts", import.meta.url));
const KILLS = 10;

interface Acknowledged {
  state: string;
  units: number;
}

/** Starts a writer, kills it in mid-write after so many lines, and gives the last that was acknowledged of each hold. */
async function writeAndDie(args: readonly string[], lines: number): Promise<Map<string, Acknowledged>> {
  const acknowledged = new Map<string, Acknowledged>();
  const child = spawn(process.execPath, [WRITER, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const closed = once(child, "close");
  let seen = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const [state, holdId, units] = line.split(" ");
    if (state === undefined || holdId === undefined) throw new Error(`the writer said ${line}`);
    acknowledged.set(holdId, { state, units: Number(units) });
    seen += 1;
    if (seen === lines) child.kill("SIGKILL");
  }
  const [, signal] = await closed;
  assert.equal(signal, "SIGKILL");
  return acknowledged;
}

it("loses nothing that was acknowledged when the process is killed in mid-write, ten times", {
  timeout: 60_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), "atoma-sigkill-"));
  const url = `sqlite:${join(folder, "ledger.db")}`;
  const clock = { ahead: 0 };
  const now = () => Date.now() + clock.ahead;
  try {
    const setUp = await openLedger(url);
    const account = await setUp.createAccount({ name: "unlucky" });
    await setUp.grant(account.id, 1_000_000_000, { reference: "first" });
    const { record } = await setUp.createKey({ accountId: account.id, name: "key" });
    await setUp.close();

    let total = 0;
    let posted = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      const acknowledged = await writeAndDie([url, account.id, record.id], 150 + 97 * kill);
      const ledger = await openLedger(url, { now });
      for (const [id, { state, units }] of acknowledged) {
        const hold = (await ledger.getHold(holdIdFrom(id))) ?? assert.fail(`${id} is lost`);
        total += 1;
        posted += units;
        // A settlement may be on the disk whose acknowledgement the killed process had no time to write.
        if (state === "held") continue;
        assert.deepEqual([hold.state, hold.postedUnits], [state, units], id);
      }
      assert.deepEqual(await ledger.verify(), []);
      await ledger.close();
    }

    clock.ahead = 600_001;
    const ledger = await openLedger(url, { now });
    while ((await ledger.sweep()).more);
    assert.deepEqual((await ledger.listHolds({ state: "held" })).holds, []);
    const after = (await ledger.getAccount(account.id)) ?? assert.fail();
    assert.equal(after.pending, 0);
    assert(after.posted >= posted && total > 1_000, `${total} holds, ${posted} units`);
    assert.deepEqual(await ledger.verify(), []);
    await ledger.close();
  } finally {
    await rm(folder, { recursive: true });
  }
});
