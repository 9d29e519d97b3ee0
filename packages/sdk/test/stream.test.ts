import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { test } from "node:test";
import { imagesGenerateStream, type StreamOptions } from "../src/funcs/imagesGenerateStream.ts";
import { AtomaSDK } from "../src/index.ts";
import type { Clock } from "../src/lib/clock.ts";
import { SSEParser } from "../src/lib/sse.ts";
import type { ImageStreamEvent } from "../src/models/components/index.ts";
import {
  APIError,
  ConnectionError,
  InvalidRequestError,
  RequestAbortedError,
  RequestTimeoutError,
  SDKValidationError,
  UnexpectedClientError,
} from "../src/models/errors/index.ts";
import { ANSWER, collectGarbage, core, errorOf, KEY, PNG, successOf } from "./support/calls.ts";
import { isSettled, manualClock } from "./support/manual-clock.ts";
import { json, serve, serveRaw } from "./support/server.ts";

const COMPLETED = { type: "image_generation.completed", b64_json: PNG, created_at: 5, usage: { total_tokens: 3 } };
const PARTIAL = { type: "image_generation.partial_image", b64_json: PNG, partial_image_index: 0, size: "8x8" };
const PROGRESS = { type: "image_generation.progress", step: 3, steps: 12, created_at: 5 };

const frame = (event: { type: string }, data: unknown = event) =>
  `event: ${event.type}\ndata: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`;

function open(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
}

/** A server that sends `text` as a stream and ends it. */
function streaming(t: Parameters<typeof serve>[0], text: string | Buffer) {
  return serve(t, (response) => {
    open(response);
    response.end(text);
  });
}

const start = (server: { url: string }, options?: StreamOptions, n?: number, clock?: Clock) =>
  imagesGenerateStream(core(server, {}, clock), n ? { prompt: "x", n } : { prompt: "x", partialImages: 2 }, options);

/** A stream that has begun: its first event was read. */
async function begin(server: { url: string }, options?: StreamOptions, clock?: Clock) {
  const events = successOf(await start(server, options, undefined, clock))[Symbol.asyncIterator]();
  const { value } = await events.next();
  assert.equal(value?.type, PARTIAL.type);
  return events;
}

/** The types of the events that are still to come. */
async function rest(events: AsyncIterable<ImageStreamEvent>): Promise<string[]> {
  const types = [];
  for await (const { type } of events) types.push(type);
  return types;
}

async function collect(server: { url: string }, options?: StreamOptions, n?: number): Promise<ImageStreamEvent[]> {
  const events = [];
  for await (const event of successOf(await start(server, options, n))) events.push(event);
  return events;
}

test("K-058 progress, partial and completed come typed and in order", async (t) => {
  const text = `: keep-alive\n\n${frame(PROGRESS)}${frame(PARTIAL)}: again\n\n${frame(COMPLETED)}`;
  const server = await streaming(t, text);
  const events = await collect(server, { progress: true });
  assert.deepEqual(
    events.map((event) => ({ ...event })),
    [
      { type: "image_generation.progress", step: 3, steps: 12, createdAt: 5 },
      { type: "image_generation.partial_image", b64Json: PNG, partialImageIndex: 0, size: "8x8" },
      { type: "image_generation.completed", b64Json: PNG, createdAt: 5, usage: { totalTokens: 3 } },
    ],
  );
  const last = events[2];
  assert.ok(last?.type === "image_generation.completed");
  assert.equal((await last.bytes()).length, 70);
  assert.equal(last.mediaType, "image/png");
  const [seen] = server.seen;
  assert.deepEqual(JSON.parse(String(seen?.body)), { prompt: "x", partial_images: 2, stream: true });
  assert.equal(seen?.headers.accept, "text/event-stream; progress=1");
  assert.ok(seen?.headers["idempotency-key"]);
});

