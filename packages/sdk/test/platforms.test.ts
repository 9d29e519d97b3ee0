import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type BuildOptions, build } from "esbuild";
import { binary, denoBinary } from "./support/binaries.ts";
import { openTab } from "./support/browser.ts";
import { PNG } from "./support/calls.ts";
import { node20 } from "./support/node20.ts";
import { packAndInstall, run } from "./support/packed.ts";
import { json, type Seen, serve } from "./support/server.ts";

const { folder } = await packAndInstall();
copyFileSync(fileURLToPath(new URL("support/smoke.mjs", import.meta.url)), join(folder, "smoke.mjs"));
writeFileSync(
  join(folder, "main.mjs"),
  `import { smoke } from "./smoke.mjs"; console.log(JSON.stringify(await smoke(process.argv[2])));`,
);

const EXPECTED = {
  pictures: Array(3).fill(["Uint8Array", 70, "image/png", 70]),
  dataUrls: ["data:image/png;base64,iVBOR"],
  tokens: 3,
  events: [1, 70, 70, "image_generation.partial_image"],
  edited: 1,
  refused: ["APIError", 400, "moderation_blocked", "req_1"],
  retried: true,
  failed: ["RequestTimeoutError", "RequestAbortedError", "ConnectionError", "UnexpectedClientError"],
  id: "a/b",
  said: "ok",
};

/** What a browser must be told, so that pages of another origin may use the API and see what the SDK reads. */
const CORS = {
  "access-control-allow-origin": "*",
  "access-control-allow-headers": "authorization, content-type, idempotency-key",
  "access-control-expose-headers": "x-request-id, retry-after-ms",
};

/** A server that answers what `smoke` asks. */
function platformServer(t: TestContext) {
  return serve(t, (response, { method, url, headers, body }, i) => {
    for (const [name, value] of Object.entries(CORS)) response.setHeader(name, value);
    if (method === "OPTIONS") return response.writeHead(204).end();
    if (url === "/picture.png")
      return response.writeHead(200, { "content-type": "image/png" }).end(Buffer.from(PNG, "base64"));
    if (url === "/v1/models") return json(response, { data: [{ id: "a/b" }] });
    if (url === "/health") return json(response, { status: "ok" });
    if (url === "/v1/images/edits") {
      assert.match(String(headers["content-type"]), /^multipart\/form-data; boundary=/);
      return json(response, { data: [{ b64_json: PNG }] });
    }
    const { prompt, stream } = JSON.parse(String(body));
    switch (prompt) {
      case "never":
        return;
      case "refused":
        return json(response, { error: { code: "moderation_blocked", message: "no" } }, 400, {
          "x-request-id": "req_1",
        });
      case "busy once":
        return isFirst(headers["idempotency-key"])
          ? json(response, {}, 503, { "retry-after-ms": "5" })
          : json(response, { data: [{ b64_json: PNG }] });
      case "cut":
        response.writeHead(200, { "content-type": "application/json", "content-length": 100 });
        return response.write('{"created"', () => response.destroy());
      case "endless":
        response.writeHead(200, { "content-type": "text/event-stream" });
        return response.write(event("partial_image", { b64_json: PNG }));
    }
    if (!stream) {
      const data = [{ b64_json: PNG }, { url: "/picture.png" }, { url: `data:image/png;base64,${PNG}` }];
      return json(response, { created: i, data, usage: { total_tokens: 3 } });
    }
    response.writeHead(200, { "content-type": "text/event-stream" });
    const picture = { b64_json: PNG };
    const made = [event("progress", { step: 1 }), event("partial_image", picture), event("completed", picture)];
    response.end(made.join(""));
  });
}

const asked = new Set<unknown>();
function isFirst(key: unknown): boolean {
  return !asked.has(key) && Boolean(asked.add(key));
}

function event(type: string, fields: object): string {
  return `data: ${JSON.stringify({ type: `image_generation.${type}`, ...fields })}\n\n`;
}

