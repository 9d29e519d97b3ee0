import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import type { LookupAddress } from "node:dns";
import { once } from "node:events";
import { createServer, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { type DueWebhook, jobIdFrom, jobIdOf, type NewJob, newHoldId, openLedger } from "@atoma/ledger";
import pino from "pino";
import { Webhook } from "standardwebhooks";
import { systemClock } from "../src/clock.ts";
import { retryAt, startDeliverer } from "../src/webhooks/deliver.ts";
import { isPublicAddress } from "../src/webhooks/public-address.ts";
import { openSender } from "../src/webhooks/sender.ts";
import { checkTarget, ForbiddenTarget, publicLookup } from "../src/webhooks/target.ts";
import { eventually, startWorld } from "./support/gateway.ts";
import { checkedFetch } from "./support/openapi.ts";

interface Received {
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** A real server that keeps what it gets and answers as it is told. */
async function startReceiver(answer: RequestListener = (_request, response) => void response.end()) {
  const received: Received[] = [];
  const receiver = { received, answer, connections: 0, closed: 0 };
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    received.push({ headers: request.headers as Record<string, string>, body });
    response.once("close", () => receiver.closed++);
    receiver.answer(request, response);
  });
  server.on("connection", () => receiver.connections++);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo; // listening on TCP
  return Object.assign(receiver, {
    url: `http://127.0.0.1:${port}/hook`,
    port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  });
}

const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;

function webhookTo(url: string): DueWebhook {
  return {
    jobId: jobIdFrom("gen_0000000000"),
    state: "succeeded",
    endedAt: 1_767_225_600_000,
    url,
    secret,
    attempt: 1,
  };
}

test("addresses that are not of the public internet", () => {
  const refused = `0.0.0.0 10.1.2.3 100.64.0.1 100.127.255.255 127.0.0.1 127.255.0.1 169.254.169.254 172.16.0.1 172.31.255.255
    192.0.0.8 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.255
    240.0.0.1 255.255.255.255 :: ::1 ::ffff:8.8.8.8 ::ffff:127.0.0.1 ::127.0.0.1 64:ff9b::8.8.8.8 64:ff9b:1::1 100::1
    2001::1 2001:10::1 2001:db8::1 2002:7f00:1:: 3fff::1 fc00::1 fd12::1 fe80::1 fe80::1%eth0 fec0::1 ff02::1
    4000::1 localhost 127.1 0x7f000001 2606:4700::1111%lo nonsense`;
  for (const address of [...refused.split(/\s+/), ""]) assert.equal(isPublicAddress(address), false, address);
  const allowed =
    "1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.1 172.15.0.1 172.32.0.1 223.255.255.255 2606:4700::1111 2a00:1450::1";
  for (const address of allowed.split(" ")) assert.equal(isPublicAddress(address), true, address);
});

test("URLs that are no target, however the address is written", () => {
  const refused = `http://example.com/ ftp://example.com/ nonsense https://user:pass@example.com/ https://127.0.0.1/ https://127.1/
    https://2130706433/ https://0x7f.1/ https://0177.0.0.1/ https://[::1]/ https://[::ffff:7f00:1]/ https://[fe80::1]/
    https://169.254.169.254/latest/meta-data https://10.0.0.1:8443/ https://①②⑦.0.0.1/`;
  for (const url of refused.split(/\s+/)) assert.throws(() => checkTarget(url, "public"), ForbiddenTarget, url);
  assert.throws(() => checkTarget(`https://example.com/${"x".repeat(2048)}`, "public"), ForbiddenTarget);
  assert.equal(checkTarget("https://example.com:8443/hook?a=1", "public").href, "https://example.com:8443/hook?a=1");
  assert.equal(checkTarget("http://10.0.0.1/hook", "any").hostname, "10.0.0.1");
  assert.throws(() => checkTarget("file:///etc/passwd", "any"), ForbiddenTarget);
});

test("a name is resolved once, refused for one bad address among good ones, and the checked addresses are used", async () => {
  const look = (addresses: LookupAddress[], all: boolean) => {
    let resolutions = 0;
    const lookup = publicLookup((_hostname, _options, done) => {
      resolutions++;
      done(null, addresses);
    });
    return new Promise<unknown>((resolve) => {
      lookup("example.com", { all }, (error, address, family) => {
        assert.equal(resolutions, 1);
        resolve(error ? error.name : [address, family]);
      });
    });
  };
  const good = { address: "1.1.1.1", family: 4 };
  const other = { address: "2606:4700::1111", family: 6 };
  assert.deepEqual(await look([good, other], true), [[good, other], undefined]);
  assert.deepEqual(await look([good, other], false), ["1.1.1.1", 4]);
  assert.equal(await look([good, { address: "::ffff:10.0.0.1", family: 6 }], true), "ForbiddenTarget");
  assert.equal(await look([{ address: "127.0.0.1", family: 4 }], false), "ForbiddenTarget");
  assert.equal(await look([], false), "Error");
});

