// Writes to a ledger until it is killed, and says on its standard output what the ledger has acknowledged.
import { randomBytes } from "node:crypto";
import { writeSync } from "node:fs";
import { accountIdFrom, keyIdFrom, newHoldId, openLedger } from "../../src/index.ts";

const [url, account, key] = process.argv.slice(2);
if (url === undefined || account === undefined || key === undefined) throw new Error("writer.ts url account key");
const accountId = accountIdFrom(account);
const keyId = keyIdFrom(key);
const IN_PARALLEL = 16;
const ledger = await openLedger(url);

// Synchronous: what is acknowledged has left this process before anything else happens in it.
const say = (...words: (string | number)[]): void => void writeSync(1, `${words.join(" ")}\n`);

async function write(worker: number): Promise<never> {
  for (let count = 0; ; count++) {
    const holdId = newHoldId(Date.now(), randomBytes);
    const units = 1 + ((worker + count) % 9);
    const deadline = Date.now() + 600_000;
    const idempotency = { key: holdId, fingerprint: "f" };
    const price = { multiplier: 1000 };
    const request = {
      holdId,
      accountId,
      keyId,
      requestId: holdId,
      model: "tiny",
      images: 1,
      units: 10,
      price,
      deadline,
      idempotency,
    };
    const { outcome } = await ledger.reserve(request);
    if (outcome !== "held") throw new Error(`refused: ${outcome}`);
    say("held", holdId, 0);
    if (count % 4 === 3) continue;
    if (count % 4 === 2) {
      await ledger.void({ holdId });
      say("voided", holdId, 0);
    } else {
      await ledger.settle({ holdId, units, response: "{}" });
      say("posted", holdId, units);
    }
  }
}

await Promise.all(Array.from({ length: IN_PARALLEL }, (_, worker) => write(worker)));
