import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import type { Process } from "./cluster.ts";
import { type Usage, usageOf } from "./process-usage.ts";

/** What processes have in hand, each by its name. */
type Usages = ReadonlyMap<string, Usage>;

const MIB = 2 ** 20;
/** Clients keep some more connections open, or fewer, as it comes: there are 32 of them at the most. */
const MORE_FILES = 16;
const MORE_HEAP = 8 * MIB;
const PATIENCE_MS = 30_000;

const inMiB = (bytes: number) => (bytes / MIB).toFixed(1);

export async function usagesOf(
  processes: Readonly<Record<string, Process>>,
  nodes: readonly Process[],
): Promise<Usages> {
  const ports = nodes.map(({ where }) => Number(where));
  const entries = Object.entries(processes).map(async ([name, one]) => [name, await usageOf(one, ports)] as const);
  return new Map(await Promise.all(entries));
}

const isFlat = (before: Usage, after: Usage, maxConnections: number) =>
  after.connections <= maxConnections &&
  after.others <= before.others + MORE_FILES &&
  after.heap <= before.heap + MORE_HEAP &&
  // The heap is what counts; what V8 gives back to the system is its own affair, within reason.
  after.rss <= 1.25 * before.rss + 64 * MIB;

const figures = (name: string, before: Usage, after: Usage) =>
  `${name}: connections to nodes ${before.connections} → ${after.connections}, other files ${before.others} → ${after.others}, ` +
  `heap ${inMiB(before.heap)} → ${inMiB(after.heap)} MiB, resident ${inMiB(before.rss)} → ${inMiB(after.rss)} MiB`;

/** Waits until processes have no more in hand than they had when they were warm, and tells what that is. */
export async function staysFlat(
  t: TestContext,
  warm: Usages,
  now: () => Promise<Usages>,
  { connections }: { readonly connections: number },
): Promise<void> {
  const until = Date.now() + PATIENCE_MS;
  for (;;) {
    const last = await now();
    const pairs = [...warm].map(([name, before]) => [name, before, last.get(name) ?? assert.fail(name)] as const);
    const fat = pairs.filter(([, before, after]) => !isFlat(before, after, connections));
    if (fat.length > 0 && Date.now() < until) {
      await wait(500);
      continue;
    }
    for (const pair of pairs) t.diagnostic(figures(...pair));
    assert.deepEqual(fat, []);
    return;
  }
}
