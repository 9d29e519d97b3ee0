import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Family } from "./family.ts";
import { type Fields, fieldsOf, readFields } from "./fields.ts";
import type { LatentSpace } from "./latent-space.ts";
import { ANY_SCHEDULER } from "./scheduler-choices.ts";

/** What is known of a folder before its card. */
export interface FolderFacts {
  readonly path: string;
  readonly family: Family;
  readonly denoiserKind: "transformer" | "unet";
  readonly latents: LatentSpace;
  readonly scheduler: Fields;
  readonly edits: boolean;
}

interface Habits {
  readonly steps: Readonly<Record<string, unknown>>;
  readonly guidanceScale: { readonly default: number; readonly max?: number };
  readonly negativePrompts: boolean;
  readonly schedulers?: readonly string[];
}

const usual = (steps: number, guidance: number): Habits => ({
  steps: { default: steps, max: 100, quality: { low: Math.ceil(steps / 2), medium: steps, high: steps } },
  guidanceScale: { default: guidance },
  negativePrompts: true,
});

/** Distilled models draw in few steps and bear no guidance, so that a negative prompt has no effect. */
const distilled = (steps: number, most: number): Habits => ({
  steps: { default: steps, max: most, quality: { low: steps, medium: steps, high: Math.max(steps, 4) } },
  guidanceScale: { default: 0, max: 1 },
  negativePrompts: false,
});

const isNamed = (path: string, word: RegExp) => word.test(basename(path));

function unetHabits({ path, family, scheduler }: FolderFacts, unet: Fields): Habits {
  if (unet.has("time_cond_proj_dim")) {
    return { ...distilled(4, 50), guidanceScale: { default: 8.5 } };
  }
  const name = scheduler.string("_class_name", "");
  if (name === "LCMScheduler") {
    return { ...usual(4, 1.5), steps: { default: 4, max: 50 }, guidanceScale: { default: 1.5, max: 2 } };
  }
  const plain = scheduler.string("prediction_type", "epsilon") === "epsilon";
  const trailing = scheduler.string("timestep_spacing", "") === "trailing";
  const zeroSnr = scheduler.boolean("rescale_betas_zero_snr", false);
  const turbo = name.startsWith("Euler") && trailing && plain && !zeroSnr;
  if (turbo || isNamed(path, /turbo|lightning|hyper/iu)) {
    return { ...distilled(1, 50), schedulers: ["euler", "euler_ancestral"] };
  }
  return { ...usual(50, family === "sdxl" ? 5 : 7.5), schedulers: ANY_SCHEDULER };
}

/** Steps and guidance that the reference's pipelines and the models' own pages use. */
function habitsOf(facts: FolderFacts, denoiser: Fields): Habits {
  switch (facts.family) {
    case "plain":
      return { ...usual(20, 4), steps: { default: 20, max: 100 } };
    case "sd":
    case "sdxl":
      return unetHabits(facts, denoiser);
    case "sd3":
      if (isNamed(facts.path, /turbo/iu)) return distilled(4, 50);
      return usual(28, denoiser.has("qk_norm") ? 3.5 : 7);
    case "flux":
      if (!denoiser.boolean("guidance_embeds", false)) return distilled(4, 50);
      return { ...usual(28, 3.5), negativePrompts: false };
  }
}

/**
 * The side, in pixels, that a picture's sides must be multiples of. An exported U-Net halves its latent once for each level
 * but the first and joins the halves again, so that an odd one would not fit; the transformers see patches of 2 × 2 cells.
 */
function multipleOf({ family, latents }: FolderFacts, denoiser: Fields): number {
  if (family === "plain") return latents.pixelsPerCell;
  if (family === "sd3" || family === "flux") return latents.pixelsPerCell * 2;
  const levels = denoiser.has("block_out_channels") ? denoiser.numbers("block_out_channels").length : 4;
  return latents.pixelsPerCell * 2 ** (levels - 1);
}

function defaultSide({ family, latents }: FolderFacts, denoiser: Fields): number | undefined {
  if (family === "plain") return undefined;
  const fallback = family === "sd" ? 64 : 128;
  // FLUX's file does not say it: 128 is the pipeline's own default.
  const size = denoiser.value("sample_size");
  return (typeof size === "number" && size > 0 ? size : fallback) * latents.pixelsPerCell;
}

function sizesOf(facts: FolderFacts, denoiser: Fields): Record<string, unknown> {
  const multiple = multipleOf(facts, denoiser);
  const side = defaultSide(facts, denoiser);
  if (side === undefined) return {};
  const standard = Math.max(multiple, Math.round(side / multiple) * multiple);
  return {
    defaultSize: `${standard}x${standard}`,
    sizes: {
      kind: "range",
      multiple,
      maxEdge: 3 * standard,
      minPixels: Math.max(multiple ** 2, (standard / 4) ** 2),
      maxPixels: 4 * standard ** 2,
      maxAspectRatio: 3,
    },
  };
}

/** The licence that the front matter of a hub folder's README.md names. */
function licenceOf(path: string): string | undefined {
  const file = join(path, "README.md");
  if (!existsSync(file)) return undefined;
  const [, head = ""] = /^---\r?\n([\s\S]*?)\r?\n---/u.exec(readFileSync(file, "utf8").slice(0, 65_536)) ?? [];
  const line = (key: string) =>
    new RegExp(`^${key}:[ \\t]*["']?([^"'\\r\\n]{1,100})["']?[ \\t]*$`, "mu").exec(head)?.[1];
  return line("license_name") ?? line("license");
}

/**
 * What the files of a folder say about its card, in the form of `atoma.json`'s `card`: id (the folder's name), sizes, steps,
 * guidance, licence, abilities. `atoma.json` overrides any of it.
 */
export function deriveCard(facts: FolderFacts): Record<string, unknown> {
  const file = join(facts.path, facts.denoiserKind, "config.json");
  const denoiser = existsSync(file) ? readFields(file) : fieldsOf({}, file);
  const licence = licenceOf(facts.path);
  return {
    id: basename(facts.path),
    ...habitsOf(facts, denoiser),
    ...sizesOf(facts, denoiser),
    ...(licence !== undefined && { licence }),
    edits: facts.edits,
  };
}
