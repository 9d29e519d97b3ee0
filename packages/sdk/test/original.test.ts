// Programs as the README and FUNCTIONS.md of the original SDK (0.1.1) show them, with its import paths. That they have no type
// errors is part of the test: `tsc -b` reads this file.
import assert from "node:assert/strict";
import { test } from "node:test";
import { AtomaSDK, SDK_METADATA, type SDKOptions, ServerList, serverURLFromOptions } from "atoma-sdk";
import { AtomaSDKCore } from "atoma-sdk/core.js";
import { healthHealth } from "atoma-sdk/funcs/healthHealth.js";
import { imagesGenerate } from "atoma-sdk/funcs/imagesGenerate.js";
import { modelsModelsList } from "atoma-sdk/funcs/modelsModelsList.js";
import { type BeforeRequestHook, HTTPClient } from "atoma-sdk/lib/http";
import type { Logger } from "atoma-sdk/lib/logger.js";
import type { RequestOptions } from "atoma-sdk/lib/sdks.js";
import * as components from "atoma-sdk/models/components";
import type { CreateImageResponse } from "atoma-sdk/models/components/createimageresponse.js";
import { APIError } from "atoma-sdk/models/errors/apierror.js";
import { ConnectionError, type HTTPClientError } from "atoma-sdk/models/errors/httpclienterrors.js";
import { SDKValidationError } from "atoma-sdk/models/errors/sdkvalidationerror.js";
import { type ClosedEnum, isBlobLike, type OpenEnum, type Result } from "atoma-sdk/types";
import { type APICall, APIPromise } from "atoma-sdk/types/async.js";
import { isBlobLike as fromBlobs } from "atoma-sdk/types/blobs.js";
import { ERR, OK, unwrap, unwrapAsync } from "atoma-sdk/types/fp.js";
import { DRAIN_MS } from "../src/lib/body.ts";
import { hurriedClock } from "./support/manual-clock.ts";
import { json, serve } from "./support/server.ts";

const WIRE = { created: 1713833628, data: [{ revised_prompt: "r", url: "https://h.invalid/1.png" }] };
const REQUEST: components.CreateImageRequest = {
  model: "black-forest-labs/FLUX.1-schnell",
  n: 1,
  prompt: "A cute baby sea otter floating on its back",
  quality: "hd",
  responseFormat: "url",
  size: "1024x1024",
  style: "vivid",
  user: "user-1234",
};
const OPTIONS: RequestOptions = {
  retries: {
    strategy: "backoff",
    backoff: { initialInterval: 1, maxInterval: 50, exponent: 1.1, maxElapsedTime: 1000 },
    retryConnectionErrors: false,
  },
  retryCodes: ["5XX"],
  timeoutMs: -1,
};

function api(t: Parameters<typeof serve>[0], refusals = 0) {
  return serve(t, (response, { url }, i) => {
    if (i < refusals) return json(response, { error: { code: "INTERNAL_ERROR", message: "busy" } }, 500);
    if (url === "/health") return json(response, { message: "ok" });
    if (url === "/v1/models") {
      const model = { id: "m", object: "model", created: 1686935002, owned_by: "atoma" };
      return json(response, { object: "list", data: [model] });
    }
    json(response, WIRE);
  });
}

test("the client of the original's README makes a picture, with retries, hooks and a logger", async (t) => {
  const server = await api(t, 1);
  const httpClient = new HTTPClient({
    // fetcher takes a function that has the same signature as native `fetch`.
    fetcher: (request) => {
      return fetch(request);
    },
  });
  httpClient.addHook("beforeRequest", (request) => {
    const nextRequest = new Request(request, { signal: request.signal || AbortSignal.timeout(5000) });
    nextRequest.headers.set("x-custom-header", "custom value");
    return nextRequest;
  });
  httpClient.addHook("requestError", (error, request) => assert.fail(`${error} ${request.method} ${request.url}`));
  const removed: BeforeRequestHook = () => assert.fail();
  httpClient.addHook("beforeRequest", removed).removeHook("beforeRequest", removed);
  const lines: unknown[] = [];
  const debugLogger: Logger = { group() {}, groupEnd() {}, log: (...line) => lines.push(...line) };
  const options: SDKOptions = { bearerAuth: async () => "key", httpClient: httpClient.clone(), debugLogger };
  const clock = hurriedClock((ms) => ms !== DRAIN_MS);
  const atomaSDK = new AtomaSDK({ ...options, serverURL: server.url, serverIdx: 0 }, clock);

  const result = await atomaSDK.images.generate(REQUEST, OPTIONS);
  assert.deepEqual(
    [result.created, result.data[0]?.url, result.data[0]?.revisedPrompt],
    [WIRE.created, WIRE.data[0]?.url, "r"],
  );
  assert.equal(server.seen.length, 2);
  const { headers, body } = server.seen[1] ?? assert.fail();
  assert.deepEqual(
    [headers["x-custom-header"], headers.authorization, headers.cookie],
    ["custom value", "Bearer key", undefined],
  );
  const { responseFormat, ...same } = REQUEST;
  assert.deepEqual(JSON.parse(`${body}`), { ...same, response_format: responseFormat });
  assert.ok(lines.length > 0);
  assert.equal((await atomaSDK.models.modelsList()).data[0]?.ownedBy, "atoma");
  assert.equal((await atomaSDK.health.health()).message, "ok");
});

