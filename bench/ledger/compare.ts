// What a reserve + settle pair costs in two SQLite ledgers, by turns in one process, so that a busy machine is as busy for both:
//   node bench/ledger/compare.ts --against DIR        this version, and that of another checkout
//   node bench/ledger/compare.ts --holds 1000000 --keys 100000    an empty file, and one with so many settled holds and keys
// Options: `--clients 32`, `--rounds 20`, `--ms 500` a turn. Prints the medians of the turns.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { parseArgs } from "node:util";
import type * as ledgerModule from "../../packages/ledger/src/index.ts";

const { values: flags } = parseArgs({
  options: {
    against: { type: "string" },
    holds: { type: "string", default: "1000000" },
    keys: { type: "string", default: "100000" },
    clients: { type: "string", default: "32" },
    rounds: { type: "string", default: "20" },
    ms: { type: "string", default: "500" },
  },
});
const CLIENTS = Number(flags.clients);
const here = "../../packages/ledger/src/index.ts";

interface Side {
  readonly name: string;
  readonly ledger: ledgerModule.Ledger;
  readonly code: typeof ledgerModule;
  readonly payers: readonly { accountId: ledgerModule.AccountId; keyId: ledgerModule.KeyId }[];
  readonly cpuUs: number[];
  readonly wallUs: number[];
}

/** Writes keys and settled holds behind the ledger's back: ids as the ledger makes them, in the order of time. */
function fill(file: string, keys: number, holds: number): string[] {
  const database = new DatabaseSync(file);
  database.exec("PRAGMA synchronous = OFF; BEGIN");
  const id = (prefix: string, n: number) => `${prefix}${n.toString(36).padStart(12, "0")}0000000`;
  const account = database.prepare(
    "INSERT INTO accounts (id, name, created_at, credits, posted) VALUES (?, 'a', 0, 1000000000000, ?)",
  );
  const key = database.prepare(
    "INSERT INTO keys (id, account_id, name, secret_hash, last_four, created_at) VALUES (?, ?, 'k', zeroblob(32), 'xxxx', 0)",
  );
  const grant = database.prepare(
    "INSERT INTO journal (id, kind, debit, credit, units, at) VALUES (?, 'grant', 'system:granted', ?, 1000000000000, 0)",
  );
  const posted = Array.from({ length: keys }, (_, n) => Math.floor(holds / keys) + (n < holds % keys ? 1 : 0));
  for (let n = 0; n < keys; n++) {
    account.run(id("acct_", n), posted[n] ?? 0);
    key.run(id("", n), id("acct_", n));
    grant.run(`grant:${id("acct_", n)}:first`, id("acct_", n));
  }
  const hold =
    database.prepare(`INSERT INTO holds (id, account_id, key_id, request_id, model, images, units, price, created_at,
    deadline, state, posted_units, resolved_at) VALUES (?, ?, ?, 'req_0123456789abcdef', 'tiny', 1, 1, '{}', 0, 0, 'posted', 1, 0)`);
  const post = database.prepare(
    "INSERT INTO journal (id, kind, debit, credit, units, at) VALUES (?, 'post', ?, 'system:consumed', 1, 0)",
  );
  for (let n = 0; n < holds; n++) {
    hold.run(id("hold_", n), id("acct_", n % keys), id("", n % keys));
    post.run(id("hold_", n), id("acct_", n % keys));
  }
  database.exec("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
  database.close();
  return Array.from({ length: keys }, (_, n) => id("", n));
}

async function open(name: string, code: typeof ledgerModule, file: string, filled?: { keys: number; holds: number }) {
  const ledger = await code.openLedger(`sqlite:${file}`);
  const payers: Side["payers"][number][] = [];
  for (const keyId of filled ? fill(file, filled.keys, filled.holds) : []) {
    payers.push({ accountId: code.accountIdFrom(`acct_${keyId}`), keyId: code.keyIdFrom(keyId) });
  }
  for (let n = 0; n < (filled ? 0 : CLIENTS); n++) {
    const { id } = await ledger.createAccount({ name: "a" });
    await ledger.grant(id, 1_000_000_000_000, { reference: "bench" });
    payers.push({ accountId: id, keyId: (await ledger.createKey({ accountId: id, name: "k" })).record.id });
  }
  return { name, ledger, code, payers, cpuUs: [], wallUs: [] } satisfies Side;
}

async function turn({ ledger, code, payers, cpuUs, wallUs }: Side, ms: number): Promise<void> {
  const randomBytes = code.pooledRandomBytes();
  const begun = performance.now();
  const cpu = process.cpuUsage();
  let pairs = 0;
  async function client(): Promise<void> {
    while (performance.now() < begun + ms) {
      const payer = payers[Math.floor(Math.random() * payers.length)];
      if (payer === undefined) throw new Error("no payer");
      const now = Date.now();
      const holdId = code.newHoldId(now, randomBytes);
      const request = {
        ...payer,
        holdId,
        requestId: "req_0123456789abcdef",
        model: "tiny",
        images: 1,
        units: 1,
        price: {},
      };
      const { outcome } = await ledger.reserve({ ...request, deadline: now + 600_000 });
      if (outcome !== "held") throw new Error(`refused: ${outcome}`);
      await ledger.settle({ holdId, units: 1 });
      pairs += 1;
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, client));
  const { user, system } = process.cpuUsage(cpu);
  cpuUs.push((user + system) / pairs);
  wallUs.push(((performance.now() - begun) * 1000) / pairs);
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

const folder = await mkdtemp(join(tmpdir(), "atoma-compare-"));
const code: typeof ledgerModule = await import(here);
const filled = { keys: Number(flags.keys), holds: Number(flags.holds) };
const sides = [
  await open(flags.against === undefined ? "empty" : "this version", code, join(folder, "a.db")),
  flags.against === undefined
    ? await open(`${filled.holds} holds, ${filled.keys} keys`, code, join(folder, "b.db"), filled)
    : await open(
        flags.against,
        await import(resolve(flags.against, "packages/ledger/src/index.ts")),
        join(folder, "b.db"),
      ),
];
for (const side of sides) await turn(side, Number(flags.ms));
for (const side of sides) {
  side.cpuUs.length = 0;
  side.wallUs.length = 0;
}
for (let round = 0; round < Number(flags.rounds); round++) for (const side of sides) await turn(side, Number(flags.ms));
console.log(`| ${CLIENTS} clients | CPU µs a pair | µs by the clock |\n|---|---|---|`);
for (const { name, cpuUs, wallUs } of sides)
  console.log(`| ${name} | ${median(cpuUs).toFixed(1)} | ${median(wallUs).toFixed(1)} |`);
for (const { ledger } of sides) await ledger.close();
await rm(folder, { recursive: true });
