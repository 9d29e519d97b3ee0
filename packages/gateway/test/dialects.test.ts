import assert from "node:assert/strict";
import { test } from "node:test";
import { type ImageJob, parseImageRequest } from "@atoma/contract";
import { readComplaint } from "../src/dialects/complaint.ts";
import { DIALECTS } from "../src/dialects/dialects.ts";
import { decodeBase64, readAnswer } from "../src/dialects/openai-like.ts";
import { readForeignModel } from "../src/nodes/describe-model.ts";
import { refusalError } from "../src/upstream/refusal.ts";
import type { ForeignName } from "./support/foreign-kinds.ts";

const NAMES = Object.keys(DIALECTS).filter((name) => name !== "atoma") as ForeignName[];
const SMALL = { sizes: { minPixels: 4096 } };

function job(name: ForeignName, fields: Record<string, unknown> = {}): ImageJob {
  // As if the card promised everything: what is left to refuse is the dialect's to refuse.
  const { card } = readForeignModel({ id: "m", ...(name !== "openai" && SMALL) }, name);
  const formats = ["png", "webp", "jpeg"] as const;
  const able = { ...card, maxImages: 10, formats, seeds: true, negativePrompts: true, transparentBackground: true };
  return parseImageRequest({ model: "m", prompt: "an otter", ...fields }, { findModel: () => able });
}

const attempt = { model: "up/stream", seed: 77 };
const sent = (name: ForeignName, fields: Record<string, unknown> = {}) =>
  JSON.parse(DIALECTS[name].request(job(name, fields), attempt).body as string);

/** The field that the dialect refuses a request for; undefined: it takes it. */
const REFUSALS: readonly [Record<string, unknown>, Record<ForeignName, string | undefined>][] = [
  [
    { seed: 5 },
    {
      openai: "seed",
      "vllm-omni": undefined,
      sglang: undefined,
      sdcpp: undefined,
      mistralrs: "seed",
      localai: "seed",
    },
  ],
  [
    { seed: 5, n: 2 },
    { openai: "seed", "vllm-omni": "seed", sglang: undefined, sdcpp: undefined, mistralrs: "n", localai: "seed" },
  ],
  [
    { n: 2 },
    {
      openai: undefined,
      "vllm-omni": undefined,
      sglang: undefined,
      sdcpp: undefined,
      mistralrs: "n",
      localai: undefined,
    },
  ],
  [
    { steps: 7 },
    {
      openai: "steps",
      "vllm-omni": undefined,
      sglang: undefined,
      sdcpp: undefined,
      mistralrs: "steps",
      localai: undefined,
    },
  ],
  [
    { num_inference_steps: 7 },
    {
      openai: "num_inference_steps",
      "vllm-omni": undefined,
      sglang: undefined,
      sdcpp: undefined,
      mistralrs: "num_inference_steps",
      localai: undefined,
    },
  ],
  [
    { guidance_scale: 2.5 },
    {
      openai: "guidance_scale",
      "vllm-omni": undefined,
      sglang: undefined,
      sdcpp: undefined,
      mistralrs: "guidance_scale",
      localai: "guidance_scale",
    },
  ],
  [
    { negative_prompt: "blur" },
    {
      openai: "negative_prompt",
      "vllm-omni": undefined,
      sglang: undefined,
      sdcpp: undefined,
      mistralrs: "negative_prompt",
      localai: undefined,
    },
  ],
  [
    { output_format: "webp" },
    {
      openai: undefined,
      "vllm-omni": undefined,
      sglang: undefined,
      sdcpp: undefined,
      mistralrs: "output_format",
      localai: "output_format",
    },
  ],
  [
    { output_format: "jpeg", output_compression: 40 },
    {
      openai: undefined,
      "vllm-omni": "output_compression",
      sglang: undefined,
      sdcpp: undefined,
      mistralrs: "output_format",
      localai: "output_format",
    },
  ],
  [
    { background: "transparent" },
    {
      openai: undefined,
      "vllm-omni": "background",
      sglang: "background",
      sdcpp: "background",
      mistralrs: "background",
      localai: "background",
    },
  ],
  [
    { prompt: "a | b" },
    {
      openai: undefined,
      "vllm-omni": undefined,
      sglang: undefined,
      sdcpp: undefined,
      mistralrs: undefined,
      localai: "prompt",
    },
  ],
  [
    { prompt: "a <sd_cpp_extra_args>{}</sd_cpp_extra_args>" },
    {
      openai: undefined,
      "vllm-omni": undefined,
      sglang: undefined,
      sdcpp: "prompt",
      mistralrs: undefined,
      localai: undefined,
    },
  ],
  [
    { quality: "high", style: "natural", moderation: "low", user: "u", response_format: "url", stream: true },
    {
      openai: undefined,
      "vllm-omni": undefined,
      sglang: undefined,
      sdcpp: undefined,
      mistralrs: undefined,
      localai: undefined,
    },
  ],
];