test("the standalone functions of the original's FUNCTIONS.md, with every error handled", async (t) => {
  const server = await api(t);
  const atomaSDK = new AtomaSDKCore({ bearerAuth: "key", serverURL: server.url });
  async function run(request: components.CreateImageRequest) {
    const res = await imagesGenerate(atomaSDK, request);
    switch (true) {
      case res.ok:
        break;
      case res.error instanceof SDKValidationError:
        return res.error.pretty();
      case res.error instanceof Error:
        return res.error.name;
      default:
        res.error satisfies never;
        throw new Error("Assertion failed: expected error checks to be exhaustive");
    }
    const { value: result } = res;
    return result.data[0]?.url;
  }
  assert.equal(await run(REQUEST), WIRE.data[0]?.url);
  assert.match(`${await run({ prompt: 5 as never })}`, /Input validation failed/);

  const [result, call]: [Result<CreateImageResponse, Error>, APICall] = await imagesGenerate(
    atomaSDK,
    REQUEST,
  ).$inspect();
  assert.deepEqual([result.ok, call.status === "complete" && call.response.status], [true, 200]);
  assert.ok(imagesGenerate(atomaSDK, REQUEST) instanceof APIPromise);
  assert.equal((await unwrapAsync(modelsModelsList(atomaSDK))).object, "list");
  assert.deepEqual(await healthHealth(atomaSDK, { timeoutMs: 5000 }), OK({ message: "ok" }));
  assert.throws(() => unwrap(ERR(new ConnectionError("x"))), ConnectionError);
});

test("the errors of the original's README are told apart", async (t) => {
  const server = await serve(t, (response) => json(response, { error: { code: "AUTH_ERROR", message: "no" } }, 401));
  const atomaSDK = new AtomaSDK({ bearerAuth: "key", serverURL: server.url });
  async function run() {
    try {
      await atomaSDK.images.generate(REQUEST);
    } catch (err) {
      switch (true) {
        case err instanceof SDKValidationError:
          return [err.pretty(), err.rawValue];
        case err instanceof APIError:
          return [err.statusCode, err.contentType, err.body, err.rawResponse.status, err.name];
        default: {
          const other = err as HTTPClientError;
          throw other.cause;
        }
      }
    }
    return [];
  }
  const body = '{"error":{"code":"AUTH_ERROR","message":"no"}}';
  assert.deepEqual(await run(), [401, "application/json", body, 401, "APIError"]);
});

test("what is in the original's models is written and read as JSON", async () => {
  const { responseFormat, ...same } = REQUEST;
  const text = components.createImageRequestToJSON(REQUEST);
  assert.deepEqual(JSON.parse(text), { ...same, response_format: responseFormat });
  assert.deepEqual(components.createImageRequestFromJSON(text), OK(REQUEST));

  const wire = { ...WIRE, output_format: "png", usage: { total_tokens: 1 }, metadata: { createdAt: 1 } };
  const read = components.createImageResponseFromJSON(JSON.stringify(wire));
  assert.ok(read.ok);
  assert.deepEqual([read.value.outputFormat, read.value.usage?.totalTokens], ["png", 1]);
  assert.equal(read.value.data[0]?.revisedPrompt, "r");
  assert.deepEqual(JSON.parse(components.createImageResponseToJSON(read.value)), wire);
  await assert.rejects(async () => read.value.data[0]?.bytes(), /fetch its url/);

  const image = components.imageDataFromJSON('{"b64_json":"QUFB","seed":3}');
  assert.ok(image.ok && image.value instanceof components.ImageData);
  assert.equal((await image.value.bytes()).length, 3);
  assert.equal(components.imageDataToJSON(image.value), '{"b64_json":"QUFB","seed":3}');

  const list = '{"object":"list","data":[{"id":"m","owned_by":"o"}]}';
  const models = components.modelListFromJSON(list);
  assert.equal(models.value?.data[0]?.ownedBy, "o");
  assert.equal(models.ok && components.modelListToJSON(models.value), list);
  const model = components.modelFromJSON('{"id":"m","owned_by":"o"}');
  assert.equal(model.ok && components.modelToJSON(model.value), '{"id":"m","owned_by":"o"}');

  for (const bad of ["{", "null", "[]", '"x"', '{"data":5}']) {
    assert.ok(components.createImageRequestFromJSON(bad).error instanceof SDKValidationError);
    assert.ok(components.createImageResponseFromJSON(bad).error instanceof SDKValidationError);
    assert.ok(components.modelListFromJSON(bad).error instanceof SDKValidationError);
  }
  assert.throws(() => components.createImageRequestToJSON({ prompt: 5 as never }), SDKValidationError);
});

test("the original's small helpers and types are there", () => {
  assert.ok(isBlobLike(new Blob([])) && fromBlobs(new File([], "x")));
  assert.ok(isBlobLike({ [Symbol.toStringTag]: "File", stream() {} }));
  for (const none of [null, undefined, "x", {}, { [Symbol.toStringTag]: "Blob" }, new Uint8Array()]) {
    assert.equal(isBlobLike(none), false);
  }
  assert.equal(serverURLFromOptions({})?.href, `${ServerList[0]}/`);
  assert.match(SDK_METADATA.userAgent, new RegExp(`${SDK_METADATA.sdkVersion}$`));
  const Colour = { Red: "red", Blue: "blue" } as const;
  const closed: ClosedEnum<typeof Colour> = "red";
  const open: OpenEnum<typeof Colour> = "green";
  assert.deepEqual([closed, open], ["red", "green"]);
});
