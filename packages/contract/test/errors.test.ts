import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError, errors, REFUSAL_CODES } from "../src/index.ts";

test("an envelope has exactly the four keys", () => {
  for (const error of [errors.missingKey(), errors.internal(), errors.invalidUrl("POST", "/v1/nope")]) {
    assert.deepEqual(Object.keys(error.envelope()), ["error"]);
    assert.deepEqual(Object.keys(error.envelope().error), ["message", "type", "param", "code"]);
  }
});

test("D-7 retry advice is whole seconds of at most 60 beside exact milliseconds", () => {
  assert.deepEqual(errors.overloaded(1200).headers, { "retry-after": "2", "retry-after-ms": "1200" });
  assert.deepEqual(errors.overloaded(1e9).headers, { "retry-after": "60", "retry-after-ms": "60000" });
  assert.deepEqual(errors.overloaded(0).headers, { "retry-after": "1", "retry-after-ms": "1" });
});

test("D-8 what a retry cannot mend says so", () => {
  assert.equal(errors.insufficientQuota().headers["x-should-retry"], "false");
  assert.equal(errors.generationTimeout().headers["x-should-retry"], "false");
});

test("the cause stays inside", () => {
  const error = errors.nodeUnreachable(new Error("connect ECONNREFUSED 10.0.0.7:4000"));
  assert.ok(error instanceof ApiError && error.cause instanceof Error);
  assert.doesNotMatch(JSON.stringify(error.envelope()), /10\.0\.0\.7/);
  assert.equal(error.status, 500);
  assert.equal(error.message, "Failed to connect to the node");
});

test("values that clients sent are cut before they are echoed", () => {
  assert.ok(errors.modelNotFound("x".repeat(10_000)).message.length < 300);
});

test("S-025 S-039 what is echoed is well-formed text, wherever it was cut", () => {
  for (const sent of ["\ud800", "\udfffx", `x${"🎨".repeat(200)}`]) {
    for (const error of [errors.modelNotFound(sent), errors.unknownParameter(sent), errors.invalidSize(sent, "")]) {
      const { message, param } = error.envelope().error;
      assert.ok(message.isWellFormed() && param?.isWellFormed());
    }
  }
});

test("a model that does not exist is answered with some of those that may be used, bounded in number and in length", () => {
  const message = (usable: readonly string[]) => errors.modelNotFound("x", usable).message;
  assert.equal(message([]), "The model 'x' does not exist.");
  assert.equal(message(["a"]), "The model 'x' does not exist. Models that you may use: 'a'.");
  const many = Array.from({ length: 12 }, (_, i) => `m${i}`);
  const ten = many
    .slice(0, 10)
    .map((name) => `'${name}'`)
    .join(", ");
  assert.equal(message(many), `The model 'x' does not exist. Some of the 12 models that you may use: ${ten}.`);
  assert.ok(message(many.map((name) => name.padEnd(200, "-"))).length < 700);
  assert.equal(message(["y".repeat(600)]), "The model 'x' does not exist.");
});

test("every code of a refused request that the catalogue makes is known, so that a node's own codes are told from ours", () => {
  const { modelNotFound: _, invalidUrl: __, ...rest } = errors; // 404, with arguments of other types
  const made = Object.values(rest).flatMap((make) => {
    // Any arguments do: only what the error says of itself is looked at.
    const error = (make as (...args: unknown[]) => ApiError)("x", "integer", [], []);
    return error.status === 400 && error.code !== null ? [error.code] : [];
  });
  for (const code of made) assert.ok(REFUSAL_CODES.has(code) || code === "moderation_blocked", code);
  assert.equal(errors.refusedByNode("internal_secret_7", "n").code, null);
  assert.equal(errors.refusedByNode("invalid_value", "n").code, "invalid_value");
});