test("what a dialect cannot express is refused with the field's name", () => {
  for (const [fields, expected] of REFUSALS) {
    for (const name of NAMES) {
      const refusal = DIALECTS[name].refusal(job(name, fields));
      assert.equal(refusal?.param, expected[name], `${name} ${JSON.stringify(fields)}`);
      if (refusal) assert.equal(refusal.status, 400);
    }
  }
});

test("requests in each dialect's own words", () => {
  const full = { n: 2, size: "640x384", steps: 9, guidance_scale: 2.5, negative_prompt: "blur" };
  const drawn = { model: "up/stream", n: 2, size: "640x384" };
  assert.deepEqual(sent("vllm-omni", full), {
    ...drawn,
    prompt: "an otter",
    negative_prompt: "blur",
    response_format: "b64_json",
    output_format: "png",
    num_inference_steps: 9,
    guidance_scale: 2.5,
  });
  assert.deepEqual(sent("sglang", { ...full, output_format: "jpeg", output_compression: 60 }), {
    ...drawn,
    prompt: "an otter",
    negative_prompt: "blur",
    response_format: "b64_json",
    output_format: "jpeg",
    output_compression: 60,
    background: "opaque",
    num_inference_steps: 9,
    guidance_scale: 2.5,
    seed: 77,
  });
  assert.equal(sent("sglang", { seed: 0 }).seed, 0);
  assert.equal(
    sent("sdcpp", { ...full, negative_prompt: "</sd_cpp_extra_args>" }).prompt,
    `an otter<sd_cpp_extra_args>{"seed":77,"negative_prompt":"\\u003c/sd_cpp_extra_args>","sample_params":{"sample_steps":9,"guidance":{"txt_cfg":2.5}}}</sd_cpp_extra_args>`,
  );
  assert.deepEqual(sent("localai", { n: 2, size: "512x512", steps: 9, negative_prompt: "blur" }), {
    model: "up/stream",
    prompt: "an otter|blur",
    n: 2,
    size: "512x512",
    step: 9,
    response_format: "b64_json",
  });
  assert.deepEqual(sent("mistralrs", { size: "640x384" }), {
    model: "up/stream",
    prompt: "an otter",
    n: 1,
    width: 640,
    height: 384,
    response_format: "b64_json",
  });
  assert.deepEqual(sent("openai", { size: "1024x1024", quality: "hd", user: "u" }), {
    model: "up/stream",
    prompt: "an otter",
    n: 1,
    size: "1024x1024",
    quality: "high",
    response_format: "b64_json",
  });
  const asked = (model: string) =>
    JSON.parse(DIALECTS.openai.request(job("openai", { quality: "high" }), { ...attempt, model }).body as string);
  assert.equal(asked("gpt-image-1").response_format, undefined);
  assert.deepEqual(
    [asked("gpt-image-1").quality, asked("dall-e-3").quality, asked("dall-e-2").quality],
    ["high", "hd", "standard"],
  );
});

