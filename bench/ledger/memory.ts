// Whether the ledger's memory stays flat: `node --expose-gc bench/ledger/memory.ts --minutes 5`. Options: `--engine sqlite|postgres`.
// Many clients reserve and settle, void or let go by turns, with idempotency keys and limits; every tenth of the time the heap is
// collected and measured. Rows, on the disk, grow; the heap must not.
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { newHoldId, openLedger } from "../../packages/ledger/src/index.ts";
import { startPostgres } from "../../packages/ledger/test/support/postgres.ts";

const { values: flags } = parseArgs({
  options: { engine: { type: "string", default: "sqlite" }, minutes: { type: "string", default: "5" } },
});
const MS = Number(flags.minutes) * 60_000;
const CLIENTS = 256;
const { gc } = globalThis;
if (gc === undefined) throw new Error("run it with --expose-gc");

const folder = await mkdtemp(join(tmpdir(), "atoma-memory-"));
const server = flags.engine === "postgres" ? await startPostgres() : undefined;
const ledger = await openLedger(server?.url ?? `sqlite:${join(folder, "ledger.db")}`, { operationTimeoutMs: 60_000 });
let pairs = 0;
const end = performance.now() + MS;

async function client(index: number): Promise<void> {
  const { id: accountId } = await ledger.createAccount({ name: `account ${index}` });
  await ledger.grant(accountId, 1_000_000_000_000, { reference: "bench" });
  const limits = index % 2 === 0 ? { requestsPerMinute: 1_000_000, concurrentRequests: 100 } : {};
  const { record } = await ledger.createKey({ accountId, name: "bench", limits });
  while (performance.now() < end) {
    const now = Date.now();
    const holdId = newHoldId(now, randomBytes);
    const { outcome } = await ledger.reserve({
      holdId,
      accountId,
      keyId: record.id,
      requestId: holdId,
      model: "tiny",
      images: 1,
      units: 1_024,
      price: { multiplierPerMille: 1_000 },
      deadline: now + 300_000,
      idempotency: index % 3 === 0 ? { key: holdId, fingerprint: "f" } : undefined,
    });
    if (outcome !== "held") throw new Error(`refused: ${outcome}`);
    ledger.touchKey(record.id);
    await (pairs % 8 === 0 ? ledger.void({ holdId }) : ledger.settle({ holdId, units: 1_024, response: "{}" }));
    pairs += 1;
  }
}

function report(): void {
  gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
  console.log(`| ${pairs} | ${mib(heapUsed)} | ${mib(external)} | ${mib(rss)} |`);
}

console.log("| pairs | heap, MiB | external, MiB | resident, MiB |\n|---|---|---|---|");
const reporter = setInterval(report, MS / 10);
const sweeper = setInterval(() => void ledger.sweep().catch((error: unknown) => console.error(error)), 1_000);
await Promise.all(Array.from({ length: CLIENTS }, (_, index) => client(index)));
clearInterval(reporter);
clearInterval(sweeper);
report();
const discrepancies = await ledger.verify();
if (discrepancies.length > 0) throw new Error(JSON.stringify(discrepancies.slice(0, 5)));
await ledger.close();
await server?.stop();
await rm(folder, { recursive: true });