test("K-058 the class method can be iterated over at once, or awaited first", async (t) => {
  const server = await streaming(t, frame(COMPLETED));
  const sdk = new AtomaSDK({ serverURL: server.url });
  let count = 0;
  for await (const _ of sdk.images.generateStream({ prompt: "x" })) count++;
  for await (const _ of await sdk.images.generateStream({ prompt: "x" })) count++;
  assert.equal(count, 2);
  assert.equal(server.seen[0]?.headers.accept, "text/event-stream");
});

const VARIANTS: Record<string, string> = {
  "CRLF line ends": (frame(PARTIAL) + frame(COMPLETED)).replaceAll("\n", "\r\n"),
  "CR line ends": (frame(PARTIAL) + frame(COMPLETED)).replaceAll("\n", "\r"),
  "no event names": `data: ${JSON.stringify(PARTIAL)}\n\ndata:${JSON.stringify(COMPLETED)}\n\n`,
  "names only in the event line": `event: ${PARTIAL.type}\ndata: {"b64_json":"${PNG}"}\n\n${frame(COMPLETED)}`,
  "data on several lines": `${frame(PARTIAL)}data: {"type":"${COMPLETED.type}",\ndata: "b64_json":"${PNG}"}\n\n`,
  "a byte order mark, ids and retry fields": `\ufeffid: 1\nretry: 5\n${frame(PARTIAL)}id\n${frame(COMPLETED)}`,
  "no end to the last frame": (frame(PARTIAL) + frame(COMPLETED)).trimEnd(),
  "[DONE] at the end": `${frame(PARTIAL)}${frame(COMPLETED)}data: [DONE]\n\n`,
  "pings and unknown events": `event: ping\ndata: {}\n\nevent: ping\ndata: now\n\n${frame(PARTIAL)}${frame({ type: "image_generation.new" })}${frame(COMPLETED)}`,
};

for (const [name, text] of Object.entries(VARIANTS)) {
  test(`K-058 ${name}`, async (t) => {
    const events = await collect(await streaming(t, text));
    assert.deepEqual(
      events.map(({ type }) => type),
      [PARTIAL.type, COMPLETED.type],
    );
  });
}

test("K-058 the parser takes any cut between bytes, also inside of a character and of CRLF", () => {
  const bytes = Buffer.from(`event: a\r\ndata: "Kätzchen 🐈"\r\n\r\ndata: 1\rdata: 2\r\r: c\n\ndata: end\n\n`);
  const parse = (cuts: number[]) => {
    const parser = new SSEParser();
    const events = [];
    let from = 0;
    for (const to of [...cuts, bytes.length]) {
      events.push(...parser.push(bytes.subarray(from, to)));
      from = to;
    }
    return [...events, ...parser.end()].map(({ event, data }) => [event, data]);
  };
  const whole = parse([]);
  assert.deepEqual(whole, [
    ["a", '"Kätzchen 🐈"'],
    [undefined, "1\n2"],
    [undefined, "end"],
  ]);
  for (let at = 1; at < bytes.length; at++) {
    assert.deepEqual(parse([at]), whole, `cut at ${at}`);
    assert.deepEqual(parse([at, at]), whole, `an empty chunk at ${at}`);
  }
  assert.deepEqual(parse(Array.from({ length: bytes.length - 1 }, (_, i) => i + 1)), whole, "byte by byte");
});

test("a picture is taken out of an event only where it is the event's own", async (t) => {
  const type = COMPLETED.type;
  const events: [data: string, fields: object][] = [
    [`{"type": "${type}", "b64_json" : "${PNG}", "seed": 7}`, { seed: 7 }],
    [`{"type":"${type}","b64_json":"${PNG.replaceAll("i", "\\u0069")}"}`, {}],
    [`{"type":"${type}","meta":{"b64_json":"AAAA"},"b64_json":"${PNG}"}`, { meta: { b64_json: "AAAA" } }],
    [`{"type":"${type}","b64_json":"AAAA","b64_json":"${PNG}"}`, {}],
    [`{"type":"${type}","\\"b64_json":"AAAA","b64_json":"${PNG}"}`, { '"b64_json': "AAAA" }],
    [`{"type":"${type}","revised_prompt":"\\"b64_json\\":\\"","b64_json":"${PNG}"}`, { revisedPrompt: '"b64_json":"' }],
  ];
  const server = await streaming(t, events.map(([data]) => `data: ${data}\n\n`).join(""));
  const got = await collect(server, undefined, events.length);
  assert.deepEqual(
    got.map((event) => ({ ...event })),
    events.map(([, fields]) => ({ type, b64Json: PNG, ...fields })),
  );
});

