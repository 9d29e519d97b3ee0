import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { startPostgres } from "@atoma/ledger/test-support";
import { atoma, root } from "./support/up.ts";

async function takenPort(t: TestContext): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return (server.address() as AddressInfo).port; // listening on TCP
}

async function newFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "atoma-start-"));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

for (const command of ["gateway", "node", "up"]) {
  test(`atoma ${command} whose port is in use says so in one line, and ends by itself`, async (t) => {
    const port = await takenPort(t);
    const args = ["--port", String(port), "--data", await newFolder(t), "--models", `${root}models/tiny`];
    const { code, out, err } = await atoma([command, ...args, "--log-level", "silent"]);
    const line = `atoma: port ${port} of 127.0.0.1 is in use; choose another with --port\n`;
    assert.deepEqual({ code, out, err }, { code: 1, out: "", err: line });
  });
}

test("a gateway on PostgreSQL whose port is in use lets go of it, and ends", async (t) => {
  const postgres = await startPostgres();
  t.after(() => postgres.stop());
  const args = ["gateway", "--port", String(await takenPort(t)), "--data", await newFolder(t)];
  const { code, err } = await atoma(args, { ATOMA_DATABASE_URL: postgres.url });
  assert.equal(code, 1);
  assert.match(err, /is in use/);
});

test("an address that this machine does not have is named", async (t) => {
  const args = ["gateway", "--host", "192.0.2.1", "--port", "0", "--data", await newFolder(t)];
  const { code, err } = await atoma([...args, "--log-level", "silent"]);
  assert.deepEqual([code, err], [1, "atoma: this machine has no address 192.0.2.1; choose another with --host\n"]);
});
