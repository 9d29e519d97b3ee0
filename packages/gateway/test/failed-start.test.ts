import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type Ledger, openLedger } from "@atoma/ledger";
import pino from "pino";
import { startGateway } from "../src/index.ts";
import { eventually } from "./support/gateway.ts";
import { manualClock } from "./support/manual-clock.ts";
import { startScriptedNode } from "./support/scripted-node.ts";

test("a gateway that cannot listen leaves nothing running", async (t) => {
  const clock = manualClock();
  const folder = await mkdtemp(join(tmpdir(), "atoma-failed-start-"));
  t.after(() => rm(folder, { recursive: true }));
  await using node = await startScriptedNode();
  const ledger = await openLedger(`sqlite:${join(folder, "ledger.db")}`);
  t.after(() => ledger.close());
  let sweeps = 0;
  let lists = 0;
  const watched: Ledger = {
    ...ledger,
    sweep: () => {
      sweeps++;
      return ledger.sweep();
    },
    nodes: {
      ...ledger.nodes,
      list: () => {
        lists++;
        return ledger.nodes.list();
      },
    },
  };
  const start = (port: number) =>
    startGateway({
      host: "127.0.0.1",
      port,
      ledger: watched,
      log: pino({ level: "silent" }),
      nodes: [{ name: "n1", url: node.url }],
      filesDir: join(folder, "files"),
      clock,
    });
  const counted = async () => {
    [sweeps, lists] = [0, 0];
    await clock.advance(3_000);
    return sweeps > 0 && lists > 0;
  };

  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  t.after(() => taken.close());
  await assert.rejects(start((taken.address() as AddressInfo).port), { code: "EADDRINUSE" });
  assert.equal(clock.pending, 0);
  assert.equal(await counted(), false);
  assert.deepEqual([sweeps, lists], [0, 0]);
  await eventually(async () => (await node.connections()) === 0);

  const gateway = await start(0);
  t.after(() => gateway.close(0));
  assert.equal(await counted(), true, "a gateway that listens does all that");
  assert.ok((await node.connections()) > 0);
});
