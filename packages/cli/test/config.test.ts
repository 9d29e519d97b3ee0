import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { newAuthority } from "@atoma/gateway/test-support/tls";
import { readConfig } from "../src/config.ts";
import { serverTls } from "../src/read-tls.ts";
import { s3Options } from "../src/s3-options.ts";
import { atoma } from "./support/up.ts";

const folder = mkdtempSync(join(tmpdir(), "atoma-config-"));
after(() => rmSync(folder, { recursive: true }));

function file(text: string): string {
  const path = join(folder, "atoma.toml");
  writeFileSync(path, text);
  return path;
}

const read = (text: string, env: Record<string, string> = {}, flags: Record<string, string> = {}) =>
  readConfig({ env, flags: { config: file(text), ...flags } });

test("a flag beats the environment, which beats the file, which beats the default", () => {
  assert.equal(readConfig({ env: {}, flags: {} }).port, 8080);
  assert.equal(read("port = 1").port, 1);
  assert.equal(read("port = 1", { ATOMA_PORT: "2" }).port, 2);
  assert.equal(read("port = 1", { ATOMA_PORT: "2" }, { port: "3" }).port, 3);
});

test("nodes, models and aliases", () => {
  const config = read(
    'models = ["a", "b"]\n[model_aliases]\n"x/y" = "atoma-tiny"\n[[nodes]]\nurl = "http://h:1"\ntoken = "t"\n',
  );
  assert.deepEqual(config.nodes, [{ name: "node-1", url: "http://h:1", token: "t" }]);
  assert.deepEqual(config.models, ["a", "b"]);
  assert.deepEqual(config.model_aliases, { "x/y": "atoma-tiny" });
  assert.deepEqual(read("", { ATOMA_MODEL_ALIASES: "p=q" }).model_aliases, { p: "q" });
});

test("a bucket for pictures, whose settings need one another", async () => {
  assert.equal(s3Options(read("")), undefined);
  const full = 's3_bucket = "b"\ns3_endpoint = "http://h:1"\ns3_access_key_id = "id"\ns3_addressing = "host"\n';
  assert.deepEqual(s3Options(read(full, { ATOMA_S3_SECRET_ACCESS_KEY: "s", ATOMA_S3_REGION: "eu" })), {
    bucket: "b",
    prefix: "atoma/",
    region: "eu",
    endpoint: "http://h:1",
    addressing: "host",
    credentials: { accessKeyId: "id", secretAccessKey: "s" },
  });
  assert.throws(() => s3Options(read(full)), { name: "UsageError", message: /s3_secret_access_key/ });
  assert.throws(() => s3Options(read('s3_region = "eu"')), { name: "UsageError", message: /^s3_region: .*s3_bucket/ });
  const env = { ATOMA_S3_BUCKET: "b", ATOMA_S3_ACCESS_KEY_ID: "id", ATOMA_S3_SECRET_ACCESS_KEY: "very-secret" };
  const shown = await atoma(["check-config"], env);
  assert.equal(JSON.parse(shown.out).s3_bucket, "b");
  assert.ok(!shown.out.includes("very-secret"));
  assert.equal((await atoma(["check-config"], { ATOMA_S3_REGION: "eu" })).code, 2);
});

test("a node of each kind, as docs/nodes.md has them", () => {
  const page = readFileSync(new URL("../../../docs/nodes.md", import.meta.url), "utf8");
  const [, toml = ""] = /```toml\n(.*?)```/s.exec(page) ?? [];
  const { nodes } = read(toml);
  assert.deepEqual(
    nodes.map(({ dialect = "atoma" }) => dialect),
    ["atoma", "openai", "vllm-omni", "sglang", "sdcpp", "mistralrs", "localai"],
  );
  const models = new Map(nodes.flatMap((node) => node.models ?? []).map((model) => [model.card.id, model]));
  assert.deepEqual(models.get("qwen-image")?.card.steps, { default: 50, max: 100 });
  assert.equal(models.get("flux-dev")?.upstream, "black-forest-labs/FLUX.1-dev");
  assert.equal(models.get("gpt-image-1")?.card.seeds, false);
  const two = '[[nodes]]\nname = "a"\nurl = "http://x"\n';
  const wrong: [string, RegExp][] = [
    [two + two, /^nodes: two are named a$/],
    [`${two}dialect = "comfy"`, /^nodes\[0\]\.dialect: expected one of atoma, openai,/],
    [`${two}dialect = "sglang"`, /^nodes\[0\]\.models: name at least one model/],
    [`${two}models = [{ id = "m" }]`, /^nodes\[0\]\.models: a node of the dialect atoma/],
    [`${two}max_concurrent = 0`, /^nodes\[0\]\.max_concurrent: expected/],
    [`${two}dialect = "sdcpp"\nmodels = [{ id = "m", steps = { max = 0 } }]`, /^nodes\[0\]\.models\[0\]\.steps\.max: /],
  ];
  for (const [text, message] of wrong) assert.throws(() => read(text), { name: "UsageError", message }, text);
});