test("K-058 an event of 24 MB", async (t) => {
  const b64 = "A".repeat(24 * 1024 * 1024);
  const server = await streaming(t, frame(COMPLETED, { ...COMPLETED, b64_json: b64 }));
  const [event] = await collect(server);
  assert.ok(event?.type === "image_generation.completed");
  assert.equal(event.b64Json?.length, b64.length);
});

test("K-059 an error event, or an error in the data, is an APIError with its code", async (t) => {
  const body = { type: "error", error: { type: "server_error", code: "node_bad_response", message: `no ${KEY}` } };
  for (const text of [
    frame({ type: "error" }, body),
    `data: ${JSON.stringify(body)}\n\n`,
    `data: ${JSON.stringify({ error: body.error })}\n\n`,
  ]) {
    const server = await streaming(t, frame(PARTIAL) + text);
    const seen: string[] = [];
    await assert.rejects(
      async () => {
        for await (const { type } of successOf(await start(server))) seen.push(type);
      },
      (error) => {
        assert.ok(error instanceof APIError);
        assert.deepEqual([error.code, error.type, error.attempts], ["node_bad_response", "server_error", 1]);
        assert.ok(!error.message.includes(KEY));
        assert.ok(error.idempotencyKey);
        return true;
      },
    );
    assert.deepEqual(seen, [PARTIAL.type]);
  }
  const named = await serve(t, (response) => {
    response.writeHead(200, { "content-type": "text/event-stream", "x-request-id": "req_7" });
    response.end(frame(PARTIAL));
  });
  await assert.rejects(collect(named), { name: "ConnectionError", message: /0 of 1 pictures \(request req_7\)$/ });
  const plain = await streaming(t, "event: error\ndata: out of cheese\n\n");
  await assert.rejects(collect(plain), (error) => error instanceof APIError && /cheese/.test(error.message));
});

test("K-059 a stream that ends before its last picture is an error, however it ends", async (t) => {
  const early = /ended before completion/;
  for (const text of [frame(PARTIAL), "", frame(PARTIAL) + frame(COMPLETED).slice(0, 90), "data: [DONE]\n\n"]) {
    const error = await collect(await streaming(t, text)).catch((caught) => caught);
    assert.ok(error instanceof ConnectionError);
    assert.match(error.message, early);
  }
  const one = await streaming(t, frame(COMPLETED));
  await assert.rejects(collect(one, undefined, 2), /after 1 of 2 pictures/);
  const both = await streaming(t, frame(COMPLETED) + frame(COMPLETED));
  assert.equal((await collect(both, undefined, 2)).length, 2);
  const cut = await serveRaw(t, (socket) => {
    const text = frame(PARTIAL);
    socket.end(`HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 9999\r\n\r\n${text}`);
  });
  await assert.rejects(collect(cut), ConnectionError);
});

test("K-059 data that is not JSON, or has no picture, is a validation error", async (t) => {
  for (const data of ["{not json", { type: COMPLETED.type }, { type: COMPLETED.type, b64_json: "" }]) {
    await assert.rejects(collect(await streaming(t, frame(COMPLETED, data))), SDKValidationError);
  }
});

test("a preview without a picture, or an event without data, takes no picture away", async (t) => {
  const previews = [{}, { b64_json: null }, { b64_json: "" }, { b64_json: 5 }];
  const text = previews.map((fields) => frame(PARTIAL, { type: PARTIAL.type, ...fields })).join("");
  const server = await streaming(t, `data:\n\ndata\n\n${text}data: null\n\ndata: []\n\ndata: 5\n\n${frame(COMPLETED)}`);
  assert.deepEqual(
    (await collect(server)).map(({ type }) => type),
    [COMPLETED.type],
  );
});

