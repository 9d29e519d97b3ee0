import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { pictureMemory } from "../src/pictures/picture-memory.ts";

const never = () => assert.fail("nothing fails to be stored here");
/** Whether a claim was granted by now. */
async function granted(claim: Promise<void> | undefined): Promise<boolean> {
  if (!claim) return true;
  let yes = false;
  void claim.then(() => {
    yes = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  return yes;
}

test("claims within the budget are granted at once, others in turn when room is given back", async () => {
  const memory = pictureMemory(100, never);
  const [a, b, c] = [memory.open(), memory.open(), memory.open()];
  assert.equal(a.claim(60), undefined);
  const second = b.claim(50);
  const third = c.claim(10);
  assert.deepEqual([await granted(second), await granted(third)], [false, false], "nobody overtakes");
  a.release(60);
  assert.deepEqual([await granted(second), await granted(third)], [true, true]);
  assert.equal(memory.usedBytes, 60);
  for (const request of [a, b, c]) request[Symbol.dispose]();
  assert.equal(memory.usedBytes, 0);
});

test("what is larger than the budget is granted when nothing else is held", async () => {
  const memory = pictureMemory(100, never);
  const [a, b] = [memory.open(), memory.open()];
  assert.equal(a.claim(10), undefined);
  const large = b.claim(500);
  assert.equal(await granted(large), false);
  a[Symbol.dispose]();
  assert.equal(await granted(large), true);
});

test("pictures that are offered are let go when others wait, the oldest first, and no more than needed", async () => {
  const memory = pictureMemory(100, never);
  const gone: number[] = [];
  const requests = [0, 1, 2].map((i) => {
    const request = memory.open();
    assert.equal(request.claim(30), undefined);
    request.offer(30, async () => void gone.push(i));
    return request;
  });
  const late = memory.open();
  assert.equal(await granted(late.claim(35)), true);
  assert.deepEqual(gone, [0]);
  assert.equal(memory.usedBytes, 95);
  for (const request of [...requests, late]) request[Symbol.dispose]();
  assert.equal(memory.usedBytes, 0);
});

test("four requests of four pictures each, with room for four together, all come to their end", async () => {
  const memory = pictureMemory(40, never);
  let stored = 0;
  await Promise.all(
    Array.from({ length: 4 }, async () => {
      using request = memory.open();
      for (let picture = 0; picture < 4; picture++) {
        await request.claim(10);
        assert.ok(memory.usedBytes <= 40);
        request.offer(10, async () => void stored++);
        await new Promise((resolve) => setImmediate(resolve));
      }
    }),
  );
  assert.equal(memory.usedBytes, 0);
  assert.ok(stored > 0);
});

test("a picture that cannot be stored stays, and who waits gets its room when it leaves", async () => {
  const failures: unknown[] = [];
  const memory = pictureMemory(10, (error) => failures.push(error));
  const a = memory.open();
  assert.equal(a.claim(10), undefined);
  a.offer(10, () => Promise.reject(new Error("full disk")));
  const b = memory.open();
  const waiting = b.claim(5);
  assert.equal(await granted(waiting), false);
  assert.equal(failures.length, 1);
  a[Symbol.dispose]();
  assert.equal(await granted(waiting), true);
});

test("whatever is claimed, offered and given back: the budget holds, and in the end nothing is held", async () => {
  const step = fc.record({ who: fc.nat(4), bytes: fc.integer({ min: 1, max: 60 }), what: fc.nat(3) });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const memory = pictureMemory(100, never);
      const open = () => ({ memory: memory.open(), held: 0 });
      const requests = Array.from({ length: 5 }, open);
      for (const { who, bytes, what } of steps) {
        const request = requests[who] ?? assert.fail();
        if (what === 0) {
          const claim = request.memory.claim(bytes);
          if (claim) void claim.then(() => request.memory.offer(bytes, async () => {}));
          else request.held += bytes;
        } else if (what === 1 && request.held > 0) {
          const { held } = request;
          request.held = 0;
          request.memory.offer(held, async () => {});
        } else if (what === 2 && request.held > 0) {
          request.memory.release(request.held);
          request.held = 0;
        } else if (what === 3) {
          request.memory[Symbol.dispose]();
          requests[who] = open();
        }
        await Promise.resolve();
        assert.ok(memory.usedBytes <= 100 && memory.usedBytes >= 0, `${memory.usedBytes}`);
      }
      for (const request of requests) request.memory[Symbol.dispose]();
      assert.equal(memory.usedBytes, 0);
    }),
    { numRuns: 500 },
  );
});
