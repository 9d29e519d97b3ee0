import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import pino from "pino";
import { startGateway } from "../src/index.ts";
import { startWorld } from "./support/gateway.ts";

const TIMEOUT_MS = 2_000;

test("a deadline that comes while the hold is being charged takes no paid picture away", async (t) => {
  const filesDir = await mkdtemp(join(tmpdir(), "atoma-settled-"));
  t.after(() => rm(filesDir, { recursive: true }));
  await using world = await startWorld();
  const { settle } = world.ledger;
  const gateway = await startGateway({
    host: "127.0.0.1",
    port: 0,
    ledger: {
      ...world.ledger,
      async settle(settlement) {
        const result = await settle(settlement);
        await new Promise((resolve) => setTimeout(resolve, TIMEOUT_MS));
        return result;
      },
    },
    log: pino({ level: "silent" }),
    nodes: [{ name: "n1", url: world.node.url }],
    filesDir,
    generationTimeoutMs: TIMEOUT_MS,
  });
  t.after(() => gateway.close(0));
  const response = await fetch(`${gateway.url}/v1/images/generations`, {
    method: "POST",
    headers: { authorization: `Bearer ${world.key}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "scripted", prompt: "p", stream: true }),
  });
  assert.match(await response.text(), /^event: image_generation.completed/);
  assert.equal((await world.ledger.getAccount(world.accountId))?.posted, 64 * 64);
});
