import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatSize, parseSize, type SizeRule, sizeViolation } from "../src/index.ts";

const range: SizeRule = {
  kind: "range",
  multiple: 16,
  maxEdge: 3840,
  minPixels: 65_536,
  maxPixels: 8_294_400,
  maxAspectRatio: 3,
};

test("S-040 nothing but WIDTHxHEIGHT is a size", () => {
  const wrong =
    "bogus|0x0||1024|1024x|x1024|1024X1024| 1024x1024|1024x1024 |1024x1024x1|1024*1024|1024×1024|+1024x1024|-1024x1024|1e3x1e3|1024.0x1024|01024x1024|1024x01024|１０２４x1024|1024xfoox1024|1024x1024\n|12345678901234567890x12345678901234567890|null";
  for (const text of wrong.split("|")) {
    assert.equal(parseSize(text), undefined, JSON.stringify(text));
    const error = sizeViolation(text, range);
    assert.equal(error?.message, `Invalid size '${text}'. Expected WIDTHxHEIGHT, for example '1824x1024'.`);
    assert.equal(error?.code, "invalid_value");
    assert.equal(error?.param, "size");
  }
});

test("a size survives formatting and parsing", () => {
  const side = fc.integer({ min: 1, max: 99_999 });
  fc.assert(
    fc.property(side, side, (width, height) => {
      assert.deepEqual(parseSize(formatSize({ width, height })), { width, height });
    }),
  );
});

test("whatever text parses is the text that formatting gives back", () => {
  const digits = fc.string({ unit: fc.constantFrom(..."0123456789xX+- .e"), maxLength: 12 });
  fc.assert(
    fc.property(fc.oneof(digits, fc.string()), (text) => {
      const size = parseSize(text);
      if (size) assert.equal(formatSize(size), text);
    }),
    { numRuns: 2000 },
  );
});

test("S-042 S-043 each limit of a range has its own message", () => {
  const message = (text: string) => sizeViolation(text, range)?.message;
  assert.equal(message("9x9"), "Invalid size '9x9'. Width and height must both be divisible by 16.");
  assert.equal(message("4096x4096"), "Invalid size '4096x4096'. The longest edge must be less than or equal to 3840.");
  assert.match(message("1600x512") ?? "", /ratio of the longer to the shorter edge must not exceed 3:1/);
  assert.equal(
    message("160x160"),
    "Invalid size '160x160'. Requested resolution is below the current minimum pixel budget.",
  );
  assert.match(message("3840x3840") ?? "", /above the current maximum pixel budget/);
  for (const good of ["256x256", "1024x1024", "512x768", "1536x512", "3840x2160"])
    assert.equal(message(good), undefined);
});

test("a model of fixed sizes lists them", () => {
  const error = sizeViolation("512x512", { kind: "fixed", values: ["1024x1024", "1024x1536", "1536x1024"] });
  assert.equal(
    error?.message,
    "Invalid value: '512x512'. Supported values are: '1024x1024', '1024x1536', '1536x1024', and 'auto'.",
  );
});
