import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { Client } from "undici";
import { connectionLost, neverConnected } from "../src/upstream/connection-errors.ts";

// Real failures: which of them leave no doubt that nothing has begun.
async function failureOf(scheme: string, host: string, onSocket?: (socket: Socket) => void): Promise<unknown> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    onSocket?.(socket);
  });
  server.listen(0, "localhost");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo; // listening on TCP
  const close = async () => {
    server.close();
    await once(server, "close");
  };
  if (!onSocket) await close();
  const client = new Client(`${scheme}://${host}:${port}`);
  try {
    await client.request({ method: "POST", path: "/", body: "job" });
    return assert.fail("answered");
  } catch (error) {
    return error;
  } finally {
    await client.destroy();
    if (onSocket) await close();
  }
}

test("no connection: certainly nothing has begun, however many addresses a name has", async () => {
  for (const host of ["127.0.0.1", "localhost"]) assert.ok(neverConnected(await failureOf("http", host)), host);
  const timeout = Object.assign(new Error("connect ETIMEDOUT ::1:80"), { code: "ETIMEDOUT", syscall: "connect" });
  const refused = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED", syscall: "connect" });
  assert.ok(neverConnected(timeout));
  assert.ok(neverConnected(Object.assign(new AggregateError([timeout, refused]), { code: "ETIMEDOUT" })));
  assert.ok(!neverConnected(new AggregateError([])));
});

test("a connection that is closed before it is secure: nothing was sent", async () => {
  assert.ok(neverConnected(await failureOf("https", "localhost", (socket) => socket.destroy())));
});

test("a connection that breaks when the request is there: nobody knows", async () => {
  const ends: ((socket: Socket) => void)[] = [(socket) => socket.resetAndDestroy(), (socket) => socket.end()];
  for (const end of ends) {
    const error = await failureOf("http", "localhost", (socket) => socket.once("data", () => end(socket)));
    assert.ok(connectionLost(error) && !neverConnected(error), String(error));
  }
});
