import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { delimiter, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { denoBinary } from "./support/binaries.ts";
import { openTab } from "./support/browser.ts";
import { PNG } from "./support/calls.ts";
import { gateway } from "./support/gateway.ts";
import { node20 } from "./support/node20.ts";
import { packAndInstall, run } from "./support/packed.ts";
import { REPOSITORY } from "./support/programs.ts";

const EXAMPLES = join(REPOSITORY, "examples", "sdk");
/** What the comments say to install or to build: here the package is installed as it is published. */
const PREPARATION = /^(npm run build|npm install|deno add)/;

const { folder } = await packAndInstall();
cpSync(EXAMPLES, join(folder, "examples", "sdk"), { recursive: true });

/** The lines of an example's first comment that are to be typed. */
function commandsOf(example: string): string[] {
  const [comment = ""] = /^(\/\/.*\n)+/.exec(readFileSync(join(EXAMPLES, example), "utf8")) ?? [];
  const lines = Array.from(comment.matchAll(/^\/\/ {3}(.*)$/gm), ([, line = ""]) => line);
  assert.ok(lines.length > 0);
  return lines.filter((line) => !PREPARATION.test(line));
}

/** Runs an example as its comment says, for a server that is elsewhere. */
async function follow(example: string, serverURL: string, programs: readonly string[]): Promise<string> {
  const script = commandsOf(example)
    .join("\n")
    .replace("http://127.0.0.1:8080", serverURL)
    .replace("<key>", "sk-example");
  const { ATOMASDK_BEARER_AUTH: _, ATOMASDK_SERVER_URL: __, ...env } = process.env;
  const PATH = [...programs.map((program) => dirname(program)), env.PATH].join(delimiter);
  return (await run("sh", ["-e", "-c", script], { cwd: folder, env: { ...env, PATH } })).stdout;
}

test("the examples have no type errors", async () => {
  const tsc = join(REPOSITORY, "node_modules", "typescript", "bin", "tsc");
  await run(process.execPath, [tsc, "-p", EXAMPLES]).catch(({ stdout }) => assert.fail(stdout));
});

for (const [name, node] of [
  ["Node 24", process.execPath],
  ["Node 20", await node20()],
] as const) {
  for (const [example, said] of [
    ["generate.mjs", /otter\.png: image\/png, seed 7/],
    ["standalone.mjs", /image\/png, 70 bytes/],
  ] as const) {
    test(`examples/sdk/${example} runs on ${name} as its comment says`, async (t) => {
      const server = await gateway(t);
      rmSync(join(folder, "otter.png"), { force: true });
      assert.match(await follow(example, server.url, [node]), said);
      assert.equal(server.seen[0]?.headers.authorization, "Bearer sk-example");
      if (example !== "generate.mjs") return;
      assert.deepEqual(readFileSync(join(folder, "otter.png")), Buffer.from(PNG, "base64"));
    });
  }
}

test("examples/sdk/deno.ts runs on Deno as its comment says", async (t) => {
  const server = await gateway(t);
  rmSync(join(folder, "otter.png"), { force: true });
  assert.equal(await follow("deno.ts", server.url, [await denoBinary()]), "otter.png: image/png\n");
  assert.deepEqual(readFileSync(join(folder, "otter.png")), Buffer.from(PNG, "base64"));
});

/** Serves a route handler, as the frameworks for which it is written do. */
async function serveRoute(t: TestContext, handler: (request: Request) => Promise<Response>): Promise<string> {
  const server = createServer(async (request, response) => {
    const gone = new AbortController();
    response.on("close", () => gone.abort());
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method = "", url = "" } = request;
    const init = { method, body: Buffer.concat(chunks), signal: gone.signal };
    const answer = await handler(new Request(`http://localhost${url}`, init)).catch(() => undefined);
    if (!answer) return response.destroy();
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    response.end(Buffer.from(await answer.arrayBuffer()));
  });
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  t.after(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo; // a TCP server has no other kind of address
  return `localhost:${port}`;
}

test("examples/sdk/next-route.ts answers with the picture, refuses, and stops when the browser has gone", async (t) => {
  const server = await gateway(t);
  const [settings, curl] = [commandsOf("next-route.ts").slice(0, 2), commandsOf("next-route.ts")[2] ?? ""];
  for (const setting of settings) {
    const [name = "", value = ""] = setting.split("=");
    process.env[name] = value.replace("http://127.0.0.1:8080", server.url).replace("<key>", "sk-example");
    t.after(() => delete process.env[name]);
  }
  const { POST }: { POST(request: Request): Promise<Response> } = await import(join(EXAMPLES, "next-route.ts"));
  const place = await serveRoute(t, POST);
  rmSync(join(folder, "otter.png"), { force: true });
  await run("sh", ["-c", curl.replace("localhost:3000", place)], { cwd: folder });
  assert.deepEqual(readFileSync(join(folder, "otter.png")), Buffer.from(PNG, "base64"));
  assert.equal(server.seen[0]?.headers.authorization, "Bearer sk-example");

  const ask = (body: unknown, signal?: AbortSignal) =>
    fetch(`http://${place}/api/picture`, { method: "POST", body: JSON.stringify(body), signal: signal ?? null });
  assert.equal((await ask({ prompt: 5 })).status, 400);
  assert.equal((await ask({ prompt: "refused" })).status, 400);
  assert.equal(server.seen.length, 2);
  const gone = new AbortController();
  const drawing = ask({ prompt: "slow" }, gone.signal);
  await server.received(3);
  gone.abort();
  await assert.rejects(drawing, { name: "AbortError" });
  await server.seen[2]?.closed;
});

test("examples/sdk/browser draws in a page, built and served as its comment says", async (t) => {
  const server = await gateway(t);
  const place = join(folder, "page");
  mkdirSync(join(place, "node_modules"), { recursive: true });
  cpSync(join(folder, "examples"), join(place, "examples"), { recursive: true });
  symlinkSync(join(folder, "node_modules", "atoma-sdk"), join(place, "node_modules", "atoma-sdk"));
  const [command = ""] = commandsOf("browser/main.ts");
  const [, tool, ...args] = command.split(" ");
  const esbuild = spawn(join(REPOSITORY, "node_modules", ".bin", `${tool}`), args, {
    cwd: place,
    stdio: ["pipe", "ignore", "pipe"], // it ends with its input
  });
  t.after(() => esbuild.kill());
  let address = "";
  for await (const line of createInterface(esbuild.stderr)) {
    address = /Local:\s+(\S+)/.exec(line)?.[1] ?? "";
    if (address) break;
  }
  const { page, problems } = await openTab(t);
  await page.goto(address);
  await page.getByLabel("Server").fill(server.url);
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
