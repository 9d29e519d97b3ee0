// How many reserve + settle pairs a second the ledger does, how long one takes, what CPU time it costs, and how much of the machine's
// cores ledger and server used; the disk and other processes had the rest: `node bench/ledger/run.ts`.
// Options: `--engine sqlite|postgres`, `--seconds 2`. The floor is the same ledger with a transaction for each operation.
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createLedger } from "../../packages/ledger/src/create-ledger.ts";
import type { Engine } from "../../packages/ledger/src/engine.ts";
import { type AccountId, type KeyId, newHoldId } from "../../packages/ledger/src/ids.ts";
import type { Ledger } from "../../packages/ledger/src/ledger.ts";
import { openPostgresEngine } from "../../packages/ledger/src/postgres/engine.ts";
import { pooledRandomBytes } from "../../packages/ledger/src/random.ts";
import { openSqliteEngine } from "../../packages/ledger/src/sqlite/engine.ts";
import { systemTimers } from "../../packages/ledger/src/timers.ts";
import { startPostgres } from "../../packages/ledger/test/support/postgres.ts";
import { processCpuMs } from "./cpu.ts";

const { values: flags } = parseArgs({
  options: { engine: { type: "string", default: "sqlite,postgres" }, seconds: { type: "string", default: "2" } },
});
const MS = Number(flags.seconds) * 1_000;
const ACCOUNTS = 256;
const randomBytes = pooledRandomBytes();
const logger = { info: () => {}, warn: () => {} };
const engineOptions = { idempotencyRetentionMs: 86_400_000, operationTimeoutMs: 30_000, timers: systemTimers, logger };

const LOADS = [
  { name: "1", clients: 1, accounts: 1 },
  { name: "32", clients: 32, accounts: 32 },
  { name: "32, one hot account", clients: 32, accounts: 1 },
  { name: "256", clients: 256, accounts: ACCOUNTS },
] as const;

interface Payer {
  accountId: AccountId;
  keyId: KeyId;
}

const ledgerOver = (engine: Engine): Ledger =>
  createLedger(engine, {
    now: Date.now,
    randomBytes,
    logger,
    maxQueue: 10_000,
    operationTimeoutMs: 30_000,
    timers: systemTimers,
  });

async function payers(ledger: Ledger): Promise<Payer[]> {
  const made: Payer[] = [];
  for (let index = 0; index < ACCOUNTS; index++) {
    const { id } = await ledger.createAccount({ name: `account ${index}` });
    await ledger.grant(id, 1_000_000_000_000, { reference: "bench" });
    made.push({ accountId: id, keyId: (await ledger.createKey({ accountId: id, name: "bench" })).record.id });
  }
  return made;
}

async function pair(ledger: Ledger, payer: Payer): Promise<void> {
  const now = Date.now();
  const { outcome, ...held } = await ledger.reserve({
    ...payer,
    holdId: newHoldId(now, randomBytes),
    requestId: "req_0123456789abcdef",
    model: "tiny",
    images: 1,
    units: 1_048_576,
    price: { multiplierPerMille: 1_000, width: 1_024, height: 1_024, n: 1 },
    deadline: now + 300_000,
  });
  if (outcome !== "held" || !("holdId" in held)) throw new Error(`refused: ${outcome}`);
  await ledger.settle({ holdId: held.holdId, units: 1_048_576 });
}

/** Runs pairs for `ms` with so many clients, each waiting for its own. Returns how long each pair took, in ms, in rising order. */
async function load(ledger: Ledger, clients: number, of: readonly Payer[], ms: number): Promise<number[]> {
  const end = performance.now() + ms;
  const took: number[] = [];
  async function client(payer: Payer): Promise<void> {
    for (let now = performance.now(); now < end; ) {
      await pair(ledger, payer);
      const later = performance.now();
      took.push(later - now);
      now = later;
    }
  }
  await Promise.all(Array.from({ length: clients }, (_, index) => client(of[index % of.length] ?? fail())));
  return took.sort((a, b) => a - b);
}

const fail = (): never => {
  throw new Error("no payer");
};

async function measure(title: string, ledger: Ledger, serverCpuMs: () => Promise<number>): Promise<void> {
  const all = await payers(ledger);
  await load(ledger, 32, all, MS / 4);
  for (const { name, clients, accounts } of LOADS) {
    const server = await serverCpuMs();
    const own = process.cpuUsage();
    const started = performance.now();
    const took = await load(ledger, clients, all.slice(0, accounts), MS);
    const us = (performance.now() - started) * 1_000;
    const { user, system } = process.cpuUsage(own);
    const serverUs = ((await serverCpuMs()) - server) * 1_000;
    const pairs = took.length;
    const quantile = (part: number): string => took[Math.floor(part * pairs)]?.toFixed(1) ?? "";
    const figures = [(user + system) / pairs, serverUs / pairs].map((each) => each.toFixed(0));
    const busy = Math.round(((user + system + serverUs) / us / availableParallelism()) * 100);
    const cells = [title, name, Math.round((pairs / us) * 1e6), ...figures, quantile(0.5), quantile(0.99), `${busy} %`];
    console.log(`| ${cells.join(" | ")} |`);
  }
  const discrepancies = await ledger.verify();
  if (discrepancies.length > 0) throw new Error(JSON.stringify(discrepancies));
}

async function measureBoth(
  name: string,
  open: () => Promise<Engine>,
  serverCpuMs: () => Promise<number>,
): Promise<void> {
  for (const kind of ["a transaction each", "group commit"]) {
    const engine = await open();
    const ledger = ledgerOver(kind === "group commit" ? engine : { ...engine, maxBatch: 1, lanes: engine.lanes * 2 });
    try {
      await measure(`${name}, ${kind}`, ledger, serverCpuMs);
    } finally {
      await ledger.close();
    }
  }
}

console.log("| | clients | pairs/s | CPU µs a pair | of the server | p50, ms | p99, ms | cores busy |");
console.log("|---|---|---|---|---|---|---|---|");
if (flags.engine.includes("sqlite")) {
  const folder = await mkdtemp(join(tmpdir(), "atoma-bench-"));
  let files = 0;
  const open = async () => openSqliteEngine(join(folder, `${files++}.db`), Date.now(), engineOptions);
  await measureBoth("SQLite", open, async () => 0);
  await rm(folder, { recursive: true });
}
if (flags.engine.includes("postgres")) {
  const server = await startPostgres();
  try {
    let databases = 0;
    const open = async () =>
      openPostgresEngine(await server.createDatabase(`bench_${databases++}`), Date.now(), engineOptions);
    await measureBoth("PostgreSQL", open, () => processCpuMs(server.pid()));
  } finally {
    await server.stop();
  }
}
