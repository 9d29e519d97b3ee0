import assert from "node:assert/strict";
import { test } from "node:test";
import { parse, refusal } from "./support.ts";

/** [fields, code, param, message] */
type Row = [Record<string, unknown>, string | null, string | null, string];

function check(rows: Row[]): void {
  for (const [fields, code, param, message] of rows) {
    const error = refusal(fields);
    assert.deepEqual(
      { status: error.status, ...error.envelope().error },
      { status: code === "model_not_found" ? 404 : 400, message, type: "invalid_request_error", param, code },
    );
  }
}

const typeOf = (param: string, expected: string, got: string) =>
  `Invalid type for '${param}': expected ${expected}, but got ${got} instead.`;
const SIX = "'standard', 'hd', 'low', 'medium', 'high'";

test("S-030 S-031 n outside 1 to 10", () => {
  const below = (n: number) => `Invalid 'n': integer below minimum value. Expected a value >= 1, but got ${n} instead.`;
  check([
    [{ n: 0 }, "integer_below_min_value", "n", below(0)],
    [{ n: -1 }, "integer_below_min_value", "n", below(-1)],
    [
      { n: 11 },
      "integer_above_max_value",
      "n",
      "Invalid 'n': integer above maximum value. Expected a value <= 10, but got 11 instead.",
    ],
  ]);
});

test("S-032 S-034 n of another type or beyond any integer", () => {
  check([
    [{ n: 1.5 }, "invalid_type", "n", typeOf("n", "an integer", "a decimal number")],
    [{ n: "2" }, "invalid_type", "n", typeOf("n", "an integer", "a string")],
    [{ n: true }, "invalid_type", "n", typeOf("n", "an integer", "a boolean")],
    [{ n: [] }, "invalid_type", "n", typeOf("n", "an integer", "an array")],
    [{ n: {} }, "invalid_type", "n", typeOf("n", "an integer", "an object")],
  ]);
  assert.equal(refusal({ n: JSON.parse("1e400") }).code, "integer_above_max_value");
  assert.equal(refusal({ n: JSON.parse("-1e400") }).code, "integer_below_min_value");
  assert.equal(refusal({ n: JSON.parse("9007199254740993") }).code, "integer_above_max_value");
});

test("S-035 prompt absent, null, of another type, empty or too long", () => {
  check([
    [{ prompt: undefined }, "missing_required_parameter", "prompt", "Missing required parameter: 'prompt'."],
    [{ prompt: null }, "invalid_type", "prompt", typeOf("prompt", "a string", "null")],
    [{ prompt: 123 }, "invalid_type", "prompt", typeOf("prompt", "a string", "an integer")],
    [{ prompt: [] }, "invalid_type", "prompt", typeOf("prompt", "a string", "an array")],
    [
      { prompt: "" },
      "empty_string",
      "prompt",
      "Invalid 'prompt': empty string. Expected a string with minimum length 1, but got an empty string instead.",
    ],
    [
      { prompt: "x".repeat(101) },
      "string_above_max_length",
      "prompt",
      "Invalid 'prompt': string too long. Expected a string with maximum length 100, but got a string with length 101 instead.",
    ],
  ]);
});

test("S-017 S-018 a prompt of exactly the limit, counted in code points, and one of blanks pass", () => {
  assert.equal(parse({ model: "m", prompt: "🎨".repeat(100) }).prompt.length, 200);
  assert.equal(refusal({ prompt: "🎨".repeat(101) }).code, "string_above_max_length");
  assert.equal(parse({ model: "m", prompt: "   " }).prompt, "   ");
});

test("S-036 S-037 S-006 model absent, of another type, or unknown", () => {
  check([
    [{ model: null }, "invalid_type", "model", typeOf("model", "a string", "null")],
    [{ model: 1.5 }, "invalid_type", "model", typeOf("model", "a string", "a decimal number")],
    [{ model: true }, "invalid_type", "model", typeOf("model", "a string", "a boolean")],
    [{ model: {} }, "invalid_type", "model", typeOf("model", "a string", "an object")],
    [{ model: [] }, "invalid_type", "model", typeOf("model", "a string", "an array")],
    [{ model: "nope" }, "model_not_found", "model", "The model 'nope' does not exist."],
    [{ model: "" }, "model_not_found", "model", "The model '' does not exist."],
    [{ model: "  " }, "model_not_found", "model", "The model '  ' does not exist."],
  ]);
  assert.throws(() => parse({ prompt: "p" }), { code: "missing_required_parameter", param: "model" });
});