test("with public targets nothing private is ever connected to", async () => {
  await using receiver = await startReceiver();
  const sender = openSender("public");
  for (const host of ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"]) {
    const delivery = await sender.send(webhookTo(`https://${host}:${receiver.port}/`), Date.now());
    assert.equal(delivery.outcome, "failed", host);
    assert.match("reason" in delivery ? delivery.reason : "", /public/, host);
  }
  assert.equal((await sender.send(webhookTo(receiver.url), Date.now())).outcome, "failed");
  assert.equal(receiver.connections, 0);
  await sender.close();
});

test("no redirect is followed; 410 ends it; a receiver that stalls, or never stops, holds nobody up", async () => {
  await using elsewhere = await startReceiver();
  await using receiver = await startReceiver();
  const sender = openSender("any", 300);
  const send = () => sender.send(webhookTo(receiver.url), Date.now());
  receiver.answer = (_request, response) => void response.writeHead(302, { location: elsewhere.url }).end();
  assert.deepEqual(await send(), { outcome: "failed", reason: "status 302" });
  assert.equal(elsewhere.connections, 0);
  receiver.answer = (_request, response) => void response.writeHead(410).end();
  assert.deepEqual(await send(), { outcome: "gone", reason: "status 410" });
  receiver.answer = () => {};
  assert.deepEqual(await send(), { outcome: "failed", reason: "TimeoutError" });
  receiver.closed = 0;
  receiver.answer = (_request, response) => {
    const pour = () => {
      while (response.write("x".repeat(65_536)));
    };
    response.on("drain", pour);
    pour();
  };
  assert.deepEqual(await send(), { outcome: "delivered" });
  await eventually(() => receiver.closed === 1);
  await sender.close();
});

