import assert from "node:assert/strict";
import { test } from "node:test";
import { imagesGenerate } from "../src/funcs/imagesGenerate.ts";
import { AtomaSDK, type SDKOptions } from "../src/index.ts";
import {
  InvalidRequestError,
  RequestTimeoutError,
  SDKValidationError,
  UnexpectedClientError,
} from "../src/models/errors/index.ts";
import { ANSWER, core, errorOf, generate, KEY, successOf } from "./support/calls.ts";
import { manualClock } from "./support/manual-clock.ts";
import { json, serve } from "./support/server.ts";

function freeze<T extends object>(value: T): T {
  for (const inner of Object.values(value))
    if (inner instanceof Object && !(inner instanceof AbortSignal)) freeze(inner);
  return Object.freeze(value);
}

function setEnv(t: { after(fn: () => void): void }, name: string, value: string): void {
  process.env[name] = value;
  t.after(() => delete process.env[name]);
}

test("K-036 frozen options are used again and again, also at the same time", async (t) => {
  const server = await serve(t, (response) => json(response, ANSWER));
  const { signal } = new AbortController();
  const fetchOptions = { headers: { "x-a": "1" }, signal };
  const retries = { strategy: "backoff" as const, backoff: { initialInterval: 5 } };
  const options = freeze({ timeoutMs: 60_000, retries, retryCodes: ["5XX"], fetchOptions });
  for (let i = 0; i < 3; i++) successOf(await generate(server, options));
  for (const result of await Promise.all([1, 2, 3].map(() => generate(server, options)))) successOf(result);
  assert.equal(server.seen.length, 6);
  const sdkOptions = freeze({ serverURL: server.url, bearerAuth: KEY });
  await new AtomaSDK(sdkOptions).images.generate({ prompt: "x" });
});

test("K-037 every field is sent: known, unknown, in snake_case, and additional ones", async (t) => {
  const server = await serve(t, (response) => json(response, ANSWER));
  const request = freeze({
    prompt: "x",
    responseFormat: "b64_json",
    outputFormat: "webp",
    outputCompression: 50,
    guidanceScale: 3.5,
    negativePrompt: "",
    n: null,
    seed: 5,
    quality: "best-of-2028",
    undefinedOne: undefined,
    unknownField: { innerField: [1] },
    partial_images: 1,
    additionalFields: { loraScale: 1, num_inference_steps: 4 },
  });
  successOf(await imagesGenerate(core(server), request));
  assert.deepEqual(JSON.parse(String(server.seen[0]?.body)), {
    prompt: "x",
    response_format: "b64_json",
    output_format: "webp",
    output_compression: 50,
    guidance_scale: 3.5,
    negative_prompt: "",
    n: null,
    seed: 5,
    quality: "best-of-2028",
    unknownField: { innerField: [1] },
    partial_images: 1,
    loraScale: 1,
    num_inference_steps: 4,
  });
});

test("K-038 input that cannot be right is refused before the network", async (t) => {
  const server = await serve(t, (response) => json(response, ANSWER));
  const circular: Record<string, unknown> = {};
  circular.self = circular;
  const bad: [request: unknown, message: RegExp][] = [
    [{}, /prompt must be a string/],
    [{ prompt: 5 }, /prompt must be a string/],
    [{ prompt: null }, /prompt must be a string/],
    [{ prompt: "x", n: 1.5 }, /n must be an integer/],
    [{ prompt: "x", n: "1" }, /n must be an integer/],
    [{ prompt: "x", stream: true }, /imagesGenerateStream/],
    [{ prompt: "x", responseFormat: "url", response_format: "url" }, /response_format is given twice/],
    [{ prompt: "x", additionalFields: { prompt: "y" } }, /prompt is given twice/],
    [{ prompt: "x", additionalFields: 5 }, /additionalFields must be an object/],
    [{ prompt: "x", extra: circular }, /no form in JSON/],
    [{ prompt: "x", extra: 5n }, /no form in JSON/],
    [null, /must be an object/],
    ["x", /must be an object/],
    [undefined, /must be an object/],
  ];
  for (const [request, message] of bad) {
    // The types refuse these; JavaScript does not.
    const call = imagesGenerate(core(server), request as { prompt: string });
    const [result, exchange] = await call.$inspect();
    const error = errorOf(result, SDKValidationError);
    assert.match(error.message, /^Input validation failed: /);
    assert.match(error.rawMessage, message);
    assert.equal(typeof error.pretty(), "string");
    assert.equal(error.attempts, 0);
    assert.equal(exchange.status, "invalid");
  }
  assert.equal(server.connections(), 0);
});

