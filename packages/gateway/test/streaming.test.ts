import assert from "node:assert/strict";
import { after, test } from "node:test";
import { eventually, startWorld } from "./support/gateway.ts";
import { finish, makePictures, picture, sendPicture, writeEvent } from "./support/scripted-node.ts";

const world = await startWorld();
after(() => world[Symbol.asyncDispose]());

interface Event {
  readonly name: string;
  // biome-ignore lint/suspicious/noExplicitAny: events are asserted field by field
  readonly data: any;
}

function readEvents(text: string): Event[] {
  return text
    .split("\n\n")
    .filter((block) => block !== "" && !block.startsWith(":"))
    .map((block) => {
      const [event = "", data = "", ...more] = block.split("\n");
      assert.deepEqual(more, [], "one data line an event");
      return { name: event.replace("event: ", ""), data: JSON.parse(data.replace("data: ", "")) };
    });
}

const COMMON = ["type", "b64_json", "created_at", "size", "quality", "background", "output_format"];

test("S-100 S-102 S-110 partials, then completed, each with the fields of the specification", async () => {
  const answer = await world.generate({ stream: true, partial_images: 2 });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("content-type"), "text/event-stream; charset=utf-8");
  assert.equal(answer.headers.get("cache-control"), "no-cache, no-transform");
  assert.equal(answer.headers.get("x-accel-buffering"), "no");
  assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
  assert.equal(answer.headers.get("content-length"), null);
  const events = readEvents(answer.text);
  assert.deepEqual(
    events.map((e) => e.name),
    ["image_generation.partial_image", "image_generation.partial_image", "image_generation.completed"],
  );
  for (const { name, data } of events) {
    assert.equal(data.type, name);
    for (const field of COMMON) assert.ok(data[field] !== undefined && data[field] !== null, `${name}.${field}`);
  }
  assert.deepEqual([events[0]?.data.partial_image_index, events[1]?.data.partial_image_index], [0, 1]);
  const { usage } = events[2]?.data ?? {};
  assert.equal(usage.total_tokens, usage.input_tokens + usage.output_tokens);
});

test("S-101 S-111 without partials one completed for each picture, in order", async () => {
  const one = readEvents((await world.generate({ stream: true })).text);
  assert.deepEqual(
    one.map((e) => e.name),
    ["image_generation.completed"],
  );
  const two = readEvents((await world.generate({ stream: true, n: 2, seed: 5 })).text);
  assert.deepEqual(
    two.map((e) => e.data.seed),
    [5, 6],
  );
  const counts = two.map(({ data: { usage } }) => [usage.input_tokens, usage.output_tokens, usage.total_tokens]);
  assert.deepEqual(counts, [
    [3, 8, 11],
    [0, 8, 8],
  ]);
});

test("progress events come only when they are asked for", async () => {
  const { text } = await world.generate({ stream: true }, { accept: "text/event-stream; progress=1" });
  const [first] = readEvents(text);
  assert.deepEqual([first?.name, first?.data.step, first?.data.steps], ["image_generation.progress", 1, 2]);
});

test("S-103 S-104 what fails before the first event is plain HTTP", async () => {
  assert.equal((await world.generate({ stream: true, n: 0 })).json.error.code, "integer_below_min_value");
  await using busy = await startWorld({ queueTimeoutMs: 500 });
  busy.node.behave = (_job, response) => void response.writeHead(503).end();
  const refused = await busy.generate({ stream: true });
  assert.deepEqual([refused.status, refused.json.error.code], [503, "overloaded"]);
});

test("S-105 S-106 what fails after it is an error event, and nothing is charged", async () => {
  const before = await world.available();
  world.node.behave = async (job, response) => {
    await sendPicture(job, response, 0, 1);
    response.end();
  };
  const events = readEvents((await world.generate({ stream: true, partial_images: 1 })).text);
  assert.deepEqual(
    events.map((e) => e.name),
    ["image_generation.partial_image", "error"],
  );
  assert.deepEqual(events[1]?.data, {
    type: "error",
    error: {
      message: "The node could not make the picture.",
      type: "server_error",
      param: null,
      code: "node_bad_response",
    },
  });
  await eventually(async () => (await world.pending()) === 0);
  assert.equal(await world.available(), before);
  world.node.behave = makePictures;
});

test("nothing is completed before it is charged", async () => {
  let chargedAtPartial: number | undefined;
  const before = await world.available();
  world.node.behave = async (job, response) => {
    await sendPicture(job, response, 0, 1);
    chargedAtPartial = before - (await world.available()) - (await world.pending());
    finish(response);
  };
  await world.generate({ stream: true, partial_images: 1 });
  assert.equal(chargedAtPartial, 0);
  assert.equal(await world.available(), before - 64 * 64);
  world.node.behave = makePictures;
});

test("S-108 a client that leaves a stream stops the node and is not charged", async () => {
  const before = await world.available();
  const cancelled = world.node.cancelled;
  world.node.behave = async (job, response) => {
    const bytes = await picture(job, 1);
    writeEvent(response, { type: "partial", index: 0, partial: 0, bytes });
  };
  const leaving = new AbortController();
  const response = await world.ask({ stream: true, partial_images: 1 }, leaving.signal);
  assert.equal(response.status, 200);
  leaving.abort();
  await eventually(() => world.node.cancelled === cancelled + 1);
  await eventually(async () => (await world.available()) === before);
  world.node.behave = makePictures;
});

test("a stream is replayed under its idempotency key as a stream", async () => {
  const headers = { "idempotency-key": "stream-1" };
  const first = readEvents((await world.generate({ stream: true }, headers)).text);
  const made = world.node.requests.length;
  const again = await world.generate({ stream: true }, headers);
  assert.deepEqual(readEvents(again.text), first);
  assert.equal(again.headers.get("idempotent-replayed"), "true");
  assert.equal(world.node.requests.length, made);
});
