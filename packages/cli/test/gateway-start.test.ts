import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startPostgres } from "@atoma/ledger/test-support";
import { atoma } from "./support/up.ts";

test("a gateway on PostgreSQL whose port is in use says so, and ends", async (t) => {
  const postgres = await startPostgres();
  t.after(() => postgres.stop());
  const folder = await mkdtemp(join(tmpdir(), "atoma-gateway-"));
  t.after(() => rm(folder, { recursive: true }));
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  t.after(() => taken.close());
  const { port } = taken.address() as AddressInfo; // listening on TCP
  const { code, err } = await atoma(["gateway", "--port", String(port), "--data", folder], {
    ATOMA_DATABASE_URL: postgres.url,
  });
  assert.equal(code, 2);
  assert.match(err, /is in use/);
});