test("an asynchronous generation tells its key's webhook, signed, without pictures or prompt", async () => {
  const adminKey = "sk-atoma-admin-test";
  await using receiver = await startReceiver();
  await using world = await startWorld({ adminKey, webhookTargets: "any" });
  const [record] = await world.ledger.listKeys({ accountId: world.accountId });
  const admin = async (method: string, body?: object) => {
    const response = await checkedFetch(`${world.gateway.url}/admin/v1/keys/${record?.id}/webhook`, {
      method,
      headers: { authorization: `Bearer ${adminKey}`, ...(body && { "content-type": "application/json" }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, json: text === "" ? undefined : JSON.parse(text) };
  };
  assert.equal((await admin("GET")).json.error.code, "webhook_not_found");
  assert.equal((await admin("PUT", { url: "ftp://example.com" })).json.error.param, "url");
  const { json: set } = await admin("PUT", { url: receiver.url });
  assert.deepEqual(Object.keys((await admin("GET")).json), ["url", "created_at"]);

  const accepted = await world.generate({}, { prefer: "respond-async" });
  await eventually(() => receiver.received.length === 1);
  world.node.behave = (_job, response) => void response.writeHead(500).end();
  const failing = await world.generate({}, { prefer: "respond-async" });
  await eventually(() => receiver.received.length === 2);
  const verified = receiver.received.map(({ headers, body }) => new Webhook(set.secret).verify(body, headers));
  const told = (id: string, status: string) => ({ id, object: "image.generation", status });
  assert.deepEqual(
    // biome-ignore lint/suspicious/noExplicitAny: asserted right here
    verified.map((event: any) => [event.type, event.data]),
    [
      ["image.generation.succeeded", told(accepted.json.id, "succeeded")],
      ["image.generation.failed", told(failing.json.id, "failed")],
    ],
  );
  const [first] = receiver.received;
  const other = new Webhook(secret);
  assert.throws(() => other.verify(first?.body ?? "", first?.headers ?? {}));
  assert.throws(() => new Webhook(set.secret).verify(`${first?.body} `, first?.headers ?? {}));
  const written = JSON.stringify(receiver.received) + world.log.join("");
  assert(!written.includes("otter") && !world.log.join("").includes(set.secret));
  assert.equal((await admin("DELETE")).status, 204);
  assert.equal((await admin("DELETE")).status, 404);
});

/** Accounts with keys whose jobs end, over a ledger in memory. */
async function startJobs(now: () => number) {
  const ledger = await openLedger("sqlite::memory:", { now });
  return {
    ledger,
    async key(url: string) {
      const { id: accountId } = await ledger.createAccount({ name: "a" });
      await ledger.grant(accountId, 1000, { reference: "r" });
      const { record } = await ledger.createKey({ accountId, name: "k" });
      const { secret } = await ledger.setWebhook(record.id, url);
      return { accountId, keyId: record.id, secret };
    },
    async endJob({ accountId, keyId }: Pick<NewJob, "accountId" | "keyId">) {
      const holdId = newHoldId(now(), randomBytes);
      const common = { holdId, accountId, keyId, requestId: "r", model: "m", deadline: now() + 60_000 };
      await ledger.reserve({ ...common, images: 1, units: 1, price: {} });
      await ledger.jobs.enqueue({ ...common, id: jobIdOf(holdId), request: "{}" }, 10);
      await ledger.jobs.claim("me", now() + 1000, 1);
      await ledger.jobs.end(jobIdOf(holdId), "me", { state: "cancelled" }, now() + 90_000_000);
    },
  };
}

test("receivers that hang, whoever they belong to, keep nobody else waiting, and get few deliveries at a time", async () => {
  const hung: ServerResponse[] = [];
  await using dead = await startReceiver((_request, response) => void hung.push(response));
  await using quick = await startReceiver();
  const jobs = await startJobs(Date.now);
  for (let key = 0; key < 3; key++) {
    const theirs = await jobs.key(dead.url);
    for (let job = 0; job < 10; job++) await jobs.endJob(theirs);
  }
  const ours = await jobs.key(quick.url);
  for (let job = 0; job < 25; job++) await jobs.endJob(ours);
  const log = pino({ level: "silent" });
  const deliverer = startDeliverer({ ledger: jobs.ledger, log, clock: systemClock }, openSender("any", 60_000));
  await eventually(() => quick.received.length === 25);
  assert.equal(dead.received.length, 4);
  // Each place that becomes free is taken again.
  for (let answered = 0; answered < 30; answered++) {
    await eventually(() => hung.length > answered);
    assert.ok(dead.received.length - answered <= 4, `${dead.received.length} with ${answered} answered`);
    hung[answered]?.end();
  }
  await deliverer.close();
  assert.deepEqual(await jobs.ledger.jobs.dueWebhooks(10, Date.now() + 90_000), []);
  const ids = new Set([...dead.received, ...quick.received].map(({ headers }) => headers["webhook-id"]));
  assert.equal(ids.size, 55, "each once");
  await jobs.ledger.close();
});

test("what is not delivered is tried again, later each time, across restarts, and in the end no more", async () => {
  await using receiver = await startReceiver((_request, response) => void response.writeHead(500).end());
  const clock = { now: Date.now() };
  const now = () => clock.now;
  const { ledger, ...jobs } = await startJobs(now);
  const { secret: ours, ...key } = await jobs.key(receiver.url);
  await jobs.endJob(key);

  for (let attempt = 1; attempt <= 7; attempt++) {
    // Each attempt by a gateway of its own, as if it had been started again.
    const log = pino({ level: "silent" });
    const deliverer = startDeliverer({ ledger, log, clock: { ...systemClock, now } }, openSender("any"));
    await eventually(() => receiver.received.length === attempt);
    await deliverer.close();
    const wait = (retryAt(attempt, 0, 0) ?? 0) - 1;
    clock.now += wait;
    assert.deepEqual(await ledger.jobs.dueWebhooks(10, clock.now), [], `too early after attempt ${attempt}`);
    // The longest that the jitter makes of it.
    clock.now += wait;
  }
  assert.deepEqual(await ledger.jobs.dueWebhooks(10, clock.now), []);
  const ids = new Set(receiver.received.map(({ headers }) => headers["webhook-id"]));
  assert.equal(ids.size, 1, "every attempt has the same id");
  // The clock of the last attempts is hours ahead, so the signature's own time is checked against the first one alone.
  const [first] = receiver.received;
  new Webhook(ours).verify(first?.body ?? "", first?.headers ?? {});
  assert.equal(retryAt(7, 0), null);
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6].map((attempt) => retryAt(attempt, 0, 0)),
    [5_000, 300_000, 1_800_000, 7_200_000, 18_000_000, 36_000_000],
  );
  await ledger.close();
});
