import assert from "node:assert/strict";
import { test } from "node:test";
import { startWorld } from "./support/gateway.ts";
import { manualClock } from "./support/manual-clock.ts";

const TIMEOUT_MS = 2_000;

test("a deadline that comes while the hold is being charged takes no paid picture away", async () => {
  const clock = manualClock();
  await using world = await startWorld({
    clock,
    generationTimeoutMs: TIMEOUT_MS,
    wrapLedger: (ledger) => ({
      ...ledger,
      async settle(settlement) {
        const result = await ledger.settle(settlement);
        await clock.advance(2 * TIMEOUT_MS);
        return result;
      },
    }),
  });
  const { status, text } = await world.generate({ stream: true });
  assert.equal(status, 200);
  assert.match(text, /^event: image_generation.completed/);
  assert.equal((await world.ledger.getAccount(world.accountId))?.posted, 64 * 64);
});
