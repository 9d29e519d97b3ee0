import assert from "node:assert/strict";
import { test } from "node:test";
import { modelsList } from "../src/funcs/modelsList.ts";
import { APIError, ConnectionError } from "../src/models/errors/index.ts";
import { ANSWER, core, errorOf, generate, KEY, successOf } from "./support/calls.ts";
import { json, serve } from "./support/server.ts";

for (const status of [307, 308]) {
  test(`K-044 a ${status} on the same origin is followed with method, body and key`, async (t) => {
    const server = await serve(t, (response, _seen, i) => {
      if (i === 0) response.writeHead(status, { location: "/moved?x=1" }).end("moved");
      else json(response, ANSWER);
    });
    const { data, response } = await generate(server).withResponse();
    successOf(data);
    assert.equal(new URL(response?.url ?? "").pathname, "/moved");
    const [first, second] = server.seen;
    assert.deepEqual([second?.method, second?.url], ["POST", "/moved?x=1"]);
    assert.deepEqual(second?.body, first?.body);
    assert.equal(second?.headers.authorization, `Bearer ${KEY}`);
    assert.equal(second?.headers["idempotency-key"], first?.headers["idempotency-key"]);
  });
}

for (const status of [301, 302, 303]) {
  test(`K-044 a ${status} would change the method of a POST and is refused; a GET follows it`, async (t) => {
    const server = await serve(t, (response, { url }) => {
      if (url === "/there") json(response, { object: "list", data: [] });
      else response.writeHead(status, { location: "/there" }).end();
    });
    const error = errorOf(await generate(server), APIError);
    assert.equal(error.statusCode, status);
    assert.match(error.message, /redirect/);
    assert.equal(server.seen.length, 1);
    assert.deepEqual(successOf(await modelsList(core(server))).data, []);
  });
}

test("K-044 another origin does not get the key or the cookies", async (t) => {
  const other = await serve(t, (response) => json(response, ANSWER));
  const server = await serve(t, (response) => response.writeHead(307, { location: `${other.url}/x` }).end());
  const headers = { cookie: "a=b", "x-a": "1" };
  successOf(await generate(server, { fetchOptions: { headers } }));
  const seen = other.seen[0]?.headers;
  assert.deepEqual([seen?.authorization, seen?.cookie, seen?.["x-a"]], [undefined, undefined, "1"]);
});

test("K-044 a loop of redirects ends after 20", async (t) => {
  const server = await serve(t, (response) => response.writeHead(307, { location: "/again" }).end());
  const error = errorOf(await generate(server), ConnectionError);
  assert.match(error.message, /20 redirects/);
  assert.equal(server.seen.length, 21);
});

test("K-044 a redirect to nowhere, to another scheme, or without a location is refused", async (t) => {
  const locations = ["http://", "file:///etc/passwd", "data:,x", undefined];
  const server = await serve(t, (response, _seen, i) => {
    const location = locations[i];
    response.writeHead(307, location ? { location } : {}).end();
  });
  for (const _ of locations) assert.equal(errorOf(await generate(server), APIError).statusCode, 307);
  assert.equal(server.seen.length, locations.length);
});
