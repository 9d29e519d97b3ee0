import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { takeTurns } from "../src/network/take-turns.ts";

interface Request {
  readonly name: string;
  readonly work: number;
  left: number;
}

const request = (name: string, steps: number): Request => ({ name, work: steps, left: steps });

/** Lets requests take their steps until all are done; those that `arrive` come before that turn. Gives the order of steps. */
function run(first: readonly Request[], arrive: Readonly<Record<number, readonly Request[]>> = {}): string[] {
  const turns = takeTurns<Request>();
  const waiting = new Set<Request>();
  const enter = (lanes: readonly Request[]) => {
    for (const lane of lanes) {
      turns.enter(lane);
      waiting.add(lane);
    }
  };
  enter(first);
  const order: string[] = [];
  for (let turn = 0; waiting.size > 0 || Object.keys(arrive).some((at) => Number(at) >= turn); turn++) {
    enter(arrive[turn] ?? []);
    const lane = turns.next(waiting);
    order.push(lane.name);
    if (--lane.left > 0) continue;
    waiting.delete(lane);
    turns.leave(lane);
  }
  return order;
}

describe("requests take turns", () => {
  test("alone, a request takes every turn", () => {
    assert.deepEqual(run([request("a", 3)]), ["a", "a", "a"]);
  });

  test("a request of 4 steps beside ten of 100 takes at most twice its steps and one", () => {
    for (const at of [0, 1, 2, 17, 480, 990]) {
      const others = Array.from({ length: 10 }, (_, i) => request(`long ${i}`, 100));
      const order = run(others, { [at]: [request("short", 4)] });
      const waited = order.lastIndexOf("short") + 1 - at;
      // One step of another request was running when it came.
      assert.ok(waited + 1 <= 2 * 4 + 1, `arrived at turn ${at}, took ${waited} turns`);
      assert.equal(order.length, 1004);
    }
  });

  test("requests of the same size get on together, every other one within a round", () => {
    const order = run(Array.from({ length: 5 }, (_, i) => request(`${i}`, 40)));
    const others = order.slice(0, 60).filter((name) => name !== "0");
    for (let i = 0; i + 4 <= others.length; i += 4) {
      assert.equal(new Set(others.slice(i, i + 4)).size, 4, `round ${i / 4} is ${others.slice(i, i + 4)}`);
    }
  });

  test("a stream of short requests leaves every second turn to the long ones", () => {
    const stream = Object.fromEntries(
      Array.from({ length: 100 }, (_, i) => [i * 2, [request(`short ${i}`, 1)]] as const),
    );
    const order = run([request("long", 90), request("longer", 95)], stream);
    const early = order.slice(0, 180);
    const long = early.filter((name) => !name.startsWith("short")).length;
    assert.ok(long >= 80, `the long ones had ${long} of 180 turns`);
  });

  test("the one that came first is favoured among equals", () => {
    const order = run([request("first", 10), request("second", 10), request("third", 10)]);
    assert.ok(order.lastIndexOf("first") < order.lastIndexOf("second"));
    assert.ok(order.lastIndexOf("second") <= order.lastIndexOf("third"));
  });

  test("while the favoured request is not waiting, the others go round", () => {
    const turns = takeTurns<Request>();
    const [short, a, b] = [request("short", 1), request("a", 9), request("b", 9)];
    for (const lane of [short, a, b]) turns.enter(lane);
    const others = new Set([a, b]);
    const names = Array.from({ length: 4 }, () => turns.next(others).name);
    assert.deepEqual(names, ["a", "b", "a", "b"]);
    assert.equal(turns.next(new Set([short, a, b])), short);
  });
});