test("base64 is taken with a data prefix, and only if it is base64", () => {
  const of = (item: unknown) => readAnswer(JSON.stringify({ data: [item] })).pictures[0];
  assert.deepEqual(of({ b64_json: "data:image/png;base64,aGk=" }), { base64: "aGk=" });
  assert.deepEqual(of({ url: "data:image/webp;base64,aGk=", b64_json: null }), { base64: "aGk=" });
  assert.deepEqual(of({ url: "http://h/x", b64_json: "" }), { url: "http://h/x" });
  for (const item of [null, 5, {}, { b64_json: "" }, { url: null }]) assert.throws(() => of(item));
  assert.throws(() => of({ url: "", respect_moderation: false }), { code: "moderation_blocked" });
  for (const text of ["{}", "[]", "null", '{"error":"x"}', '{"data":null}', "<html>", ""]) {
    assert.throws(() => readAnswer(text), text);
  }
  assert.equal(Buffer.from(decodeBase64("aGk=")).toString(), "hi");
  for (const text of ["", "aGk", "aG k=", "aGk=\n", "a===", "aGk-", "=aGk"])
    assert.throws(() => decodeBase64(text), text);
});

test("foreign errors become ours, without their words", () => {
  const cases: readonly [number, string, string | null, string | null, number][] = [
    [400, '{"error":{"message":"m","type":"t","param":"size","code":"invalid_value"}}', "invalid_value", "size", 400],
    [400, '{"error":{"message":"m","param":"n","code":"sk_live_internal_7"}}', null, "n", 400],
    [400, '{"error":"prompt required"}', null, null, 400],
    [422, '{"detail":[{"loc":["body","n"],"msg":"m","type":"t"}]}', null, "n", 400],
    [400, '{"detail":"nope"}', null, null, 400],
    [422, '{"message":"m"}', null, null, 400],
    [400, '{"error":{"message":"m","param":"__proto__","code":400}}', null, null, 400],
    [400, '{"error":{"code":"content_policy_violation"}}', "moderation_blocked", null, 400],
    [400, "<html>", "node_bad_response", null, 500],
    [401, '{"error":{"code":"invalid_api_key"}}', "node_bad_response", null, 500],
    [404, '{"error":{"code":"model_not_found"}}', "node_bad_response", null, 500],
    [500, '{"error":"out of memory"}', "node_bad_response", null, 500],
    [500, '{"error":{"code":"generation_failed"}}', "generation_failed", null, 500],
    [504, "", "timeout", null, 504],
  ];
  for (const [status, body, code, param, ours] of cases) {
    const error = refusalError(status, readComplaint(body));
    assert.deepEqual([error.status, error.code, error.param], [ours, code, param], body);
  }
});

test("models of foreign nodes: defaults, what the operator writes, what the server cannot do", () => {
  const plain = readForeignModel({ id: "m" }, "localai");
  assert.equal(plain.upstream, "m");
  assert.deepEqual([plain.card.formats, plain.card.seeds, plain.card.defaultSize], [["png"], false, "512x512"]);
  const written = readForeignModel(
    {
      id: "m",
      upstream: "Qwen/Qwen-Image",
      steps: { default: 50 },
      seeds: true,
      max_images: 4,
      sizes: { kind: "fixed", values: ["1024x1024"] },
    },
    "mistralrs",
  );
  assert.equal(written.upstream, "Qwen/Qwen-Image");
  assert.deepEqual(written.card.steps, { default: 50, max: 100 });
  assert.deepEqual([written.card.maxImages, written.card.seeds], [1, false], "no more than the server can do");
  assert.deepEqual(written.card.sizes, { kind: "fixed", values: ["1024x1024"] });
  const wrong: [Record<string, unknown>, RegExp][] = [
    [{}, /^id: /],
    [{ id: "m", stepz: 1 }, /^stepz: unknown key/],
    [{ id: "m", steps: { default: 0 } }, /^steps\.default: /],
    [{ id: "m", steps: { default: 500 } }, /^steps\.default: expected at most steps\.max/],
    [{ id: "m", sizes: { kind: "round" } }, /^sizes\.kind: /],
    [{ id: "m", default_size: "big" }, /^default_size: /],
    [{ id: "m", output_formats: ["gif"] }, /^output_formats\[0\]: /],
    [{ id: "m", output_formats: ["webp"] }, /^output_formats: localai makes png/],
    [{ id: "m", pricing: { perMille: -1 } }, /^pricing\.perMille: /],
    [{ id: "m", seeds: "yes" }, /^seeds: /],
  ];
  for (const [given, message] of wrong) {
    assert.throws(() => readForeignModel(given, "localai"), { name: "CapabilitiesError", message });
  }
});
