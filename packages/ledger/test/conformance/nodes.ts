import assert from "node:assert/strict";
import { it } from "node:test";
import type { World } from "../support/world.ts";

export function nodeTests(world: () => World): void {
  const entry = async (name: string) => (await world().b.nodes.list()).find((node) => node.name === name);

  it("shares a node with everyone, once; what is removed is gone", async () => {
    const { a, b } = world();
    const models = '[{"id":"m"}]';
    const node = {
      name: "gpu-1",
      url: "http://10.0.0.1:8090",
      dialect: "sglang",
      token: "t",
      models,
      maxConcurrent: 3,
    };
    await a.nodes.add(node, { actor: "me" });
    const { createdAt, ...found } = (await entry("gpu-1")) ?? assert.fail("not there");
    assert.deepEqual(found, {
      ...node,
      url: "http://10.0.0.1:8090/",
      draining: false,
      leaving: false,
      joins: false,
      expiresAt: null,
    });
    assert.equal(createdAt, world().clock.now);
    await assert.rejects(b.nodes.add(node), { code: "node_exists" });
    const [audit] = await a.listAudit({ limit: 1 });
    assert.deepEqual([audit?.action, audit?.subject, audit?.actor], ["node.add", "gpu-1", "me"]);
    assert.ok(!JSON.stringify(audit).includes('"t"'), "no token in the audit log");
    await b.nodes.remove("gpu-1");
    assert.equal(await entry("gpu-1"), undefined);
    await assert.rejects(a.nodes.remove("gpu-1"), { code: "node_not_found" });
  });

  it("marks nodes, also those of a configuration file, and forgets empty marks", async () => {
    const { a } = world();
    await a.nodes.setDraining("from-a-file", true);
    assert.deepEqual([(await entry("from-a-file"))?.draining, (await entry("from-a-file"))?.url], [true, null]);
    await a.nodes.setDraining("from-a-file", false);
    assert.equal(await entry("from-a-file"), undefined);
    await a.nodes.setDraining("later", true);
    await a.nodes.add({ name: "later", url: "https://h:1", dialect: "atoma" });
    assert.deepEqual([(await entry("later"))?.draining, (await entry("later"))?.url], [true, "https://h:1/"]);
    await a.nodes.remove("later");
  });

  it("lets an expected node join with its own credential, and nobody else", async () => {
    const { a, b, clock } = world();
    const { token, node } = await a.nodes.expect("joiner");
    assert.deepEqual([node.joins, node.url, node.expiresAt], [true, null, null]);
    assert.match(token, /^atoma-join-[0-9a-f]{64}$/);
    const until = clock.now + 10_000;
    const beat = { url: "http://h:8090", token: "secret", leaving: false };
    assert.equal(await b.nodes.heartbeat(`${token.slice(0, -1)}x`, beat, until), undefined);
    const joined = await b.nodes.heartbeat(token, beat, until);
    assert.deepEqual(
      [joined?.name, joined?.url, joined?.token, joined?.expiresAt],
      ["joiner", "http://h:8090/", "secret", until],
    );
    await b.nodes.heartbeat(token, { ...beat, token: undefined, leaving: true }, until + 1);
    assert.deepEqual([(await entry("joiner"))?.leaving, (await entry("joiner"))?.token], [true, null]);
    await a.nodes.remove("joiner");
    assert.equal(
      await b.nodes.heartbeat(token, beat, until),
      undefined,
      "a removed node's credential is worth nothing",
    );
  });

  it("refuses what is no node", async () => {
    const { a } = world();
    const good = { name: "n", url: "http://h:1", dialect: "atoma" };
    const bad = [{ name: "" }, { name: "with space" }, { url: "ftp://h" }, { maxConcurrent: 0 }, { token: "a b" }];
    for (const wrong of bad) await assert.rejects(a.nodes.add({ ...good, ...wrong }), { name: "LedgerInputError" });
    assert.equal(await entry("n"), undefined);
  });
}
