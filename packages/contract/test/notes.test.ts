import assert from "node:assert/strict";
import { test } from "node:test";
import { fromModelObject, readCapabilities, readNotes, toModelObject } from "../src/index.ts";
import { card, parse, refusal } from "./support.ts";

test("notes of a node's answer are read field by field, within bounds", () => {
  const notes = { truncated_prompt: "and a fox", truncated_negative_prompt: "blur", unknown_words: ["zyx"] };
  assert.deepEqual(readNotes({ ...notes, more: 1 }), notes);
  assert.deepEqual(readNotes({ unknown_words: ["a", 5, "", "b"] }), { unknown_words: ["a", "b"] });
  assert.equal(readNotes({ unknown_words: Array(100).fill("w") })?.unknown_words?.length, 32);
  for (const nothing of [
    undefined,
    null,
    "text",
    [],
    {},
    { truncated_prompt: "" },
    { truncated_prompt: "x".repeat(64_001) },
  ]) {
    assert.equal(readNotes(nothing), undefined);
  }
});

test("a scheduler is one of the card's", () => {
  const options = { findModel: () => ({ ...card, schedulers: ["euler", "ddim"] }) };
  assert.equal(parse({ model: "m", prompt: "p", scheduler: "ddim" }, options).scheduler, "ddim");
  assert.equal(parse({ model: "m", prompt: "p", scheduler: null }, options).scheduler, undefined);
  const { message, code, param } = refusal({ scheduler: "heun" }, options);
  assert.deepEqual([code, param], ["invalid_value", "scheduler"]);
  assert.match(message, /'euler' and 'ddim'/);
  assert.equal(refusal({ scheduler: 5 }, options).code, "invalid_type");
  assert.equal(refusal({ scheduler: "euler" }).code, "unsupported_parameter", "a card without any allows none");
});

test("guidance goes no further than the card says", () => {
  const options = { findModel: () => ({ ...card, guidanceScale: { default: 1, max: 2.5 } }) };
  assert.equal(parse({ model: "m", prompt: "p", guidance_scale: 2.5 }, options).guidanceScale, 2.5);
  assert.equal(refusal({ guidance_scale: 2.6 }, options).code, "decimal_above_max_value");
  assert.equal(parse({ model: "m", prompt: "p", guidance_scale: 20 }).guidanceScale, 20);
});

test("limits, schedulers and licence come back from the list of models; nodes of before do not have them", () => {
  const whole = { ...card, guidanceScale: { default: 3, max: 9 }, schedulers: ["euler"], licence: "openrail++" };
  const object = toModelObject(whole);
  const back = fromModelObject({ ...object, capabilities: readCapabilities({ ...object.capabilities }) });
  assert.deepEqual([back.guidanceScale, back.schedulers, back.licence], [whole.guidanceScale, ["euler"], "openrail++"]);
  const { schedulers: _, licence: __, ...old } = object.capabilities;
  const read = readCapabilities(old);
  assert.deepEqual([read.schedulers, read.licence], [[], null]);
});
