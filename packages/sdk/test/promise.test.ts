import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { AtomaSDK, ConnectionError, SDKValidationError } from "../src/index.ts";
import { APIPromise } from "../src/types/index.ts";
import { ANSWER, generate, KEY, NO_TYPESCRIPT, NONE, successOf } from "./support/calls.ts";
import { closedPort, json, serve } from "./support/server.ts";

test("K-052 $inspect tells how far a call came", async (t) => {
  const server = await serve(t, (response, _seen, i) => json(response, i === 0 ? ANSWER : {}, i === 0 ? 200 : 400));
  const refused = { url: `http://127.0.0.1:${await closedPort()}` };
  const calls = [generate(server), generate(server), generate(refused, { retries: NONE }), generate({ url: "x" })];
  const exchanges = [];
  for (const call of calls) exchanges.push((await call.$inspect())[1]);
  assert.deepEqual(
    exchanges.map(({ status }) => status),
    ["complete", "complete", "request-error", "invalid"],
  );
  const [good, bad, lost] = exchanges;
  assert.ok(good?.status === "complete" && bad?.status === "complete" && lost?.status === "request-error");
  assert.equal(good.request.method, "POST");
  assert.equal(good.request.url, `${server.url}/v1/images/generations`);
  assert.deepEqual(await good.request.json(), { prompt: "a cat" });
  assert.equal(good.request.headers.get("authorization"), "Bearer ***");
  assert.deepEqual([good.response.status, bad.response.status], [200, 400]);
  assert.ok(lost.request.url.startsWith(refused.url));
});

test("withResponse gives value, response and request id together", async (t) => {
  const server = await serve(t, (response) => json(response, ANSWER, 200, { "x-request-id": "req_7" }));
  const sdk = new AtomaSDK({ serverURL: server.url, bearerAuth: KEY });
  const { data, response, requestId } = await sdk.images.generate({ prompt: "x" }).withResponse();
  assert.equal(data.created, ANSWER.created);
  assert.equal(response?.status, 200);
  assert.equal(requestId, "req_7");
});

test("K-053 a call is like any promise", async (t) => {
  const server = await serve(t, (response) => json(response, ANSWER));
  const sdk = new AtomaSDK({ serverURL: server.url });
  const call = sdk.images.generate({ prompt: "x" });
  assert.ok(call instanceof Promise);
  assert.ok(call instanceof APIPromise);
  assert.equal(Object.prototype.toString.call(call), "[object Promise]");
  assert.equal(await call, await call, "awaited twice, it was made once");
  assert.equal(server.seen.length, 1);
  let order = "";
  const seconds = await call
    .then(({ created }) => created)
    .catch(() => assert.fail())
    .finally(() => {
      order += "finally";
    });
  assert.equal(seconds, ANSWER.created);
  assert.equal(order, "finally");
  assert.equal((await Promise.all([call, sdk.images.generate({ prompt: "y" })])).length, 2);
  assert.ok(!(call.then() instanceof APIPromise));
  successOf(await generate(server));
  // A Result is never a rejection, and what a call rejects with reaches all who ask.
  const failing = sdk.images.generate({ prompt: "x" }, { serverURL: "nonsense" });
  await assert.rejects(failing, { name: "InvalidRequestError" });
  await assert.rejects(failing.finally(), { name: "InvalidRequestError" });
  assert.equal(await failing.catch(() => 5), 5);
  await assert.rejects(failing.withResponse(), { name: "InvalidRequestError" });
});

/** How many unhandled rejections a program has that makes one failing call, and what it exits with. */
function unhandledIn(program: string): { count: number; status: number | null; stderr: string } {
  const source = `
    import { AtomaSDK } from ${JSON.stringify(new URL("../src/index.ts", import.meta.url).href)};
    let count = 0;
    if (process.argv[1] !== "kill") process.on("unhandledRejection", () => count++);
    process.on("exit", () => console.log(count));
    const call = () => new AtomaSDK({ serverURL: "nonsense" }).images.generate({ prompt: "x" });
    ${program}`;
  const { stdout, stderr, status } = spawnSync(process.execPath, ["--input-type=module", "-e", source], {
    encoding: "utf8",
    cwd: fileURLToPath(new URL("..", import.meta.url)),
  });
  return { count: Number(stdout), status, stderr };
}

for (const [how, program, expected] of [
  ["awaited", "await call().catch(() => {});", 0],
  ["handled by then", "call().then(() => {}, () => {});", 0],
  ["in Promise.allSettled", "await Promise.allSettled([call(), call()]);", 0],
  ["inspected", "await call().$inspect().catch(() => {}); await call().withResponse().catch(() => {});", 0],
  ["ignored", "call();", 1],
] as const) {
  test(`K-053 a failing call that is ${how}: ${expected} unhandled rejections`, { skip: NO_TYPESCRIPT }, () => {
    const { count, status, stderr } = unhandledIn(program);
    assert.deepEqual([count, status], [expected, 0], stderr);
  });
}

test("errors of a class method and of a function are the same", async (t) => {
  const server = await serve(t, (response) => json(response, { data: 5 }));
  const sdk = new AtomaSDK({ serverURL: server.url });
  await assert.rejects(sdk.images.generate({ prompt: "x" }), SDKValidationError);
  const refused = { serverURL: `http://127.0.0.1:${await closedPort()}`, retries: NONE };
  await assert.rejects(sdk.models.list(refused), ConnectionError);
});
