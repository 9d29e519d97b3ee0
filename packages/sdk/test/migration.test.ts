import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import { AtomaSDK, type Generation } from "../src/index.ts";
import { programFolder, programsOf, REPOSITORY, runProgram, writeProgram } from "./support/programs.ts";

/** Starts what `npm start` starts: gateway, node and the tiny model. */
const dataDir = mkdtempSync(join(tmpdir(), "atoma-sdk-up-"));
const args = [join(REPOSITORY, "scripts", "start.mjs"), "--json", "--port", "0", "--data", dataDir];
const up = spawn(process.execPath, args, { cwd: REPOSITORY, stdio: ["ignore", "pipe", "pipe"] });
let log = "";
up.stderr.on("data", (chunk) => {
  log += chunk;
});
const exited = once(up, "exit");
after(async () => {
  up.kill("SIGTERM");
  await exited;
  rmSync(dataDir, { recursive: true, force: true });
});
const [line] = await Promise.race([once(createInterface({ input: up.stdout }), "line"), exited]);
assert.match(String(line), /^\{/, log);
const { url, apiKey }: { url: string; apiKey: string } = JSON.parse(String(line));

const folder = programFolder();
const programs = programsOf("sdk/migration.md");

test("docs/sdk/migration.md has a program for each of four clients", () => {
  const imports = programs.map(({ text }) => /from "(openai|ai|@langchain\/openai|atoma-sdk)"/.exec(text)?.[1]);
  assert.deepEqual(imports, ["openai", "ai", "@langchain/openai", "atoma-sdk"]);
});

for (const [i, program] of programs.entries()) {
  test(`program ${i + 1} of docs/sdk/migration.md draws a picture with atoma up`, async () => {
    await runProgram(folder, writeProgram(folder, program, url), [], apiKey);
    const picture = readFileSync(join(folder, "picture.png"));
    rmSync(join(folder, "picture.png"));
    assert.equal(picture.subarray(0, 8).toString("hex"), "89504e470d0a1a0a");
    assert.deepEqual([picture.readUInt32BE(16), picture.readUInt32BE(20)], [256, 256]);
  });
}

test("a generation that atoma up makes later is waited for, and one that is cancelled ends", async () => {
  const sdk = new AtomaSDK({ serverURL: url, bearerAuth: apiKey });
  const request = { model: "atoma-tiny", prompt: "a red circle", size: "256x256" } as const;
  const accepted = await sdk.images.generateAsync(request);
  assert.match(String(accepted.id), /^gen_/);
  assert.ok(["queued", "running"].includes(accepted.status));
  const states = new Set<string>();
  const onUpdate = ({ status }: Generation) => void states.add(status);
  const { data } = await sdk.images.waitForGeneration(accepted, { onUpdate });
  assert.ok(states.has("succeeded"));
  assert.equal(data[0]?.mediaType ?? "image/png", "image/png");
  assert.equal(Buffer.from((await data[0]?.bytes()) ?? []).readUInt32BE(16), 256);
  const again = await sdk.images.getGeneration(String(accepted.id));
  assert.ok(again.endedAt && again.expiresAt && again.expiresAt > again.endedAt);

  const other = await sdk.images.generateAsync({ ...request, n: 4, steps: 50 });
  const stopped = await sdk.images.cancelGeneration(other);
  assert.equal(stopped.status, "cancelled");
  await assert.rejects(sdk.images.waitForGeneration(String(other.id)), { name: "APIError", code: "cancelled" });
  await assert.rejects(sdk.images.getGeneration("gen_00000000"), { name: "APIError", statusCode: 404 });
});

test("an edit of atoma up is streamed", async () => {
  const sdk = new AtomaSDK({ serverURL: url, bearerAuth: apiKey });
  const { data } = await sdk.images.generate({ model: "atoma-tiny", prompt: "a red circle", size: "256x256" });
  const image = await data[0]?.blob();
  assert.ok(image);
  const types = new Set<string>();
  const request = { model: "atoma-tiny", prompt: "a blue circle", image, partialImages: 1 };
  for await (const event of sdk.images.editStream(request, { progress: true })) types.add(event.type);
  assert.deepEqual([...types].sort(), ["image_edit.completed", "image_edit.partial_image", "image_edit.progress"]);
});