test("K-039 the key: string, function, environment, prefix", async (t) => {
  const server = await serve(t, (response) => json(response, ANSWER));
  let asked = 0;
  const given: [key: SDKOptions["bearerAuth"], header: string | undefined][] = [
    ["k1", "Bearer k1"],
    ["Bearer k2", "Bearer k2"],
    ["bEaReR  k3", "Bearer k3"],
    [async () => `k4-${++asked}`, "Bearer k4-1"],
    [() => "Bearer k5", "Bearer k5"],
    [undefined, undefined],
    [null, undefined],
  ];
  for (const [bearerAuth, header] of given) {
    successOf(await generate(server, {}, { bearerAuth }));
    assert.equal(server.seen.at(-1)?.headers.authorization, header);
  }
  setEnv(t, "ATOMASDK_BEARER_AUTH", "from-env");
  for (const bearerAuth of ["", undefined, null]) {
    successOf(await generate(server, {}, { bearerAuth }));
    assert.equal(server.seen.at(-1)?.headers.authorization, "Bearer from-env");
  }
});

test("K-039 a function for the key is asked before every attempt", async (t) => {
  const server = await serve(t, (response, _seen, i) =>
    i === 0 ? json(response, {}, 503, { "retry-after-ms": "1" }) : json(response, ANSWER),
  );
  let asked = 0;
  successOf(await generate(server, {}, { bearerAuth: async () => `k${++asked}` }));
  assert.deepEqual(
    server.seen.map(({ headers }) => headers.authorization),
    ["Bearer k1", "Bearer k2"],
  );
});

test("K-039 keys that cannot be used are errors of the call, without the key in them", async (t) => {
  const server = await serve(t, (response) => json(response, ANSWER));
  const cause = new Error("vault is sealed");
  const rejecting = () => Promise.reject(cause);
  assert.equal(errorOf(await generate(server, {}, { bearerAuth: rejecting }), UnexpectedClientError).cause, cause);
  for (const bearerAuth of ["", "Bearer ", "a\nb", "a b", "schlüssel", async () => ""]) {
    const error = errorOf(await generate(server, {}, { bearerAuth }), InvalidRequestError);
    assert.match(error.message, /key/i);
    assert.ok(!error.message.includes("a\nb"));
    assert.equal(error.attempts, 0);
  }
  const never = () => new Promise<string>(() => {});
  const clock = manualClock();
  const call = generate(server, { timeoutMs: 50 }, { bearerAuth: never }, clock);
  clock.advance(50);
  errorOf(await call, RequestTimeoutError);
  assert.equal(server.connections(), 0);
});

test("K-040 the environment is read for each client", async (t) => {
  const server = await serve(t, (response) => json(response, ANSWER));
  for (const key of ["first", "second"]) {
    setEnv(t, "ATOMASDK_BEARER_AUTH", key);
    await new AtomaSDK({ serverURL: server.url }).images.generate({ prompt: "x" });
    assert.equal(server.seen.at(-1)?.headers.authorization, `Bearer ${key}`);
  }
});

test("K-041 server URLs with paths, slashes, queries and odd case", async (t) => {
  const server = await serve(t, (response) => json(response, ANSWER));
  const path = "/v1/images/generations";
  for (const [suffix, expected] of [
    ["", path],
    ["/", path],
    ["/base", `/base${path}`],
    ["/base///", `/base${path}`],
    ["/v1", path],
    ["/base/v1/", `/base${path}`],
    ["/base?api-version=1", `/base${path}?api-version=1`],
    ["/#x", path],
  ]) {
    successOf(await generate({ url: server.url + suffix }));
    assert.equal(server.seen.at(-1)?.url, expected);
  }
  successOf(await generate({ url: server.url.replace("http", "HTTP") }));
  const ipv6 = new AtomaSDK({ serverURL: "http://[::1]:8080/" });
  assert.equal(ipv6._baseURL?.host, "[::1]:8080");
  assert.equal(new AtomaSDK()._baseURL?.href, "https://api.atoma.network/");
});

