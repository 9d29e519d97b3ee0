import assert from "node:assert/strict";
import { it } from "node:test";
import { keyIdFrom, parseKey, verifySecret } from "../../src/index.ts";
import type { World } from "../support/world.ts";

export function keyTests(world: () => World): void {
  it("creates a key, shows it once and keeps only its hash", async () => {
    const { a, b, customer, clock, database } = world();
    const { accountId } = await customer(0);
    const { key, record } = await a.createKey({ accountId, name: "laptop", allowedModels: ["tiny"], actor: "ops" });
    const parsed = parseKey(key) ?? assert.fail("not a key");
    assert.equal(parsed.keyId, record.id);
    const found = (await b.findKey(parsed.keyId)) ?? assert.fail("not found");
    assert.deepEqual(Buffer.from(found.secretHash), Buffer.from(record.secretHash));
    assert(verifySecret(parsed.secret, found.secretHash));
    assert(!verifySecret(`${parsed.secret.slice(0, -1)}_`, found.secretHash));
    assert.equal(found.lastFour, parsed.secret.slice(-4));
    assert.deepEqual([found.name, found.accountId, found.createdAt], ["laptop", accountId, clock.now]);
    assert.deepEqual([found.expiresAt, found.disabledAt, found.revokedAt, found.lastUsedAt], [null, null, null, null]);
    assert.deepEqual(found.allowedModels, ["tiny"]);
    const stored = JSON.stringify(await database.rows(`SELECT * FROM keys WHERE id = '${record.id}'`));
    const logged = JSON.stringify(await a.listAudit({ limit: 5 }));
    assert(!stored.includes(parsed.secret) && !logged.includes(parsed.secret));
    assert.equal(await a.findKey(keyIdFrom("00000000000000")), undefined);
  });

  it("refuses a key that is unknown, another account's, expired, disabled or revoked", async () => {
    const { a, b, customer, request, clock } = world();
    const someone = await customer(1_000, { expiresAt: clock.now + 1_000 });
    const stranger = await customer(1_000);
    const outcome = async (of: typeof someone) => (await b.reserve(request(of))).outcome;
    assert.equal(await outcome({ ...someone, keyId: keyIdFrom("00000000000000") }), "key_invalid");
    assert.equal(await outcome({ ...someone, keyId: stranger.keyId }), "key_invalid");
    clock.now += 999;
    assert.equal(await outcome(someone), "held");
    clock.now += 1;
    assert.equal(await outcome(someone), "key_invalid");
    await a.updateKey(someone.keyId, { expiresAt: null });
    assert.equal(await outcome(someone), "held");
    assert.equal((await a.disableKey(someone.keyId)).disabledAt, clock.now);
    assert.equal(await outcome(someone), "key_invalid");
    assert.equal((await a.enableKey(someone.keyId)).disabledAt, null);
    assert.equal(await outcome(someone), "held");
    assert.equal((await a.revokeKey(someone.keyId)).revokedAt, clock.now);
    await a.enableKey(someone.keyId);
    assert.equal(await outcome(someone), "key_invalid");
  });

  it("allows the key's models only", async () => {
    const { a, customer, request } = world();
    const someone = await customer(1_000, { allowedModels: ["tiny", "org/large"] });
    const outcome = async (model: string) => (await a.reserve(request(someone, { model }))).outcome;
    assert.deepEqual(await Promise.all(["tiny", "org/large", "other", "tin"].map(outcome)), [
      "held",
      "held",
      "model_not_allowed",
      "model_not_allowed",
    ]);
    await a.updateKey(someone.keyId, { allowedModels: [] });
    assert.equal(await outcome("tiny"), "model_not_allowed");
    await a.updateKey(someone.keyId, { allowedModels: null });
    assert.equal(await outcome("other"), "held");
  });

  it("keeps what a key's answers carry where a request does not say", async () => {
    const { a, b, customer } = world();
    const { accountId } = await customer(0);
    const { record } = await a.createKey({ accountId, name: "phone", responseFormat: "url" });
    assert.equal(record.responseFormat, "url");
    assert.equal((await a.createKey({ accountId, name: "plain" })).record.responseFormat, null);
    assert.equal((await b.updateKey(record.id, { name: "tablet" })).responseFormat, "url");
    assert.equal((await b.updateKey(record.id, { responseFormat: "both" })).responseFormat, "both");
    assert.equal((await a.findKey(record.id))?.responseFormat, "both");
    assert.equal((await b.updateKey(record.id, { responseFormat: null })).responseFormat, null);
    // What JavaScript callers may pass in spite of the types.
    const wrong = "jpeg" as "url";
    await assert.rejects(a.updateKey(record.id, { responseFormat: wrong }), { code: "invalid_argument" });
  });

  it("writes down when keys were used, together, in the sweep", async () => {
    const { a, b, customer, clock } = world();
    const [one, two] = [await customer(0), await customer(0)];
    a.touchKey(one.keyId);
    clock.now += 5;
    a.touchKey(one.keyId);
    a.touchKey(two.keyId);
    const usedAt = clock.now;
    assert.equal((await b.findKey(one.keyId))?.lastUsedAt, null);
    clock.now += 100;
    await a.sweep();
    assert.equal((await b.findKey(one.keyId))?.lastUsedAt, usedAt);
    assert.equal((await b.findKey(two.keyId))?.lastUsedAt, usedAt);
  });

  it("lists the keys of an account in the order they were created", async () => {
    const { a, customer, clock } = world();
    const { accountId, keyId } = await customer(0);
    const ids = [keyId];
    for (let index = 0; index < 3; index++) {
      clock.now += 1;
      ids.push((await a.createKey({ accountId, name: `key ${index}` })).record.id);
    }
    assert.deepEqual(
      (await a.listKeys({ accountId })).map(({ id }) => id),
      ids,
    );
    assert.deepEqual(
      (await a.listKeys({ accountId, after: ids[0], limit: 2 })).map(({ id }) => id),
      ids.slice(1, 3),
    );
    assert.equal((await a.listKeys({ limit: 2 })).length, 2);
  });

  it("says which key or account is missing", async () => {
    const { a, customer } = world();
    const { accountId } = await customer(0);
    const nobody = keyIdFrom("00000000000000");
    await assert.rejects(a.revokeKey(nobody), { name: "LedgerInputError", code: "key_not_found" });
    await assert.rejects(a.updateKey(nobody, { name: "x" }), { code: "key_not_found" });
    await assert.rejects(a.createKey({ accountId, name: "" }), { code: "invalid_argument" });
    await assert.rejects(a.createKey({ accountId, name: "n", limits: { requestsPerMinute: -1 } }), {
      code: "invalid_argument",
    });
  });
}
