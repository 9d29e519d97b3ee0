import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Usage, usageOfPicture } from "../src/index.ts";

const tokens = fc.record({ text_tokens: fc.nat(), image_tokens: fc.nat() });
const usages = fc.tuple(tokens, tokens, fc.boolean()).map(([input, output, detailed]): Usage => {
  const input_tokens = input.text_tokens + input.image_tokens;
  const output_tokens = output.text_tokens + output.image_tokens;
  return {
    total_tokens: input_tokens + output_tokens,
    input_tokens,
    output_tokens,
    input_tokens_details: input,
    ...(detailed && { output_tokens_details: output }),
  };
});

test("S-023 S-111 the shares of a request's pictures are usages, and add up to its usage", () => {
  fc.assert(
    fc.property(usages, fc.integer({ min: 1, max: 10 }), (usage, n) => {
      const shares = Array.from({ length: n }, (_, index) => usageOfPicture(usage, n, index));
      const sum = (of: (share: Usage) => number) => shares.reduce((total, share) => total + of(share), 0);
      assert.equal(
        sum((share) => share.total_tokens),
        usage.total_tokens,
      );
      assert.equal(
        sum((share) => share.input_tokens_details.image_tokens),
        usage.input_tokens_details.image_tokens,
      );
      assert.equal(
        sum((share) => share.output_tokens_details?.image_tokens ?? 0),
        usage.output_tokens_details?.image_tokens ?? 0,
      );
      for (const { total_tokens, input_tokens, output_tokens } of shares) {
        assert.ok([input_tokens, output_tokens].every((count) => Number.isSafeInteger(count) && count >= 0));
        assert.equal(total_tokens, input_tokens + output_tokens);
      }
    }),
  );
});

test("one picture's share is the whole", () => {
  const usage = {
    total_tokens: 5,
    input_tokens: 2,
    output_tokens: 3,
    input_tokens_details: { text_tokens: 2, image_tokens: 0 },
  };
  assert.deepEqual(usageOfPicture(usage, 1, 0), usage);
});
