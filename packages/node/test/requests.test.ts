import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Decoder } from "cbor-x";
import { loadedNode, post } from "./support.ts";

const node = await loadedNode({ token: "secret" });
after(() => node.close(0));

const authorization = "Bearer secret";
const asEvents = (id: string) => ({ authorization, accept: "application/cbor-seq", "x-request-id": id });
const byId = (id: string, method = "GET") =>
  fetch(`${node.url}/v1/requests/${id}`, { method, headers: { authorization } });
const LONG = { n: 2, steps: 60 };

interface Event {
  readonly type: string;
  readonly bytes?: Uint8Array;
}

async function eventsOf(response: Response): Promise<Event[]> {
  const decoder = new Decoder({ useRecords: false, mapsAsObjects: true });
  return (decoder.decodeMultiple(new Uint8Array(await response.arrayBuffer())) as Event[] | undefined) ?? [];
}

test("a finished generation is fetched again by its id, byte for byte, and not made again", async () => {
  const body = { n: 2, seed: 5 };
  const first = await eventsOf(await post(node, body, { headers: asEvents("req_done") }));
  assert.equal(first.at(-1)?.type, "done");
  for (const again of [await byId("req_done"), await post(node, body, { headers: asEvents("req_done") })]) {
    assert.equal(again.status, 200);
    assert.deepEqual(await eventsOf(again), first);
  }
  const other = await post(node, { n: 1 }, { headers: asEvents("req_done") });
  assert.equal(other.status, 422);
});

test("unknown ids are 404, and only the token opens them", async () => {
  assert.equal((await byId("req_never")).status, 404);
  assert.equal((await fetch(`${node.url}/v1/requests/req_done`)).status, 401);
  assert.equal((await byId("req_done", "POST")).status, 405);
});

test("a broken connection does not end a generation: its caller comes back for it", async () => {
  const leaving = new AbortController();
  const response = await post(node, LONG, { headers: asEvents("req_back"), signal: leaving.signal });
  leaving.abort();
  await assert.rejects(response.arrayBuffer());
  const back = await byId("req_back");
  assert.equal(back.status, 200);
  const events = await eventsOf(back);
  assert.equal(events.filter(({ type }) => type === "image").length, 2);
  assert.equal(events.at(-1)?.type, "done");
});

test("a cancelled generation ends at once; an id that is cancelled before it comes is refused", async () => {
  const response = await post(node, LONG, { headers: asEvents("req_stop") });
  assert.equal((await byId("req_stop", "DELETE")).status, 204);
  assert.notEqual((await eventsOf(response)).at(-1)?.type, "done");
  assert.equal((await byId("req_stop")).status, 410);
  assert.equal((await byId("req_early", "DELETE")).status, 204);
  assert.equal((await post(node, {}, { headers: asEvents("req_early") })).status, 410);
  const idle = await fetch(`${node.url}/v1/load`, { headers: { authorization } });
  assert.equal(((await idle.json()) as { running: number }).running, 0);
});
