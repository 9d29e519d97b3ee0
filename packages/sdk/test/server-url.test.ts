import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { env } from "../src/compat/env.ts";
import { AtomaSDK, HTTPClient } from "../src/index.ts";
import type { RequestOptions } from "../src/lib/client.ts";
import type { SDKOptions } from "../src/lib/config.ts";
import { InvalidRequestError } from "../src/models/errors/index.ts";
import { ANSWER } from "./support/calls.ts";
import { json, serve } from "./support/server.ts";

/** A key as packages/ledger/src/keys.ts makes them. */
const GATEWAY_KEY = `sk-atoma-k7q2m9x4p1za-${"Ab3".repeat(14)}C`;
const PUBLIC = "https://api.atoma.network";

beforeEach(() => delete process.env.ATOMASDK_SERVER_URL);
afterEach(() => delete process.env.ATOMASDK_SERVER_URL);

/** A client whose requests go nowhere, and where they would have gone. */
function offline(options: SDKOptions) {
  const sent: string[] = [];
  const fetcher = async (request: Request | URL | string) => {
    assert.ok(request instanceof Request);
    sent.push(`${new URL(request.url).origin} ${request.headers.get("authorization")}`);
    return Response.json(ANSWER);
  };
  return { sdk: new AtomaSDK({ ...options, httpClient: new HTTPClient({ fetcher }) }), sent };
}

test("where no server is named, ATOMASDK_SERVER_URL says which, read for each client", async (t) => {
  const server = await serve(t, (response) => json(response, ANSWER));
  process.env.ATOMASDK_SERVER_URL = `${server.url}/base`;
  await new AtomaSDK({ bearerAuth: GATEWAY_KEY }).images.generate({ prompt: "x" });
  assert.equal(server.seen[0]?.url, "/base/v1/images/generations");
  assert.equal(env().ATOMASDK_SERVER_URL, `${server.url}/base`);
  assert.equal(new AtomaSDK({ serverURL: "http://named.example" })._baseURL?.host, "named.example");
  assert.equal(new AtomaSDK({ serverIdx: 0 })._baseURL?.origin, PUBLIC);
  process.env.ATOMASDK_SERVER_URL = "";
  assert.equal(new AtomaSDK({ serverURL: "" })._baseURL?.origin, PUBLIC);
});

test("an ATOMASDK_SERVER_URL that is no URL is an InvalidRequestError that names it", async () => {
  process.env.ATOMASDK_SERVER_URL = "127.0.0.1:8080";
  await assert.rejects(new AtomaSDK().images.generate({ prompt: "x" }), (error) => {
    assert.ok(error instanceof InvalidRequestError);
    assert.match(error.message, /ATOMASDK_SERVER_URL/);
    return true;
  });
});

const PLACES: Record<string, [options: SDKOptions, call?: RequestOptions]> = {
  "no server": [{ bearerAuth: GATEWAY_KEY }],
  "serverIdx 0": [{ bearerAuth: `Bearer ${GATEWAY_KEY}`, serverIdx: 0 }],
  "its URL, with a function for the key": [{ bearerAuth: async () => GATEWAY_KEY, serverURL: `${PUBLIC}/v1` }],
  "its URL for one call": [
    { bearerAuth: GATEWAY_KEY, serverURL: "http://h" },
    { serverURL: "HTTPS://API.atoma.network" },
  ],
  "the same host without TLS": [{ bearerAuth: GATEWAY_KEY, serverURL: PUBLIC.replace("https", "http") }],
  "no server, with the key in a header": [
    {},
    { fetchOptions: { headers: { Authorization: `Bearer ${GATEWAY_KEY}` } } },
  ],
};

for (const [name, [options, call]] of Object.entries(PLACES)) {
  test(`a key of a gateway is never sent to the public default host: ${name}`, async () => {
    const { sdk, sent } = offline(options);
    await assert.rejects(sdk.images.generate({ prompt: "x" }, call), (error) => {
      assert.ok(error instanceof InvalidRequestError);
      assert.match(error.message, /serverURL or ATOMASDK_SERVER_URL/);
      assert.ok(!error.message.includes(GATEWAY_KEY));
      assert.equal(error.attempts, 0);
      return true;
    });
    assert.deepEqual(sent, []);
  });
}

test("another key is sent to the default host, and a gateway's key to any other", async () => {
  for (const bearerAuth of ["sk-someone-else", "sk-atoma-of-the-network", "k"]) {
    const { sdk, sent } = offline({ bearerAuth });
    await sdk.images.generate({ prompt: "x" });
    assert.deepEqual(sent, [`${PUBLIC} Bearer ${bearerAuth}`]);
  }
  const { sdk, sent } = offline({ bearerAuth: GATEWAY_KEY, serverURL: "http://gateway.example" });
  await sdk.images.generate({ prompt: "x" });
  assert.deepEqual(sent, [`http://gateway.example Bearer ${GATEWAY_KEY}`]);
});
