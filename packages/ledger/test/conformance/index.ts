import { after, before, describe } from "node:test";
import { createWorld, type TestDatabase, type World } from "../support/world.ts";
import { accountTests } from "./accounts.ts";
import { activityTests } from "./activity.ts";
import { clockStepTests } from "./clock-steps.ts";
import { differentialTests } from "./differential.ts";
import { durabilityTests } from "./durability.ts";
import { holdTests } from "./holds.ts";
import { idempotencyTests } from "./idempotency.ts";
import { jobTests } from "./jobs.ts";
import { keyTests } from "./keys.ts";
import { limitTests } from "./limits.ts";
import { nodeTests } from "./nodes.ts";

/** Everything that a ledger promises, whatever it is kept in. */
export function conformance(name: string, start: () => Promise<TestDatabase>): void {
  describe(`the ledger on ${name}`, () => {
    let world: World | undefined;
    const current = (): World => {
      if (world === undefined) throw new Error("the world is not there yet");
      return world;
    };

    before(async () => {
      world = await createWorld(await start());
    });
    after(async () => {
      await world?.close();
      await world?.database.stop();
    });

    describe("holds", () => holdTests(current));
    describe("idempotency", () => idempotencyTests(current));
    describe("limits", () => limitTests(current));
    describe("keys", () => keyTests(current));
    describe("accounts", () => accountTests(current));
    describe("durability", () => durabilityTests(current));
    describe("decisions", () => differentialTests(current));
    describe("jobs", () => jobTests(current));
    describe("nodes", () => nodeTests(current));
    describe("activity", () => activityTests(current));
    describe("clock steps", () => clockStepTests(current));
  });
}
