import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ApiError } from "@atoma/contract";
import { type ModelProcess, startModelProcess } from "../src/index.ts";
import { collect, imagesOf, jobFor, TINY, temporaryFolder } from "./support.ts";

const quick = (model: ModelProcess) => jobFor(model.folder.card);

/** Turns the loop until the model is in this state, for at most a minute. */
async function until(model: ModelProcess, state: ModelProcess["state"]): Promise<void> {
  const end = performance.now() + 60_000;
  while (model.state !== state) {
    if (performance.now() > end) throw new Error(`the model stayed ${model.state}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test("an idle model is unloaded, its process ends, and it comes back with the next job", async () => {
  const restarts: string[] = [];
  const model = startModelProcess({
    path: TINY,
    unloadAfterMs: 1,
    onRestart: ({ reason }) => restarts.push(reason),
  });
  try {
    await model.ready;
    const { pid } = model;
    await until(model, "unloaded");
    assert.equal(model.pid, undefined);
    const made = await collect(model.generate(quick(model)));
    assert.equal(imagesOf(made).length, 1);
    assert.notEqual(model.pid, pid);
    await until(model, "unloaded");
    // Who waits for the model first, as a queue does, wakes it, too; waiting is as patient as loading takes.
    await model.untilReady(0);
    assert.ok(["ready", "unloaded"].includes(model.state));
    assert.equal(imagesOf(await collect(model.generate(quick(model)))).length, 1);
    assert.deepEqual([restarts, model.restarts], [[], 0]);
  } finally {
    await model.close();
  }
  assert.equal(model.state, "closed");
});

test("a model is not unloaded while it has a job", async () => {
  const model = startModelProcess({ path: TINY, unloadAfterMs: 1 });
  try {
    await model.ready;
    const { pid } = model;
    const made = await collect(model.generate(jobFor(model.folder.card, { steps: 30 })));
    assert.equal(imagesOf(made).length, 1);
    assert.ok(model.pid === pid || model.state === "unloaded" || model.restarts === 0);
  } finally {
    await model.close();
  }
});

/** A model whose pictures may be as large as no memory is: its attention grows with the fourth power of a side. */
function boundlessModel(folder: string): void {
  cpSync(join(import.meta.dirname, "fixtures/models/sd15"), folder, { recursive: true });
  const sizes = { kind: "range", multiple: 16, maxEdge: 2048, minPixels: 256, maxPixels: 2048 * 2048 };
  writeFileSync(join(folder, "atoma.json"), JSON.stringify({ card: { id: "boundless", sizes, defaultSize: "64x64" } }));
}

const onLinux = { skip: process.platform !== "linux" };

test("a picture that memory does not suffice for is a 503, and the next one is made", onLinux, async () => {
  using folder = temporaryFolder();
  boundlessModel(folder.path);
  const model = startModelProcess({ path: folder.path });
  try {
    await model.ready;
    const { pid } = model;
    assert.ok(pid !== undefined);
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const bytes = 1024 * Number(/VmSize:\s+(\d+)/.exec(status)?.[1]);
    execFileSync("prlimit", ["--pid", `${pid}`, `--as=${bytes + 2 ** 30}`]);
    const draw = (size: string) => collect(model.generate(jobFor(model.folder.card, { size, steps: 1 })));
    await assert.rejects(
      draw("2048x2048"),
      (error: unknown) =>
        error instanceof ApiError &&
        error.status === 503 &&
        error.code === "overloaded" &&
        /memory/.test(error.message),
    );
    assert.equal(model.pid, pid, "the process lives on");
    assert.equal(imagesOf(await draw("64x64")).length, 1);
    assert.equal(model.restarts, 0);
  } finally {
    await model.close();
  }
});