function generations(seen: Seen[]): Seen[] {
  return seen.filter(({ method, url }) => method === "POST" && url === "/v1/images/generations");
}

for (const [name, command, flags] of [
  ["Node 24", async () => process.execPath, []],
  ["Node 20", node20, []],
  ["Deno", denoBinary, ["run", "--node-modules-dir=manual", "--allow-net", "--allow-env", "--allow-read"]],
  ["Bun", () => binary("bun", "1.4.5", "@oven/*/bin/bun{,.exe}"), ["run"]],
] as const) {
  test(`K-057 the package works on ${name}`, async (t) => {
    const server = await platformServer(t);
    const file = await command();
    const { stdout } = await run(file, [...flags, "main.mjs", server.url], { cwd: folder });
    assert.deepEqual(JSON.parse(stdout), EXPECTED);
    for (const { headers } of generations(server.seen)) assert.equal(headers["user-agent"], "atoma-sdk/0.2.0");
  });
}

test("K-057 importing needs no permission of Deno's", async () => {
  writeFileSync(
    join(folder, "import.mjs"),
    `import { AtomaSDK } from "atoma-sdk"; new AtomaSDK(); console.log("made");`,
  );
  const flags = ["run", "--node-modules-dir=manual", "--no-prompt", "import.mjs"];
  const { stdout } = await run(await denoBinary(), flags, { cwd: folder });
  assert.equal(stdout, "made\n");
});

/** A bundle of a program that stands beside smoke.mjs. */
async function bundle(contents: string, options: BuildOptions): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: folder },
    bundle: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    write: false,
    ...options,
  });
  return outputFiles?.[0]?.text ?? assert.fail();
}

const WORKER = `import { smoke } from "./smoke.mjs";
export default {
  async fetch(request) {
    return Response.json(await smoke(new URL(request.url).searchParams.get("server")));
  },
};`;

test("K-057 the package works in a Worker", async (t) => {
  const server = await platformServer(t);
  const workerd = await binary("workerd", "1.20261117.1", "@cloudflare/*/bin/workerd{,.exe}");
  writeFileSync(join(folder, "worker.js"), await bundle(WORKER, {}));
  writeFileSync(
    join(folder, "worker.capnp"),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (modules = [(name = "worker", esModule = embed "worker.js")], compatibilityDate = "2026-11-01")),
    (name = "internet", network = (allow = ["local", "private", "public"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")]
);`,
  );
  const child = spawn(workerd, ["serve", "worker.capnp", "--control-fd=3"], {
    cwd: folder,
    stdio: ["ignore", "inherit", "inherit", "pipe"],
  });
  t.after(async () => {
    const exited = once(child, "exit");
    if (child.kill()) await exited;
  });
  const [line] = await once(child.stdio[3] ?? assert.fail(), "data");
  const { port } = JSON.parse(String(line));
  const answer = await fetch(`http://127.0.0.1:${port}/?server=${encodeURIComponent(server.url)}`);
  assert.equal(answer.status, 200, await answer.clone().text());
  assert.deepEqual(await answer.json(), EXPECTED);
});

test("K-057 the package works in a browser, on a page of another origin", async (t) => {
  const server = await platformServer(t);
  const script = await bundle(`import { smoke } from "./smoke.mjs"; globalThis.smoke = smoke;`, { format: "iife" });
  const page = await serve(t, (response) =>
    response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>x</title>"),
  );
  const { page: tab, problems } = await openTab(t);
  await tab.goto(page.url);
  await tab.addScriptTag({ content: script });
  const seen = await tab.evaluate<unknown, string>((url) => Reflect.get(globalThis, "smoke")(url), server.url);
  assert.deepEqual(seen, EXPECTED);
  assert.deepEqual(problems, []);
  for (const { headers } of generations(server.seen)) assert.match(String(headers["user-agent"]), /Chrome/);
});