test("files by which a node and its gateway know each other are read and checked", () => {
  const authority = newAuthority("cli-config");
  const [gateway, other] = [authority.issue("gateway"), authority.issue("other")];
  const nodeWith = (table: string, url = "https://h:1") => read(`[[nodes]]\nurl = "${url}"\ntls = { ${table} }\n`);
  const whole = `ca = "${authority.certFile}", cert = "${gateway.certFile}", key = "${gateway.keyFile}"`;
  const { cert, key } = gateway;
  assert.deepEqual(nodeWith(whole).nodes[0]?.tls, { ca: authority.cert, cert, key });
  assert.deepEqual(nodeWith(`ca = "${authority.certFile}"`).nodes[0]?.tls, { ca: authority.cert });
  const wrong: [string, RegExp][] = [
    ['ca = "/nowhere/ca.pem"', /^nodes\[0\]\.tls\.ca: cannot read \/nowhere\/ca\.pem \(ENOENT\)$/],
    [`ca = "${folder}"`, /^nodes\[0\]\.tls\.ca: cannot read .* \(EISDIR\)$/],
    [`ca = "${gateway.keyFile}"`, /^nodes\[0\]\.tls\.ca: .* holds no certificate in PEM$/],
    [`cert = "${gateway.certFile}"`, /^nodes\[0\]\.tls: expected both cert and key, or neither$/],
    [`cert = "${gateway.certFile}", key = "${gateway.certFile}"`, /^nodes\[0\]\.tls\.key: .* holds no private key/],
    [`cert = "${gateway.certFile}", key = "${other.keyFile}"`, /^nodes\[0\]\.tls\.key: .* is not that of the/],
    ["ca = 1", /^nodes\[0\]\.tls\.ca: expected the path of a file$/],
    ['verify = "no"', /^nodes\[0\]\.tls\.verify: unknown key$/],
  ];
  for (const [table, message] of wrong) assert.throws(() => nodeWith(table), { name: "UsageError", message }, table);
  const plain = () => nodeWith(whole, "http://h:1");
  assert.throws(plain, { name: "UsageError", message: /^nodes\[0\]\.tls: expected an https url/ });
  assert.throws(
    () => serverTls(read(`node_tls_cert = "${gateway.certFile}"`)),
    /^UsageError: node_tls_cert, node_tls_key/,
  );
  assert.throws(
    () => serverTls(read('node_tls_client_ca = "x"')),
    /^UsageError: node_tls_client_ca: expected node_tls_cert/,
  );
});

test("messages name the key and the source", () => {
  const wrong: [string, Record<string, string>, RegExp][] = [
    ["port = 70000", {}, /^port: expected a whole number from 0 to 65535$/],
    ["", { ATOMA_PORT: "x" }, /^ATOMA_PORT: expected a whole number/],
    ["prot = 1", {}, /^prot: unknown key in .*atoma\.toml$/],
    ['unknown_fields = "maybe"', {}, /^unknown_fields: expected one of reject, ignore, forward$/],
    ['[[nodes]]\nurl = "ftp://x"', {}, /^nodes\[0\]\.url: expected an http or https URL$/],
    ['[[nodes]]\nurl = "http://x"\nkey = "k"', {}, /^nodes\[0\]\.key: unknown key$/],
    ['[[nodes]]\nurl = "http://x"\ntoken = "sk-…"', {}, /^nodes\[0\]\.token: expected up to 512 letters/],
    ["port = = 1", {}, /atoma\.toml/],
  ];
  for (const [text, env, message] of wrong) {
    assert.throws(() => read(text, env), { name: "UsageError", message }, text);
  }
});

test("the command refuses what it does not know, with status 2", async () => {
  for (const args of [["nope"], ["up", "--nope"], ["gateway", "--port", "x"], ["check-config", "extra"]]) {
    const { code, err } = await atoma(args);
    assert.equal(code, 2, args.join(" "));
    assert.match(err, /^atoma: /);
  }
  const shown = await atoma(["check-config", "--port", "9"], { ATOMA_NODE_TOKEN: "secret" });
  assert.equal(JSON.parse(shown.out).port, 9);
  assert.ok(!shown.out.includes("secret"));
});
