// Whether the gateway's memory stays flat over millions of requests:
// `node --conditions=atoma-source --expose-gc bench/gateway/memory.ts [--pairs 10000000] [--every 250000] [--days 3] [--engine sqlite|postgres]
// [--keep FOLDER]`.
// The gateway's own steps in one process, without HTTP, node and files: authenticate, rate gate, validate, reserve, settle or void,
// render, sweep. At full speed, with a clock on which the whole run takes so many days, so that what is kept for 24 hours goes again.
// Prints a line after every so many pairs of reserve and settle, the heap collected before.
import { mkdtemp, rm, stat } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { parseArgs } from "node:util";
import { ApiError, type ImageJob, parseImageRequest, parseJsonObject } from "@atoma/contract";
import { openLedger, pooledRandomBytes } from "@atoma/ledger";
import pino from "pino";
import { systemClock } from "../../packages/gateway/src/clock.ts";
import { fileName } from "../../packages/gateway/src/files/file-name.ts";
import type { FileStore } from "../../packages/gateway/src/files/file-store.ts";
import { deserializeAnswer, serializeAnswer, toAnswer } from "../../packages/gateway/src/generate/answer.ts";
import { identifier } from "../../packages/gateway/src/generate/identify.ts";
import { openRefusedKeys } from "../../packages/gateway/src/generate/refused-keys.ts";
import { renderJson } from "../../packages/gateway/src/generate/render-json.ts";
import { smallText } from "../../packages/gateway/src/generate/rendered-body.ts";
import { idempotencyKey, tryReserve } from "../../packages/gateway/src/generate/reserve.ts";
import { charge } from "../../packages/gateway/src/generate/settle.ts";
import { readingFor, toOrder, type ValidateContext } from "../../packages/gateway/src/generate/validate.ts";
import { sweepLedger } from "../../packages/gateway/src/holds/sweep.ts";
import { openVoidLater } from "../../packages/gateway/src/holds/void-later.ts";
import { requireJson } from "../../packages/gateway/src/http/read-body.ts";
import { card } from "../../packages/gateway/test/support/scripted-node.ts";
import { startPostgres } from "../../packages/ledger/test/support/postgres.ts";

const { values: flags } = parseArgs({
  options: {
    pairs: { type: "string", default: "10000000" },
    every: { type: "string", default: "250000" },
    days: { type: "string", default: "3" },
    engine: { type: "string", default: "sqlite" },
    keep: { type: "string" },
  },
});
const PAIRS = Number(flags.pairs);
const EVERY = Number(flags.every);
const STEP_MS = (Number(flags.days) * 86_400_000) / PAIRS;
const CLIENTS = 256;
const ACCOUNTS = 2_000;
const KEYS = 20_000;
/** Most requests come with these, so that some reach their limits; the others fill the caches. */
const HOT_KEYS = 200;
const SWEEP_MS = 1_000;
const HOLD_MS = 660_000;
const FILE_MS = 25 * 3_600_000;
const { gc } = globalThis;
if (gc === undefined) throw new Error("run it with --expose-gc");

const folder = flags.keep ?? (await mkdtemp(join(tmpdir(), "atoma-memory-")));
const file = join(folder, "ledger.db");
const began = Date.now();
const counts = { requests: 0, pairs: 0, replays: 0, refused: 0, abandoned: 0 };
const now = () => began + Math.floor(counts.requests * STEP_MS);
const randomBytes = pooledRandomBytes();
const server = flags.engine === "postgres" ? await startPostgres() : undefined;
const ledger = await openLedger(server?.url ?? `sqlite:${file}`, { now, randomBytes, operationTimeoutMs: 60_000 });
const log = pino({ level: "silent" });
const clock = { ...systemClock, now, monotonic: now };
const voidLater = openVoidLater(ledger, log, clock);
const patience = { ms: 0, signal: new AbortController().signal, clock };
const identify = identifier(ledger, clock);
const refusedKeys = openRefusedKeys(clock);
const able = { nodes: new Set<never>(), refusal: undefined };
/** What the steps ask of the registry: one model that some node can make. */
const registry = {
  findModel: (id: string) => (id === card.id ? card : undefined),
  listModels: () => [card],
  candidates: (job: ImageJob) => ({ job, able: () => able }),
} as unknown as ValidateContext["registry"];
const none = () => Promise.reject(new Error("answers have URLs only"));
const files: FileStore = { put: none, get: none, remove: none, sweep: none, close: async () => {} };

/** A twentieth has few requests a minute, so that many are refused; a third other limits; the rest none. */
function limitsOf(index: number): Record<string, number> {
  if (index % 20 === 7) return { requestsPerMinute: 5 };
  if (index % 6 === 0) return { requestsPerMinute: 1_000_000, imagesPerMinute: 1_000_000 };
  return index % 6 === 1 ? { concurrentRequests: 100 } : {};
}

async function createKeys(): Promise<string[]> {
  const keys: string[] = [];
  let accounts = 0;
  const creator = async () => {
    while (accounts++ < ACCOUNTS) {
      const { id: accountId } = await ledger.createAccount({ name: `account ${accounts}` });
      await ledger.grant(accountId, 1_000_000_000_000, { reference: "bench" });
      for (let i = 0; i < KEYS / ACCOUNTS; i++) {
        const { key } = await ledger.createKey({ accountId, name: `${i}`, limits: limitsOf(keys.length) });
        keys.push(key);
      }
    }
  };
  await Promise.all(Array.from({ length: 4 }, creator));
  return keys;
}

const render = async (text: string) => {
  const body = await renderJson(deserializeAnswer(text), files, "http://127.0.0.1");
  if (smallText(body)?.length !== body.length) throw new Error("the body has another length than it says");
};

