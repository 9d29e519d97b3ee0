import assert from "node:assert/strict";
import { test } from "node:test";
import { readUsage } from "../src/dialects/usage.ts";

const details = { text_tokens: 3, image_tokens: 0 };
const usage = { total_tokens: 19, input_tokens: 3, output_tokens: 16, input_tokens_details: details };

test("S-023 S-087 of a foreign usage only OpenAI's counts are taken", () => {
  assert.deepEqual(readUsage(usage), usage);
  assert.deepEqual(readUsage({ ...usage, cost: 0.01, prompt: "a secret otter" }), usage);
  assert.deepEqual(readUsage({ ...usage, input_tokens_details: { ...details, cached: "no" } }), usage);
  const output = { text_tokens: 0, image_tokens: 16 };
  assert.deepEqual(readUsage({ ...usage, output_tokens_details: output }), { ...usage, output_tokens_details: output });
});

test("S-023 S-087 a usage that is none, or does not add up, is left out", () => {
  for (const wrong of [
    undefined,
    null,
    5,
    [],
    {},
    { ...usage, total_tokens: 20 },
    { ...usage, input_tokens: -1, total_tokens: 15 },
    { ...usage, output_tokens: "16" },
    { ...usage, input_tokens_details: null },
    { ...usage, input_tokens_details: { text_tokens: 1.5, image_tokens: 0 } },
  ]) {
    assert.equal(readUsage(wrong), undefined, JSON.stringify(wrong));
  }
  assert.deepEqual(readUsage({ ...usage, output_tokens_details: null }), usage);
});
