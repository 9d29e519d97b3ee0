import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openLedger } from "@atoma/ledger";
import { atoma } from "./support/up.ts";

let data = "";
let config = "";
before(async () => {
  data = await mkdtemp(join(tmpdir(), "atoma-nodes-"));
  config = join(data, "atoma.toml");
  await writeFile(
    config,
    `data = "${data}"\n[[nodes]]\nname = "fixed"\nurl = "http://10.0.0.1:1"\ntoken = "config-secret"\n`,
  );
});
after(() => rm(data, { recursive: true }));

const nodes = (...args: string[]) => atoma(["nodes", ...args, "--config", config]);

/** What is listed while no gateway answers: name, url, dialect, state and source of each node. */
async function list(): Promise<string[]> {
  const { code, out, err } = await nodes("list", "--url", "http://127.0.0.1:1", "--admin-key", "k", "--json");
  assert.equal(code, 0);
  assert.match(err, /^no gateway answers at http:\/\/127\.0\.0\.1:1; /);
  assert.doesNotMatch(out, /secret/);
  const found = JSON.parse(out) as { name: string; url: string; dialect: string; state: string; source: string }[];
  return found.map(({ name, url, dialect, state, source }) => [name, url ?? "-", dialect, state, source].join("  "));
}

test("nodes are added, listed, drained and removed, and their tokens are never shown", async () => {
  const flux = ["--dialect", "sglang", "--model", "flux-dev=black-forest-labs/FLUX.1-dev", "--max-concurrent", "3"];
  const added = await nodes("add", "gpu-3", "http://10.0.0.3:30000", "--token", "node-secret", ...flux);
  assert.deepEqual([added.code, added.out], [0, "gpu-3 added\n"]);
  assert.equal((await nodes("add", "gpu-4", "http://10.0.0.4:8090")).code, 0);
  assert.match((await nodes("expect", "gpu-5")).out, /^atoma-join-[0-9a-f]{64}\n/);
  for (const name of ["fixed", "gpu-3"]) assert.equal((await nodes("drain", name)).code, 0);
  assert.deepEqual(await list(), [
    "fixed  http://10.0.0.1:1  atoma  draining  configuration",
    "gpu-3  http://10.0.0.3:30000  sglang  draining  ledger",
    "gpu-4  http://10.0.0.4:8090  atoma  unknown  ledger",
    "gpu-5  -  atoma  expected  joins",
  ]);
  const ledger = await openLedger(`sqlite:${join(data, "ledger.db")}`);
  const entry = (await ledger.nodes.list()).find(({ name }) => name === "gpu-3");
  await ledger.close();
  const models = JSON.stringify([{ id: "flux-dev", upstream: "black-forest-labs/FLUX.1-dev" }]);
  assert.deepEqual([entry?.token, entry?.models, entry?.maxConcurrent], ["node-secret", models, 3]);
  for (const name of ["fixed", "gpu-3"]) assert.equal((await nodes("resume", name)).code, 0);
  for (const name of ["gpu-3", "gpu-5"]) assert.equal((await nodes("remove", name)).code, 0);
  assert.deepEqual(await list(), [
    "fixed  http://10.0.0.1:1  atoma  unknown  configuration",
    "gpu-4  http://10.0.0.4:8090  atoma  unknown  ledger",
  ]);
});

test("what is wrong is told in one line, with status 2", async () => {
  const wrong: [string[], RegExp][] = [
    [["add", "gpu-4", "http://10.0.0.4:8090"], /^atoma: there is a node gpu-4 already\n$/],
    [["add", "x", "http://u:p@h/"], /^atoma: nodes add\.url: expected an origin, without path or user\n$/],
    [["add", "x", "ftp://h"], /^atoma: nodes add\.url: expected an http or https URL\n$/],
    [["add", "x", "http://h", "--dialect", "comfy"], /^atoma: --dialect: expected one of atoma, /],
    [["add", "x", "http://h", "--dialect", "sglang"], /^atoma: models: name at least one model/],
    [["add", "x", "http://h", "--max-concurrent", "0"], /^atoma: --max-concurrent: expected/],
    [["drain", "nobody"], /^atoma: there is no node nobody\n$/],
    [["remove", "nobody"], /^atoma: there is no node nobody\n$/],
    [["check", "http://h", "--token", "with space"], /^atoma: --token: expected up to 512 letters/],
    [["check", "http://h", "--tls-ca", "/nowhere"], /^atoma: --tls: expected an https url/],
    [["check", "https://h", "--tls-ca", "/nowhere"], /^atoma: --tls\.ca: cannot read \/nowhere \(ENOENT\)\n$/],
  ];
  for (const [args, message] of wrong) {
    const { code, err } = await nodes(...args);
    assert.equal(code, 2, args.join(" "));
    assert.match(err, message);
  }
});