test("S-005 a default model serves a request that names none", () => {
  assert.equal(parse({ prompt: "p" }, { defaultModel: "alias" }).card.id, "m");
});

test("S-038 S-039 unknown fields are refused by name, prototype names too", () => {
  for (const key of ["bogus_field", "responseFormat", "input_fidelity", "mask", "images", "constructor", "toString"]) {
    check([[{ [key]: 1 }, "unknown_parameter", key, `Unknown parameter: '${key}'.`]]);
  }
  const polluted = JSON.parse('{"model":"m","prompt":"p","__proto__":{"polluted":true}}');
  assert.throws(() => parse(polluted), { code: "unknown_parameter", param: "__proto__" });
  assert.equal(Reflect.get({}, "polluted"), undefined);
});

test("D-5 the operator may have unknown fields ignored or forwarded", () => {
  const body = { model: "m", prompt: "p", bogus: { a: 1 } };
  assert.deepEqual(parse(body, { unknownFields: "ignore" }).extra, {});
  assert.deepEqual(parse(body, { unknownFields: "forward" }).extra, { bogus: { a: 1 } });
});

test("S-041 S-044 size of another type, or at odds with width and height", () => {
  check([
    [{ size: 1024 }, "invalid_type", "size", typeOf("size", "a string", "an integer")],
    [
      { model: "fixed", size: 1024 },
      "invalid_type",
      "size",
      typeOf("size", "one of '1024x1024', '1024x1536', '1536x1024', or 'auto'", "an integer"),
    ],
    [{ width: 640 }, "missing_required_parameter", "height", "Missing required parameter: 'height'."],
    [{ height: 640 }, "missing_required_parameter", "width", "Missing required parameter: 'width'."],
  ]);
  const conflict = refusal({ size: "512x512", width: 640, height: 384 });
  assert.equal(conflict.code, "invalid_value");
  assert.equal(conflict.param, "size");
});

test("S-016 width and height are a size, with or without one that agrees", () => {
  for (const size of [undefined, null, "auto", "640x384"]) {
    const job = parse({ model: "m", prompt: "p", width: 640, height: 384, size });
    assert.deepEqual([job.width, job.height], [640, 384]);
  }
});

test("S-045 S-046 S-048 S-051 closed sets list their values", () => {
  check([
    [
      { quality: "ultra" },
      "invalid_value",
      "quality",
      `Invalid value: 'ultra'. Supported values are: ${SIX}, and 'auto'.`,
    ],
    [{ quality: "" }, "invalid_value", "quality", `Invalid value: ''. Supported values are: ${SIX}, and 'auto'.`],
    [{ quality: 1 }, "invalid_type", "quality", typeOf("quality", `one of ${SIX}, or 'auto'`, "an integer")],
    [{ quality: {} }, "invalid_type", "quality", typeOf("quality", `one of ${SIX}, or 'auto'`, "an object")],
    [{ style: "x" }, "invalid_value", "style", "Invalid value: 'x'. Supported values are: 'vivid' and 'natural'."],
    [
      { response_format: "file" },
      "invalid_value",
      "response_format",
      "Invalid value: 'file'. Supported values are: 'url' and 'b64_json'.",
    ],
    [
      { response_format: 17 },
      "invalid_type",
      "response_format",
      typeOf("response_format", "one of 'url' or 'b64_json'", "an integer"),
    ],
    [
      { background: "bogus" },
      "invalid_value",
      "background",
      "Invalid value: 'bogus'. Supported values are: 'transparent', 'opaque', and 'auto'.",
    ],
    [
      { moderation: "bogus" },
      "invalid_value",
      "moderation",
      "Invalid value: 'bogus'. Supported values are: 'auto' and 'low'.",
    ],
  ]);
  for (const format of ["gif", "jpg", "PNG"]) {
    const message = `Invalid value: '${format}'. Supported values are: 'png', 'webp', and 'jpeg'.`;
    check([[{ output_format: format }, "invalid_value", "output_format", message]]);
  }
});

test("S-047 output_compression", () => {
  assert.equal(refusal({ output_compression: 101 }).code, "integer_above_max_value");
  assert.equal(refusal({ output_compression: -1 }).code, "integer_below_min_value");
  for (const value of [1.5, "50", ""]) assert.equal(refusal({ output_compression: value }).code, "invalid_type");
  assert.equal(refusal({ output_compression: 50 }).code, "invalid_png_output_compression");
  assert.equal(parse({ model: "m", prompt: "p", output_format: "jpeg", output_compression: 0 }).outputCompression, 0);
});