function answerTo(job: ImageJob): string {
  const images = Array.from({ length: job.n }, (_, index) => ({
    seed: index,
    file: fileName(now() + FILE_MS, randomBytes(18), job.outputFormat),
  }));
  return serializeAnswer(toAnswer(job, images, { usage: undefined, notes: undefined }, now()));
}

/** Like a request of `POST /v1/images/generations`, from its headers and body to its answer's text. */
async function ask(key: string, body: Uint8Array, idempotency: string | undefined): Promise<void> {
  const authorization = `Bearer ${key}`;
  const headers = {
    authorization,
    "content-type": "application/json",
    ...(idempotency !== undefined && { "idempotency-key": idempotency }),
  };
  // Everything that the steps read of it.
  const request = { headers, rawHeaders: ["Authorization", authorization] } as unknown as IncomingMessage;
  const number = ++counts.requests;
  const caller = await identify(request);
  if (idempotency === undefined) refusedKeys.check(caller);
  requireJson(request.headers);
  const reading = readingFor({ registry, defaultModel: undefined, unknownFields: "reject" } as ValidateContext, caller);
  const order = toOrder(parseImageRequest(parseJsonObject(body), reading), caller, registry);
  const identity = {
    requestId: `req_${Buffer.from(randomBytes(16)).toString("hex")}`,
    idempotencyKey: idempotencyKey(request.headers["idempotency-key"]),
    body,
  };
  const context = { ledger, clock, randomBytes, refusedKeys, voidLater };
  const hold = await tryReserve(order, identity, caller, now() + HOLD_MS, context);
  if (hold.kind === "in-progress") throw hold.error;
  if (hold.kind === "replay") {
    counts.replays++;
    return render(hold.response);
  }
  if (number % 100 === 0) {
    counts.abandoned++;
    return;
  }
  const text = answerTo(order.job);
  if (number % 16 === 0) await ledger.void({ holdId: hold.holdId });
  else await charge(ledger, { holdId: hold.holdId, units: hold.units, response: text }, patience);
  await render(text);
  counts.pairs++;
  if (counts.pairs % EVERY === 0) await report();
}

const bodies = [1, 2, 4].map((n) =>
  Buffer.from(JSON.stringify({ model: card.id, prompt: "an otter on a raft", n, response_format: "url" })),
);

/** Asks until enough pairs are done. One request in three has an idempotency key, and each eighth of those comes again. */
async function client(keys: readonly string[], index: number): Promise<void> {
  for (let i = 0; counts.pairs < PAIRS; i++) {
    const pool = i % 10 === 0 ? keys.length : HOT_KEYS;
    const key = keys[Math.floor(Math.random() * pool)] ?? "";
    const body = bodies[i % bodies.length] ?? Buffer.alloc(0);
    // Now and then somebody's key is wrong, or nobody's.
    const shown = i % 64 === 5 ? key.replace(/^sk-atoma-..../, () => `sk-atoma-${String(i).padStart(4, "0")}`) : key;
    const idempotency = i % 3 === 0 ? `order-${index}-${i}` : undefined;
    for (let times = i % 24 === 0 ? 2 : 1; times > 0; times--) {
      await ask(shown, body, idempotency).catch((error: unknown) => {
        if (!(error instanceof ApiError) || error.status >= 500) throw error;
        counts.refused++;
      });
    }
  }
}

const sizeOf = async (path: string) => (await stat(path).catch(() => undefined))?.size ?? 0;
const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
let last = { at: performance.now(), pairs: 0 };
let reader: DatabaseSync | undefined;

async function report(): Promise<void> {
  gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  const at = performance.now();
  const speed = Math.round((1_000 * (counts.pairs - last.pairs)) / (at - last.at));
  last = { at, pairs: counts.pairs };
  if (server === undefined) reader ??= new DatabaseSync(file, { readOnly: true });
  const rows = (table: string) => reader?.prepare(`SELECT count(*) AS rows FROM ${table}`).get()?.rows ?? "";
  const cells = [
    counts.pairs,
    mib(heapUsed),
    mib(external),
    mib(rss),
    speed,
    mib(await sizeOf(file)),
    mib(await sizeOf(`${file}-wal`)),
    rows("idempotency"),
    rows("rate_windows"),
    `${counts.replays}/${counts.refused}/${counts.abandoned}`,
    loadavg()[0]?.toFixed(1),
  ];
  console.log(`| ${cells.join(" | ")} |`);
}

console.log(`# ${PAIRS} pairs on a clock of ${flags.days} days, ledger in ${folder}`);
const keys = await createKeys();
console.log(
  "| pairs | heap, MiB | external, MiB | resident, MiB | pairs/s | file, MiB | WAL, MiB | idempotency keys | windows | replays/refused/abandoned | load |\n|---|---|---|---|---|---|---|---|---|---|---|",
);
await report();
let sweeping: Promise<void> | undefined;
const sweeper = setInterval(() => {
  sweeping ??= sweepLedger(ledger, () => false).finally(() => {
    sweeping = undefined;
  });
}, SWEEP_MS);
await Promise.all(Array.from({ length: CLIENTS }, (_, index) => client(keys, index)));
clearInterval(sweeper);
await sweeping;
await report();
const started = performance.now();
const discrepancies = await ledger.verify();
console.log(`verify: ${discrepancies.length} discrepancies, ${((performance.now() - started) / 1_000).toFixed(1)} s`);
if (discrepancies.length > 0) throw new Error(JSON.stringify(discrepancies.slice(0, 5)));
reader?.close();
await ledger.close();
await server?.stop();
if (flags.keep === undefined) await rm(folder, { recursive: true });
