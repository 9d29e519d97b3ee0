import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openLedger } from "@atoma/ledger";
import { atoma } from "./support/up.ts";

test("a key's webhook is set, shown its secret once, and taken away", async (t) => {
  const data = await mkdtemp(join(tmpdir(), "atoma-keys-"));
  t.after(() => rm(data, { recursive: true, force: true }));
  const url = `sqlite:${join(data, "ledger.db")}`;
  const made = await openLedger(url);
  const account = await made.createAccount({ name: "a" });
  const { record } = await made.createKey({ accountId: account.id, name: "k" });
  await made.close();
  const webhook = async () => {
    const ledger = await openLedger(url);
    const found = await ledger.getWebhook(record.id);
    await ledger.close();
    return found?.url;
  };

  const set = await atoma(["keys", "webhook", record.id, "https://example.com/hook", "--data", data]);
  assert.match(set.out, /^whsec_[A-Za-z0-9+/]{43}=\n/);
  assert.equal(await webhook(), "https://example.com/hook");
  for (const target of ["http://example.com/", "https://127.0.0.1/", "nonsense"]) {
    assert.equal((await atoma(["keys", "webhook", record.id, target, "--data", data])).code, 2, target);
  }
  const intranet = ["http://10.0.0.1/", "--data", data, "--webhook-targets", "any"];
  assert.equal((await atoma(["keys", "webhook", record.id, ...intranet])).code, 0);
  assert.equal(await webhook(), "http://10.0.0.1/");
  assert.equal((await atoma(["keys", "webhook", record.id, "none", "--data", data])).code, 0);
  assert.equal(await webhook(), undefined);
  assert.equal((await atoma(["keys", "webhook", "00000000000000", "https://example.com/", "--data", data])).code, 2);
});
