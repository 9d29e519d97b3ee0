import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { systemClock } from "../src/lib/clock.ts";
import { NO_TYPESCRIPT } from "./support/calls.ts";

const SRC = fileURLToPath(new URL("../src", import.meta.url));

test("no file but clock.ts reads the platform's clock or starts one of its timers", { skip: NO_TYPESCRIPT }, () => {
  const files = globSync("**/*.ts", { cwd: SRC }).filter((file) => file !== join("lib", "clock.ts"));
  assert.ok(files.length > 50);
  for (const file of files) {
    const text = readFileSync(join(SRC, file), "utf8").replaceAll(/^\s*(\/\/|\/?\*).*$/gm, ""); // without comments
    assert.doesNotMatch(
      text,
      /(?<!clock\.)\b(set|clear)(Timeout|Interval)\(|Date\.now|performance\.|AbortSignal\.timeout/,
    );
  }
});

test("the clock of the platform tells the time since the epoch and never goes back", () => {
  assert.ok(Math.abs(systemClock.now() - Date.now()) < 60_000);
  const first = systemClock.now();
  assert.ok(systemClock.now() >= first);
});
