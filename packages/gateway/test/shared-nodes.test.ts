import assert from "node:assert/strict";
import { test } from "node:test";
import { openLedger } from "@atoma/ledger";
import { startPostgres } from "@atoma/ledger/test-support";
import pino from "pino";
import type { NodeConfig } from "../src/index.ts";
import { LIFE_MS, sharedNodes } from "../src/nodes/shared-nodes.ts";
import { manualClock } from "./support/manual-clock.ts";

const SECOND = 1000;

test("nodes that joined stay while the database is away, and have their time to be heard once it is back", async (t) => {
  const postgres = await startPostgres();
  t.after(() => postgres.stop());
  const ledger = await openLedger(postgres.url, { operationTimeoutMs: 1000 });
  t.after(() => ledger.close());
  const clock = manualClock();
  const lists: string[][] = [];
  const there = (nodes: readonly NodeConfig[]) => nodes.filter(({ draining }) => !draining).map(({ name }) => name);
  const shared = sharedNodes(ledger, [], (nodes) => void lists.push(there(nodes)), {
    clock,
    log: pino({ level: "silent" }),
  });
  // Only when this test says so.
  shared.close();
  const seen = async () => {
    const before = lists.length;
    await shared.refresh();
    return lists.length === before ? "unread" : lists.at(-1)?.join(" ");
  };
  const tokens = new Map<string, string>();
  for (const name of ["back", "gone", "left", "old"]) tokens.set(name, (await ledger.nodes.expect(name)).token);
  const beat = (name: string) =>
    ledger.nodes.heartbeat(
      tokens.get(name) ?? "",
      { url: "http://10.0.0.1:1", token: undefined, leaving: false },
      clock.now() + LIFE_MS,
    );
  await beat("old");
  clock.step(LIFE_MS);
  for (const name of ["back", "gone", "left"]) await beat(name);
  assert.equal(await seen(), "back gone left", "who was silent before it is gone");

  await postgres.kill();
  for (let i = 0; i < 3; i++) {
    clock.step(10 * SECOND);
    assert.equal(await seen(), "unread");
  }
  await postgres.restart();
  await ledger.nodes.remove("left");
  assert.equal(await seen(), "back gone");
  /** Time in which the list is read as often as it should be. */
  const pass = async (seconds: number) => {
    for (let i = 0; i < seconds; i++) {
      clock.step(SECOND);
      await seen();
    }
    return seen();
  };
  await pass(1);
  await beat("back");
  assert.equal(await pass(8), "back gone");
  assert.equal(await pass(1), "back");
  assert.equal(await pass(1), "", "from then on silence counts as ever");
});

test("the list is read twice a second, so that a change is known everywhere within one", async (t) => {
  const clock = manualClock();
  const ledger = await openLedger("sqlite::memory:");
  t.after(() => ledger.close());
  let read = Promise.withResolvers<string[]>();
  const shared = sharedNodes(ledger, [], (nodes) => read.resolve(nodes.map(({ name }) => name)), {
    clock,
    log: pino({ level: "silent" }),
  });
  t.after(() => shared.close());
  for (const name of ["a", "b"]) {
    await ledger.nodes.add({ name, url: "http://10.0.0.1:1", dialect: "atoma" });
    read = Promise.withResolvers();
    await clock.advance(500);
    assert.equal((await read.promise).at(-1), name);
  }
});
