import { createHash } from "node:crypto";
import { checkInteger, checkName, checkText, checkTime, checkUrl, checkVisible } from "../arguments.ts";
import type { By } from "../by.ts";
import type { Engine } from "../engine.ts";
import type { RandomBytes } from "../ids.ts";
import { add, heartbeat, list, remove, setDraining } from "./node-statements.ts";
import type { Nodes } from "./nodes.ts";

const MAX_MODELS_JSON = 262_144;
const MAX_CONCURRENT = 10_000;

const checkNode = (name: string): string => checkVisible("the node's name", name, 64);
const checkToken = (token: string | undefined): string | undefined =>
  token === undefined ? undefined : checkVisible("the node's token", token, 512);
const actorOf = (by: By | undefined): string => checkName("actor", by?.actor ?? "system", 128);
// The token has 256 random bits: its hash needs no salt, and looking it up tells nothing.
const hashOf = (token: string) => createHash("sha256").update(token).digest();

/** Nodes over an engine: checked arguments in, one script each. */
export function openNodes(engine: Engine, now: () => number, randomBytes: RandomBytes): Nodes {
  return {
    list: async () => engine.read(list),
    async add(node, by) {
      const { maxConcurrent, models } = node;
      const row = {
        name: checkNode(node.name),
        url: checkUrl("the node's url", node.url),
        dialect: checkVisible("dialect", node.dialect, 32),
        token: checkToken(node.token),
        models: models === undefined ? undefined : checkText("models", models, MAX_MODELS_JSON),
        maxConcurrent:
          maxConcurrent === undefined ? undefined : checkInteger("maxConcurrent", maxConcurrent, 1, MAX_CONCURRENT),
        joinHash: null,
      };
      const actor = actorOf(by);
      return engine.transact(() => add(row, actor, now()));
    },
    async expect(name, by) {
      const token = `atoma-join-${Buffer.from(randomBytes(32)).toString("hex")}`;
      const row = { name: checkNode(name), url: null, dialect: "atoma", joinHash: hashOf(token) };
      const actor = actorOf(by);
      return { token, node: await engine.transact(() => add(row, actor, now())) };
    },
    async setDraining(name, draining, by) {
      const actor = actorOf(by);
      return engine.transact(() => setDraining(checkNode(name), draining, actor, now()));
    },
    async remove(name, by) {
      const actor = actorOf(by);
      return engine.transact(() => remove(checkNode(name), actor, now()));
    },
    async heartbeat(token, beat, expiresAt) {
      const checked = { ...beat, url: checkUrl("the node's url", beat.url), token: checkToken(beat.token) };
      checkTime("expiresAt", expiresAt);
      return engine.transact(() => heartbeat(hashOf(token), checked, expiresAt));
    },
  };
}