test("K-059 a server that answers with JSON: its pictures are completed events, its errors errors", async (t) => {
  const bodies: unknown[] = [{ ...ANSWER, output_format: "png" }, { error: { code: "busy", message: "no" } }, {}];
  const server = await serve(t, (response, _seen, i) => json(response, bodies[i]));
  const [event] = await collect(server);
  assert.ok(event?.type === "image_generation.completed");
  assert.deepEqual([event.b64Json, event.outputFormat, event.createdAt], [PNG, "png", ANSWER.created]);
  assert.equal(errorOf(await start(server), APIError).code, "busy");
  errorOf(await start(server), SDKValidationError);
  const html = await serve(t, (response) => response.setHeader("content-type", "text/html").end("<p>hi"));
  errorOf(await start(html), APIError);
});

test("K-059 a refusal before the first event is an error of the call, retried like any other", async (t) => {
  const server = await serve(t, (response, _seen, i) => {
    if (i === 0) return json(response, {}, 503, { "retry-after-ms": "1" });
    if (i === 1) return json(response, { error: { code: "bad", message: "no" } }, 400);
    open(response);
    response.end(frame(COMPLETED));
  });
  assert.equal(errorOf(await start(server), APIError).statusCode, 400);
  assert.equal((await collect(server)).length, 1);
});

/** A server that sends a partial picture, and then what the test does. */
async function stall(t: Parameters<typeof serve>[0]) {
  const answers: ServerResponse[] = [];
  const server = await serve(t, (response) => {
    answers.push(response);
    open(response);
    response.write(frame(PARTIAL));
  });
  return { ...server, answers };
}

test("K-060 leaving the loop closes the connection", { timeout: 10_000 }, async (t) => {
  const server = await stall(t);
  for await (const _ of successOf(await start(server))) break;
  await server.seen[0]?.closed;
});

test("K-060 cancel() closes the connection, before and during the loop", { timeout: 10_000 }, async (t) => {
  const server = await stall(t);
  await successOf(await start(server)).cancel();
  await server.seen[0]?.closed;
  const stream = successOf(await start(server));
  const loop = (async () => {
    for await (const _ of stream) setImmediate(() => void stream.cancel());
  })();
  await assert.rejects(loop, RequestAbortedError);
  await server.seen[1]?.closed;
});

test("K-060 an abort ends the loop with its reason", { timeout: 10_000 }, async (t) => {
  const server = await stall(t);
  const controller = new AbortController();
  const reason = new Error("enough");
  const error = await (async () => {
    for await (const _ of successOf(await start(server, { signal: controller.signal }))) controller.abort(reason);
  })().catch((caught) => caught);
  assert.ok(error instanceof RequestAbortedError);
  assert.equal(error.cause, reason);
  await server.seen[0]?.closed;
});

for (const options of [{ timeoutMs: 500 }, { idleTimeoutMs: 500 }]) {
  const [name] = Object.keys(options);
  test(`K-060 a stream that stalls ends by ${name}, also after a garbage collection`, async (t) => {
    const server = await stall(t);
    const clock = manualClock();
    const events = await begin(server, options, clock);
    const next = events.next();
    next.catch(() => {}); // handled below
    await clock.timer(500);
    collectGarbage();
    clock.advance(499);
    assert.equal(await isSettled(next), false);
    clock.advance(1);
    await assert.rejects(next, RequestTimeoutError);
    await server.seen[0]?.closed;
    assert.deepEqual(clock.waiting(), []);
  });
}

