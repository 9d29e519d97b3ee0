import assert from "node:assert/strict";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import * as core from "../src/core/apply.ts";
import { type Core, memoryBackend, sqliteBackend } from "./support/backends.ts";
import { simulate } from "./support/simulator.ts";

// `node packages/ledger/test/simulator.test.ts --seed 123`, or ATOMA_SEED=123, plays a run again.
const flag = process.argv.indexOf("--seed");
const given = flag === -1 ? process.env.ATOMA_SEED : process.argv[flag + 1];
const SEED = given === undefined ? Date.now() % 2 ** 32 : Number(given);

function run<Result>(seed: number, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw new Error(`the simulation with ATOMA_SEED=${seed} failed`, { cause: error });
  }
}

describe("the seeded simulator", () => {
  it("keeps every promise through 100,000 operations of the core", () => {
    const result = run(SEED, () => simulate(SEED, 100_000, memoryBackend(core)));
    assert(result.crashes > 100, `${result.crashes} crashes`);
    const met = [
      "held",
      "replay",
      "in_progress",
      "idempotency_key_reused",
      "insufficient_balance",
      "rate_limited",
      "key_invalid",
      "model_not_allowed",
      "posted",
      "voided",
      "expired",
      "rejected",
    ];
    for (const outcome of met) assert((result.outcomes.get(outcome) ?? 0) > 0, `never met: ${outcome}`);
  });

  it("keeps them on SQLite", async () => {
    const folder = await mkdtemp(join(tmpdir(), "atoma-simulator-"));
    const backend = sqliteBackend(core, join(folder, "ledger.db"));
    try {
      run(SEED, () => simulate(SEED, 5_000, backend));
    } finally {
      backend.close();
      await rm(folder, { recursive: true });
    }
  });

  it("plays the same run from the same seed", () => {
    const [first, second] = [1, 2].map(() => simulate(7, 2_000, memoryBackend(core)));
    assert.deepEqual(first, second);
  });
});

/** Ledgers broken on purpose: in `file` of the core, `sound` becomes `broken`. Each must be caught. */
const MUTATIONS = [
  { name: "holds without reserving", file: "reserve.ts", sound: "balance.pending += request.units;", broken: "" },
  {
    name: "lets one unit too many go",
    file: "admission.ts",
    sound: "request.units > facts.available",
    broken: "request.units > facts.available + 1",
  },
  {
    name: "settles what is settled",
    file: "resolve.ts",
    sound: 'if (hold.state !== "held") return alreadyResolved(hold, hold.state);\n  if (operation',
    broken: "if (operation",
  },
  {
    name: "charges more than is held",
    file: "resolve.ts",
    sound: "operation.units > hold.units",
    broken: "operation.units > hold.units + 1",
  },
  {
    name: "leaks what it lets go",
    file: "resolve.ts",
    sound: "release(batch, hold);\n  batch.store",
    broken: "batch.store",
  },
  {
    name: "keeps the idempotency key of a void",
    file: "resolve.ts",
    sound: "batch.store.freeIdempotency(hold.accountId, hold.idempotencyKey)",
    broken: "{}",
  },
  {
    name: "forgets the journal",
    file: "resolve.ts",
    sound: "units: operation.units,\n    at: now,",
    broken: "units: operation.units + 1,\n    at: now,",
  },
  { name: "looks at half a minute", file: "window.ts", sound: "WINDOW_MS = 60_000", broken: "WINDOW_MS = 30_000" },
  {
    name: "lets one too many run",
    file: "admission.ts",
    sound: "facts.leases < limitValue",
    broken: "facts.leases <= limitValue",
  },
  {
    name: "replays to another body",
    file: "admission.ts",
    sound: "record.fingerprint !== request.idempotency.fingerprint",
    broken: "false",
  },
  {
    name: "takes the key of another account",
    file: "admission.ts",
    sound: "key.accountId !== request.accountId",
    broken: "false",
  },
] as const;

const MUTATION_SEED = 1;
const MUTATION_OPERATIONS = 20_000;

describe("the simulator catches a ledger that", () => {
  it("is sound: never", () => {
    simulate(MUTATION_SEED, MUTATION_OPERATIONS, memoryBackend(core));
  });

  for (const { name, file, sound, broken } of MUTATIONS) {
    it(name, async () => {
      const folder = await mkdtemp(join(tmpdir(), "atoma-mutant-"));
      try {
        await cp(fileURLToPath(new URL("../src/core", import.meta.url)), folder, { recursive: true });
        const source = await readFile(join(folder, file), "utf8");
        assert.equal(source.split(sound).length, 2, `${file} has this once: ${sound}`);
        await writeFile(join(folder, file), source.replace(sound, broken));
        const mutant: Core = await import(pathToFileURL(join(folder, "apply.ts")).href);
        assert.throws(() => simulate(MUTATION_SEED, MUTATION_OPERATIONS, memoryBackend(mutant)));
      } finally {
        await rm(folder, { recursive: true });
      }
    });
  }
});
