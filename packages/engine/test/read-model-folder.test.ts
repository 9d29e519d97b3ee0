import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ModelFolderError } from "../src/folder/fields.ts";
import { readModelFolder } from "../src/folder/read-model-folder.ts";
import { copyOfTiny, editJson, TINY, temporaryFolder } from "./support.ts";

test("the tiny model's folder is read", () => {
  const folder = readModelFolder(TINY);
  assert.equal(folder.parts.denoiserKind, "transformer");
  assert.equal(folder.latents.pixelsPerCell, 4);
  assert.ok(folder.card.id.length > 0);
  assert.ok(folder.native && folder.native.pixels > 0);
  assert.equal(folder.scheduler.plan({ steps: 5 }).timesteps.length, 5);
});

interface Fault {
  readonly what: string;
  readonly file: string;
  readonly edit: (value: Record<string, unknown>) => void;
  /** Deleted besides. */
  readonly remove?: string;
  readonly message: RegExp;
}

const card = (edit: (card: Record<string, unknown>) => void) => (value: Record<string, unknown>) => {
  assert.ok(typeof value.card === "object" && value.card !== null);
  // An object of string keys, as JSON makes them.
  edit(value.card as Record<string, unknown>);
};

const FAULTS: readonly Fault[] = [
  {
    what: "no denoiser",
    file: "model_index.json",
    edit: (value) => delete value.transformer,
    message: /model_index.json: neither "transformer" nor "unet"/,
  },
  {
    what: "means of latents without their spreads",
    file: "vae_decoder/config.json",
    edit: (value) => Object.assign(value, { latents_mean: Array(Number(value.latent_channels)).fill(0) }),
    message: /vae_decoder\/config.json: "latents_mean" and "latents_std" go together/,
  },
  {
    what: "a scaling factor of 0",
    file: "vae_decoder/config.json",
    edit: (value) => Object.assign(value, { scaling_factor: 0 }),
    message: /"scaling_factor" must not be 0/,
  },
  {
    what: "a pipeline of another kind",
    file: "model_index.json",
    edit: (value) => Object.assign(value, { _class_name: "KolorsPipeline" }),
    message: /model_index.json: "_class_name" KolorsPipeline is not supported; use StableDiffusionPipeline/,
  },
  {
    what: "an id that is no text",
    file: "atoma.json",
    edit: card((c) => Object.assign(c, { id: 5 })),
    message: /atoma.json: "card": "id" must be a string/,
  },
  {
    what: "guidance above what the card allows",
    file: "atoma.json",
    edit: card((c) => Object.assign(c, { guidanceScale: { default: 7, max: 5 } })),
    message: /"guidanceScale": the default is above "max"/,
  },
  {
    what: "a promise that cannot be kept",
    file: "atoma.json",
    edit: card((c) => Object.assign(c, { transparentBackground: true })),
    message: /"transparentBackground" is true/,
  },
  {
    what: "edits without an encoder",
    file: "atoma.json",
    edit: card((c) => Object.assign(c, { edits: true })),
    remove: "vae_encoder",
    message: /vae_encoder\/model.onnx: missing/,
  },
  {
    what: "an unknown format",
    file: "atoma.json",
    edit: card((c) => Object.assign(c, { formats: ["gif"] })),
    message: /"formats" holds gif/,
  },
  {
    what: "steps beyond the maximum",
    file: "atoma.json",
    edit: card((c) => Object.assign(c, { steps: { default: 30, max: 20 } })),
    message: /"steps": a default is above "max"/,
  },
  {
    what: "a native size that cuts latent cells",
    file: "atoma.json",
    edit: (value) => Object.assign(value, { native: { pixels: 65_536, multiple: 18 } }),
    message: /native.multiple is no multiple of 4/,
  },
  {
    what: "sizes that cut latent cells",
    file: "atoma.json",
    edit: (value) => {
      delete value.native;
      card((c) => Object.assign(c, { sizes: { kind: "range", multiple: 18 } }))(value);
    },
    message: /sizes.multiple is no multiple of 4/,
  },
];

for (const { what, file, edit, remove, message } of FAULTS) {
  test(`refused by name: ${what}`, () => {
    using folder = temporaryFolder();
    copyOfTiny(folder.path);
    if (remove !== undefined) rmSync(join(folder.path, remove), { recursive: true });
    editJson(join(folder.path, file), edit);
    assert.throws(() => readModelFolder(folder.path), { name: "ModelFolderError", message });
  });
}

test("missing and broken files are named", () => {
  using folder = temporaryFolder();
  assert.throws(() => readModelFolder(folder.path), /: no model folder; it has no model_index.json/);
  copyOfTiny(folder.path);
  writeFileSync(join(folder.path, "scheduler/scheduler_config.json"), "{");
  assert.throws(() => readModelFolder(folder.path), /scheduler_config.json: not JSON/);
  writeFileSync(join(folder.path, "scheduler/scheduler_config.json"), "[]");
  assert.throws(() => readModelFolder(folder.path), /scheduler_config.json: not a JSON object/);
  rmSync(join(folder.path, "vae_decoder/model.onnx"));
  assert.throws(() => readModelFolder(folder.path), ModelFolderError);
});

test("a card says no more than it must", () => {
  using folder = temporaryFolder();
  copyOfTiny(folder.path);
  writeFileSync(join(folder.path, "atoma.json"), JSON.stringify({ card: { id: "plain" } }));
  const { card: plain, native, latents } = readModelFolder(folder.path);
  assert.equal(native, undefined);
  assert.equal(plain.id, "plain");
  assert.ok(
    plain.sizes.kind === "range" && plain.sizes.multiple % latents.pixelsPerCell === 0,
    "sizes keep to whole latent cells",
  );
  assert.deepEqual([plain.edits, plain.transparentBackground, plain.streaming], [false, false, true]);
});
