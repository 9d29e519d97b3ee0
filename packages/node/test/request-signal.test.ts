import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { test } from "node:test";
import { ApiError } from "@atoma/contract";
import { requestController } from "../src/http/request-signal.ts";
import { systemTimers } from "../src/timers.ts";
import { manualTimers } from "./manual-timers.ts";

/** Asks a server whose answers `answer` makes, and hands over how the caller fares. */
async function asked(
  answer: (response: ServerResponse) => void,
  caller: (url: string) => Promise<void>,
): Promise<void> {
  const server = createServer((_request, response) => answer(response)).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  try {
    await caller(`http://127.0.0.1:${address.port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const statusOf = ({ reason }: AbortSignal) => (reason instanceof ApiError ? reason.status : undefined);

test("a finished answer aborts nothing", async () => {
  const seen = Promise.withResolvers<AbortSignal>();
  await asked(
    (response) => {
      const { signal } = requestController(response, 60_000, systemTimers);
      response.once("close", () => seen.resolve(signal));
      response.end("ok");
    },
    async (url) => assert.equal(await (await fetch(url)).text(), "ok"),
  );
  assert.equal((await seen.promise).aborted, false);
});

test("a caller that leaves before the answer begins aborts with 499", async () => {
  const came = Promise.withResolvers<AbortSignal>();
  await asked(
    (response) => came.resolve(requestController(response, 60_000, systemTimers).signal),
    async (url) => {
      const leave = new AbortController();
      const request = fetch(url, { signal: leave.signal });
      const signal = await came.promise;
      leave.abort();
      await assert.rejects(request, { name: "AbortError" });
      if (!signal.aborted) await once(signal, "abort");
      assert.equal(statusOf(signal), 499);
    },
  );
});

test("the deadline aborts with 504, and an answer that still does not leave is cut", async () => {
  const timers = manualTimers();
  const came = Promise.withResolvers<AbortSignal>();
  await asked(
    (response) => {
      came.resolve(requestController(response, 10_000, timers, 5_000).signal);
      response.write("some, but never all");
    },
    async (url) => {
      const cut = assert.rejects((await fetch(url)).text());
      const signal = await came.promise;
      await timers.advance(9_999);
      assert.equal(signal.aborted, false);
      await timers.advance(1);
      assert.equal(statusOf(signal), 504);
      await timers.advance(5_000);
      await cut;
    },
  );
});
