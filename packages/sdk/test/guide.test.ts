import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ANSWER, PNG } from "./support/calls.ts";
import { json, serve } from "./support/server.ts";

const run = promisify(execFile);
const REPOSITORY = fileURLToPath(new URL("../../..", import.meta.url));
const guide = await readFile(join(REPOSITORY, "docs", "sdk.md"), "utf8");
const folder = await mkdtemp(join(tmpdir(), "atoma-sdk-guide-"));
after(() => rm(folder, { recursive: true }));
await symlink(join(REPOSITORY, "node_modules"), join(folder, "node_modules"));

/** A server with every operation of the guide. */
function gateway(t: Parameters<typeof serve>[0]) {
  return serve(t, (response, { url, body }) => {
    const text = body.toString("latin1");
    if (url.startsWith("/v1/models")) return json(response, { data: [{ id: "m" }] }, 200, { "x-request-id": "req_1" });
    if (text.includes('"slow"')) return;
    if (text.includes('"refused"'))
      return json(response, { error: { code: "moderation_blocked", message: "no" } }, 400);
    if (!text.includes('"stream":true')) return json(response, { ...ANSWER, usage: { total_tokens: 3 } });
    response.writeHead(200, { "content-type": "text/event-stream" });
    const events = [
      { type: "image_generation.progress", step: 1, steps: 2 },
      { type: "image_generation.partial_image", b64_json: PNG, partial_image_index: 0 },
      { type: "image_generation.completed", b64_json: PNG, seed: 7 },
    ];
    response.end(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(""));
  });
}

async function runProgram(file: string, args: string[] = []): Promise<string> {
  const env = { ...process.env, ATOMASDK_BEARER_AUTH: "k" };
  const flags = ["--conditions=atoma-source", file, ...args];
  return (await run(process.execPath, flags, { cwd: folder, env })).stdout;
}

const blocks = [...guide.matchAll(/^## (.+)\n|^```ts run\n([\s\S]*?)^```/gm)];
let section = "";
let count = 0;
for (const [, heading, program] of blocks) {
  if (heading) section = heading;
  if (!program) continue;
  const number = ++count;
  test(`the guide's program under "${section}" (${number}) runs`, async (t) => {
    const server = await gateway(t);
    const file = join(folder, `${number}.ts`);
    await writeFile(file, program.replaceAll("http://127.0.0.1:8080", server.url));
    await runProgram(file);
    assert.ok(server.seen.length > 0, "the server was asked");
  });
}

test("the guide has its programs", () => assert.equal(count, 9));

for (const [example, args, said] of [
  ["generate.ts", ["x", "picture.png"], /picture\.png: image\/png, seed 7/],
  ["standalone.ts", ["x"], /image\/png, 70 bytes/],
] as const) {
  test(`examples/sdk/${example} runs`, async (t) => {
    const server = await gateway(t);
    assert.match(await runProgram(join(REPOSITORY, "examples", "sdk", example), [...args, server.url]), said);
  });
}
