import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import { holdIdFrom, openLedger } from "@atoma/ledger";
import { atoma } from "./support/up.ts";

let data = "";
let account = "";

before(async () => {
  data = await mkdtemp(join(tmpdir(), "atoma-books-"));
  const ledger = await openLedger(`sqlite:${join(data, "ledger.db")}`);
  const { id } = await ledger.createAccount({ name: "a" });
  await ledger.grant(id, 1_000, { reference: "first" });
  const { record } = await ledger.createKey({ accountId: id, name: "k" });
  const holdId = holdIdFrom("hold_00000000000000001");
  const request = {
    holdId,
    accountId: id,
    keyId: record.id,
    requestId: "r",
    model: "m",
    images: 1,
    units: 40,
    price: {},
  };
  await ledger.reserve({ ...request, deadline: Date.now() + 60_000 });
  await ledger.settle({ holdId, units: 30 });
  await ledger.close();
  account = id;
});
after(() => rm(data, { recursive: true, force: true }));

function tamper(sql: string): void {
  const database = new DatabaseSync(join(data, "ledger.db"));
  database.exec(sql);
  database.close();
}

test("books that are right", async () => {
  const { code, out } = await atoma(["ledger", "verify", "--data", data]);
  assert.deepEqual([code, out.startsWith("the books are right")], [0, true]);
});

test("books that somebody has changed: what differs, by how much, and exit code 1", async () => {
  tamper(
    "UPDATE accounts SET posted = posted + 7; DROP TRIGGER journal_stays; UPDATE journal SET units = 999 WHERE kind = 'grant'",
  );
  const { code, out, err } = await atoma(["ledger", "verify", "--data", data]);
  assert.deepEqual([code, err], [1, ""]);
  const rows = out.split("\n").map((line) => line.split(/ {2,}/));
  assert.deepEqual(rows[0], ["WHAT", "SUBJECT", "EXPECTED", "FOUND", "DIFFERENCE"]);
  const found = (what: string) => rows.find(([name]) => name === what)?.slice(0, 5);
  assert.deepEqual(found("posted"), ["posted", account, "30", "37", "7"]);
  assert.deepEqual(found("credits"), ["credits", account, "999", "1000", "1"]);
  assert.deepEqual(found("grant_journal"), ["grant_journal", account, "1000", "999", "-1"]);
  assert.match(out, /\n3 differences\n$/);
});

test("how it is used", async () => {
  const help = await atoma(["ledger", "--data", data]);
  assert.deepEqual([help.code, help.err.startsWith("atoma: usage: atoma ledger verify")], [2, true]);
  assert.equal((await atoma(["ledger", "mend", "--data", data])).code, 2);
  const nowhere = await atoma(["ledger", "verify", "--data", join(data, "nowhere")]);
  assert.equal(nowhere.code, 2);
  assert.match(nowhere.err, /there is no ledger at .*nowhere/);
});