test("K-060 an idle timeout of 0, or of what is no length of time, is none", async (t) => {
  const server = await stall(t);
  for (const idleTimeoutMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, 2 ** 40]) {
    const clock = manualClock();
    const events = await begin(server, { idleTimeoutMs }, clock);
    const others = rest(events);
    assert.deepEqual(clock.waiting(), []);
    server.answers.at(-1)?.end(frame(COMPLETED));
    assert.deepEqual(await others, [COMPLETED.type]);
  }
});

test("K-060 comments keep an idle stream alive", async (t) => {
  const server = await stall(t);
  const clock = manualClock();
  const others = rest(await begin(server, { idleTimeoutMs: 1000 }, clock));
  await clock.timer(1000);
  for (let i = 0; i < 6; i++) {
    clock.advance(900);
    const heard = clock.nextTimer(1000);
    server.answers[0]?.write(": keep-alive\n\n");
    await heard;
  }
  server.answers[0]?.end(frame(COMPLETED));
  assert.deepEqual(await others, [COMPLETED.type]);
});

test("attemptTimeoutMs ends with the headers of a stream", async (t) => {
  const server = await stall(t);
  const clock = manualClock();
  const events = await begin(server, { attemptTimeoutMs: 400 }, clock);
  clock.advance(60_000);
  server.answers[0]?.end(frame(COMPLETED));
  assert.deepEqual(await rest(events), [COMPLETED.type]);
});

test("a server that forgets to end a stream whose pictures are all here holds nobody up", async (t) => {
  const server = await stall(t);
  const clock = manualClock();
  const others = rest(await begin(server, {}, clock));
  server.answers[0]?.write(frame(COMPLETED));
  await clock.timer(1000);
  clock.advance(1000);
  assert.deepEqual(await others, [COMPLETED.type]);
  await server.seen[0]?.closed;
});

test("a stream is iterated over once, and an event has a limit", async (t) => {
  const server = await streaming(t, frame(COMPLETED));
  const stream = successOf(await start(server));
  for await (const _ of stream);
  assert.throws(() => stream[Symbol.asyncIterator](), InvalidRequestError);
  const large = await streaming(t, `: ${"x".repeat(500_000)}\n\n${frame(PARTIAL, "x".repeat(500_000))}`);
  await assert.rejects(collect(large, { maxResponseBytes: 100_000 }), UnexpectedClientError);
});

test("an iterator that is returned before its first next closes the connection", async (t) => {
  const server = await serve(t, (response) => {
    open(response);
    response.write(frame(PARTIAL)); // and then nothing more
  });
  const stream = successOf(await start(server));
  const events = stream[Symbol.asyncIterator]();
  assert.deepEqual(await events.return(), { value: undefined, done: true });
  await server.seen[0]?.closed;
  assert.deepEqual(await events.next(), { value: undefined, done: true });

  const sdk = new AtomaSDK({ serverURL: server.url });
  const promised = sdk.images.generateStream({ prompt: "x" })[Symbol.asyncIterator]();
  assert.deepEqual(await promised.return(), { value: undefined, done: true });
  await server.seen[1]?.closed;
  assert.equal(server.seen.length, 2);
});

test("an iterator that is returned while it waits for an event ends the wait", async (t) => {
  const server = await serve(t, (response) => {
    open(response);
    response.write(frame(PARTIAL)); // and then nothing more
  });
  const events = successOf(await start(server))[Symbol.asyncIterator]();
  assert.equal((await events.next()).done, false);
  const waiting = events.next();
  const ended = events.return();
  await assert.rejects(waiting, RequestAbortedError);
  assert.equal((await ended).done, true);
  await server.seen[0]?.closed;
});

test("returning before the first next from a call that failed is quiet, and from an answer in JSON too", async (t) => {
  const server = await serve(t, (response, _seen, i) => json(response, i ? ANSWER : {}, i ? 200 : 400));
  const sdk = new AtomaSDK({ serverURL: server.url });
  for (let i = 0; i < 2; i++) {
    const events = sdk.images.generateStream({ prompt: "x" })[Symbol.asyncIterator]();
    assert.equal((await events.return()).done, true);
  }
  assert.equal(server.seen.length, 2);
});