test("S-049 transparency needs a format and a model that have it", () => {
  assert.equal(
    refusal({ model: "alpha", background: "transparent", output_format: "jpeg" }).message,
    "Transparent background is not supported for JPEG output format",
  );
  assert.equal(
    refusal({ background: "transparent" }).message,
    "Transparent background is not supported for this model.",
  );
  assert.equal(parse({ model: "alpha", prompt: "p", background: "transparent" }).background, "transparent");
});

test("S-050 stream and partial_images", () => {
  check([
    [{ stream: "yes" }, "invalid_type", "stream", typeOf("stream", "a boolean", "a string")],
    [{ stream: 1 }, "invalid_type", "stream", typeOf("stream", "a boolean", "an integer")],
  ]);
  assert.equal(refusal({ partial_images: 4 }).code, "integer_above_max_value");
  assert.equal(refusal({ partial_images: -1 }).code, "integer_below_min_value");
  assert.equal(parse({ model: "m", prompt: "p", partial_images: 1, stream: false }).partialImages, 1);
});

test("S-052 S-053 seed, steps and guidance", () => {
  const rows: [Record<string, unknown>, string][] = [
    [{ seed: -1 }, "integer_below_min_value"],
    [{ seed: 2 ** 32 }, "integer_above_max_value"],
    [{ seed: 1.5 }, "invalid_type"],
    [{ seed: "7" }, "invalid_type"],
    [{ steps: 0 }, "integer_below_min_value"],
    [{ steps: 51 }, "integer_above_max_value"],
    [{ guidance_scale: -1 }, "decimal_below_min_value"],
    [{ guidance_scale: 21 }, "decimal_above_max_value"],
    [{ guidance_scale: "x" }, "invalid_type"],
    [{ guidance_scale: "NaN" }, "invalid_type"],
    [{ steps: 5, num_inference_steps: 6 }, "invalid_value"],
  ];
  for (const [fields, code] of rows) assert.equal(refusal(fields).code, code, JSON.stringify(fields));
  assert.equal(refusal({ steps: 5, num_inference_steps: 6 }).param, "num_inference_steps");
  assert.equal(parse({ model: "m", prompt: "p", num_inference_steps: 6 }).steps, 6);
});

test("S-054 of two faults the first in the documented order is told", () => {
  assert.equal(refusal({ model: "nope", bogus: 1 }).param, "model");
  assert.equal(refusal({ bogus: 1, prompt: "" }).param, "bogus");
  assert.equal(refusal({ prompt: "", n: 0 }).param, "prompt");
  assert.equal(refusal({ quality: "x", n: 0 }).param, "n");
  assert.equal(refusal({ quality: "x", size: "y" }).param, "size");
});

test("a field the model cannot honour is refused, never dropped", () => {
  for (const fields of [{ seed: 1 }, { negative_prompt: "x" }, { stream: true }]) {
    const [param] = Object.keys(fields);
    assert.equal(refusal({ model: "plain", ...fields }).param, param);
  }
});

test("S-008 null is the same as leaving a field out", () => {
  const names =
    "n size quality style response_format output_format output_compression background moderation stream partial_images user seed steps negative_prompt width height guidance_scale num_inference_steps";
  const nulls = Object.fromEntries(names.split(" ").map((name) => [name, null]));
  assert.deepEqual(parse({ model: "m", prompt: "p", ...nulls }), parse({ model: "m", prompt: "p" }));
});

test("S-004 every OpenAI field at once", () => {
  const job = parse({
    prompt: "A cute baby sea otter",
    background: "transparent",
    model: "alpha",
    moderation: "low",
    n: 1,
    output_compression: 100,
    output_format: "png",
    partial_images: 1,
    quality: "medium",
    response_format: "url",
    size: "auto",
    stream: false,
    style: "vivid",
    user: "user-1234",
  });
  assert.deepEqual([job.width, job.height, job.responseFormat, job.user], [512, 512, "url", "user-1234"]);
});

test("defaults come from the model card; standard, hd and auto are other names", () => {
  const steps = (quality: string | undefined) => parse({ model: "m", prompt: "p", quality }).steps;
  assert.deepEqual([undefined, "auto", "low", "standard", "hd", "high"].map(steps), [16, 16, 8, 16, 28, 28]);
  assert.equal(parse({ model: "m", prompt: "p", quality: "hd" }).quality, "high");
  assert.equal(parse({ model: "m", prompt: "p", quality: "hd", steps: 3 }).steps, 3);
});
