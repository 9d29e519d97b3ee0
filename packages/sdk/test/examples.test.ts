import assert from "node:assert/strict";
import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { build } from "esbuild";
import { denoBinary } from "./support/binaries.ts";
import { openTab } from "./support/browser.ts";
import { PNG } from "./support/calls.ts";
import { gateway } from "./support/gateway.ts";
import { packAndInstall, run } from "./support/packed.ts";
import { programFolder, REPOSITORY, runProgram } from "./support/programs.ts";
import { serve } from "./support/server.ts";

const EXAMPLES = join(REPOSITORY, "examples", "sdk");
const folder = programFolder();

test("the examples have no type errors", async () => {
  const tsc = join(REPOSITORY, "node_modules", "typescript", "bin", "tsc");
  await run(process.execPath, [tsc, "-p", EXAMPLES]).catch(({ stdout }) => assert.fail(stdout));
});

for (const [example, args, said] of [
  ["generate.ts", ["x", "picture.png"], /picture\.png: image\/png, seed 7/],
  ["standalone.ts", ["x"], /image\/png, 70 bytes/],
] as const) {
  test(`examples/sdk/${example} runs`, async (t) => {
    const server = await gateway(t);
    assert.match(await runProgram(folder, join(EXAMPLES, example), [...args, server.url]), said);
  });
}

test("examples/sdk/deno.ts runs on Deno, with the package as it is published", async (t) => {
  const server = await gateway(t);
  const { folder: place } = await packAndInstall();
  copyFileSync(join(EXAMPLES, "deno.ts"), join(place, "deno.ts"));
  const flags = ["run", "--node-modules-dir=manual", "--allow-net", "--allow-env", "--allow-write"];
  const env = { ...process.env, ATOMASDK_BEARER_AUTH: "k" };
  const { stdout } = await run(await denoBinary(), [...flags, "deno.ts", "x", "otter.png", server.url], {
    cwd: place,
    env,
  });
  assert.equal(stdout, "otter.png: image/png\n");
  assert.deepEqual(readFileSync(join(place, "otter.png")), Buffer.from(PNG, "base64"));
});

test("examples/sdk/next-route.ts answers with the picture, refuses, and stops when the browser has gone", async (t) => {
  const server = await gateway(t);
  process.env.ATOMA_URL = server.url;
  process.env.ATOMASDK_BEARER_AUTH = "k";
  t.after(() => {
    delete process.env.ATOMA_URL;
    delete process.env.ATOMASDK_BEARER_AUTH;
  });
  const { POST }: { POST(request: Request): Promise<Response> } = await import(join(EXAMPLES, "next-route.ts"));
  const ask = (body: unknown, signal?: AbortSignal) =>
    POST(new Request("http://app.example/api", { method: "POST", body: JSON.stringify(body), signal: signal ?? null }));
  const drawn = await ask({ prompt: "x" });
  assert.deepEqual([drawn.status, drawn.headers.get("content-type")], [200, "image/png"]);
  assert.deepEqual(Buffer.from(await drawn.arrayBuffer()), Buffer.from(PNG, "base64"));
  assert.equal((await ask({ prompt: 5 })).status, 400);
  assert.equal((await ask({ prompt: "refused" })).status, 400);
  assert.equal(server.seen.length, 2);
  const gone = new AbortController();
  const drawing = ask({ prompt: "slow" }, gone.signal);
  await server.received(3);
  gone.abort();
  await assert.rejects(drawing, { name: "RequestAbortedError" });
});

test("examples/sdk/browser draws in a page", async (t) => {
  const api = await gateway(t);
  const { outputFiles } = await build({
    entryPoints: [join(EXAMPLES, "browser", "main.ts")],
    conditions: ["atoma-source"],
    bundle: true,
    format: "esm",
    write: false,
  });
  const script = outputFiles[0]?.text ?? assert.fail();
  const html = readFileSync(join(EXAMPLES, "browser", "index.html"), "utf8");
  // One origin for page and API, so that the browser asks nobody for leave.
  const site = await serve(t, async (response, { url, method, headers, body }) => {
    if (url === "/") return response.setHeader("content-type", "text/html").end(html);
    if (url === "/main.js") return response.setHeader("content-type", "text/javascript").end(script);
    if (url === "/favicon.ico") return response.writeHead(404).end();
    assert.equal(headers.authorization, "Bearer sk-of-the-user");
    const answer = await fetch(`${api.url}${url}`, { method, body: new Uint8Array(body) });
    response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "" });
    response.end(await answer.text());
  });
  const { page, problems } = await openTab(t);
  await page.goto(site.url);
  await page.getByLabel("Server").fill(site.url);
  await page.getByLabel("Key").fill("sk-of-the-user");
  await page.getByLabel("Prompt").fill("an otter");
  await page.getByRole("button", { name: "Draw" }).click();
  const image = page.getByRole("img", { name: "an otter" });
  await image.waitFor({ state: "visible", timeout: 20_000 });
  assert.equal(await image.evaluate((shown) => Reflect.get(shown, "naturalWidth")), 1);
  await page.getByLabel("Prompt").fill("refused");
  await page.getByRole("button", { name: "Draw" }).click();
  await page.getByText("moderation_blocked: no").waitFor({ state: "visible", timeout: 20_000 });
  assert.deepEqual(problems, []);
});