test("K-041 a server URL that is none is an InvalidRequestError, a bad index throws", async () => {
  for (const url of ["nonsense", "/v1", "ftp://h/", "file:///etc", "http://user:pass@h/", "http://"]) {
    errorOf(await generate({ url }), InvalidRequestError);
    errorOf(await generate({ url: "http://h" }, { serverURL: url }), InvalidRequestError);
    await assert.rejects(new AtomaSDK({ serverURL: url }).images.generate({ prompt: "x" }), InvalidRequestError);
  }
  assert.throws(() => new AtomaSDK({ serverIdx: 5 }), /Invalid server index 5/);
});

test("K-042 a server URL for one call, as string or URL, keeps headers and key", async (t) => {
  const server = await serve(t, (response) => json(response, ANSWER));
  for (const serverURL of [`${server.url}/a`, new URL(`${server.url}/a`)]) {
    const options = { serverURL, fetchOptions: { headers: { "x-a": "1" } } };
    successOf(await generate({ url: "http://127.0.0.1:1" }, options));
    const seen = server.seen.at(-1);
    assert.equal(seen?.url, "/a/v1/images/generations");
    assert.deepEqual([seen?.headers["x-a"], seen?.headers.authorization], ["1", `Bearer ${KEY}`]);
  }
});

test("K-043 the caller's headers win, in every form, and nothing is sent that nobody asked for", async (t) => {
  const server = await serve(t, (response) => json(response, ANSWER));
  const mine = {
    "User-Agent": "mine/1",
    Accept: "application/json, */*",
    Authorization: "Basic eDp5",
    "X-Extra": "ü",
  };
  for (const headers of [mine, new Headers(mine), Object.entries(mine) as [string, string][]]) {
    successOf(await generate(server, { fetchOptions: { headers } }));
    const seen = server.seen.at(-1)?.headers;
    assert.equal(seen?.["user-agent"], "mine/1");
    assert.equal(seen?.accept, "application/json, */*");
    assert.equal(seen?.authorization, "Basic eDp5");
    assert.equal(Buffer.from(String(seen?.["x-extra"]), "latin1").toString("latin1"), "ü");
  }
  // JavaScript lets these through.
  const holes = { "x-a": undefined, "x-b": null, "x-c": 3 } as unknown as Record<string, string>;
  successOf(await generate(server, { fetchOptions: { headers: holes } }));
  assert.equal(server.seen.at(-1)?.headers["x-c"], "3");
  const names = Object.keys(server.seen.at(-1)?.headers ?? {}).filter((name) => name !== "x-c");
  assert.deepEqual(names.sort(), [
    "accept",
    "accept-encoding", // this and the next three are fetch's own
    "accept-language",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "host",
    "idempotency-key",
    "sec-fetch-mode",
    "user-agent",
  ]);
  for (const headers of [{ "bad name": "x" }, { "x-a": "line\nbreak secret" }]) {
    const error = errorOf(await generate(server, { fetchOptions: { headers } }), InvalidRequestError);
    assert.ok(!error.message.includes("secret"));
  }
  errorOf(await generate(server, { idempotencyKey: "with space" }), InvalidRequestError);
});

test("K-062 any text arrives as valid UTF-8 JSON with the right length", async (t) => {
  const server = await serve(t, (response) => json(response, ANSWER));
  const client = core(server);
  for (const prompt of ["ein Kätzchen 🐈 猫", "lone \ud83d surrogate", "\u0000\u2028"]) {
    successOf(await imagesGenerate(client, { prompt }));
    const seen = server.seen.at(-1);
    const text = new TextDecoder("utf-8", { fatal: true }).decode(seen?.body);
    assert.equal(JSON.parse(text).prompt, prompt);
    assert.equal(Number(seen?.headers["content-length"]), seen?.body.length);
  }
});
