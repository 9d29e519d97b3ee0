import { existsSync } from "node:fs";
import { join } from "node:path";
import {
  MAX_GUIDANCE_SCALE,
  type ModelCard,
  OUTPUT_FORMATS,
  type OutputFormat,
  parseSize,
  type Quality,
  type SizeRule,
} from "@atoma/contract";
import { deriveCard, type FolderFacts } from "./derive-card.ts";
import { type Fields, fieldsOf, isObject, ModelFolderError, readJsonObject } from "./fields.ts";
import type { Native } from "./native-size.ts";
import { type PipelineSettings, readPipelineSettings } from "./pipeline-settings.ts";

const QUALITIES: readonly Quality[] = ["low", "medium", "high"];

export interface DescribedModel {
  readonly card: ModelCard;
  readonly native: Native | undefined;
  readonly settings: PipelineSettings;
}

function nested(fields: Fields, key: string): Fields {
  return fields.object(key) ?? fieldsOf({}, `"${key}"`);
}

function readNative(file: Fields): Native | undefined {
  const native = file.object("native");
  if (!native) return undefined;
  return {
    pixels: native.integer("pixels"),
    multiple: native.integer("multiple"),
    maxAspectRatio: native.number("maxAspectRatio", 3, 1),
  };
}

/** Sizes that the card leaves open: with a native size any within its aspect ratio, else multiples of a latent cell. */
function readSizes(card: Fields, native: Native | undefined, pixelsPerCell: number): SizeRule {
  const sizes = card.object("sizes");
  const multiple = native ? 16 : Math.max(16, pixelsPerCell);
  const standard = {
    kind: "range",
    multiple,
    maxEdge: 2048,
    minPixels: 4096,
    maxPixels: 2048 * 2048,
    maxAspectRatio: native?.maxAspectRatio ?? 3,
  } as const;
  if (!sizes) return standard;
  if (sizes.string("kind") === "fixed") return { kind: "fixed", values: sizes.strings("values") };
  if (sizes.string("kind") !== "range") throw sizes.fail(`"kind" must be fixed or range`);
  return {
    kind: "range",
    multiple: sizes.integer("multiple", standard.multiple),
    maxEdge: sizes.integer("maxEdge", standard.maxEdge),
    minPixels: sizes.integer("minPixels", standard.minPixels),
    maxPixels: sizes.integer("maxPixels", standard.maxPixels),
    maxAspectRatio: sizes.number("maxAspectRatio", standard.maxAspectRatio, 1),
  };
}

function readFormats(card: Fields): readonly OutputFormat[] {
  return card.strings("formats", OUTPUT_FORMATS).map((name) => {
    const format = OUTPUT_FORMATS.find((known) => known === name);
    if (!format) throw card.fail(`"formats" holds ${name}; known are ${OUTPUT_FORMATS.join(", ")}`);
    return format;
  });
}

/** Numbers by quality; undefined where the key is absent. */
function readByQuality(fields: Fields): Partial<Record<Quality, number>> | undefined {
  const values = fields.object("quality");
  if (!values) return undefined;
  const known = QUALITIES.filter((quality) => values.has(quality));
  return Object.fromEntries(known.map((quality) => [quality, values.integer(quality)]));
}

function readSteps(card: Fields): ModelCard["steps"] {
  const steps = nested(card, "steps");
  const quality = readByQuality(steps);
  const standard = steps.integer("default", 20);
  const max = steps.integer("max", 100);
  if (Math.max(standard, ...Object.values(quality ?? {})) > max) throw steps.fail(`a default is above "max"`);
  return { default: standard, max, ...(quality && { quality }) };
}

function readPricing(card: Fields): ModelCard["pricing"] {
  const pricing = nested(card, "pricing");
  const quality = readByQuality(pricing);
  return {
    perMille: pricing.integer("perMille", 1000),
    ...(quality && { quality }),
    ...(pricing.has("stepsBase") && { stepsBase: pricing.integer("stepsBase") }),
  };
}

function readGuidance(card: Fields): ModelCard["guidanceScale"] {
  const guidance = nested(card, "guidanceScale");
  const standard = guidance.number("default", 4, 0);
  const max = guidance.number("max", MAX_GUIDANCE_SCALE, 0);
  if (standard > max) throw guidance.fail(`the default is above "max"`);
  return { default: standard, ...(guidance.has("max") && { max }) };
}

/** What this engine cannot do must not be promised. */
function refuseUnable(card: Fields): void {
  if (card.boolean("transparentBackground", false)) {
    throw card.fail(`"transparentBackground" is true, but this engine cannot do that`);
  }
}

/** What every model that edits here can do. */
const EDITOR = { edits: true, maxInputImages: 1, inputFidelity: true } as const;

/** Objects are merged key by key, everything else is replaced. */
function merged(base: Record<string, unknown>, over: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(over).map(([key, value]) => {
    const below = base[key];
    return [
      key,
      isObject(below) && isObject(value) && (value.kind ?? below.kind) === below.kind ? merged(below, value) : value,
    ];
  });
  return { ...base, ...Object.fromEntries(entries) };
}

/** `atoma.json`, where the folder has one. */
function readAtomaFile(path: string): Record<string, unknown> {
  return existsSync(join(path, "atoma.json")) ? readJsonObject(path, "atoma.json") : {};
}

/**
 * The card of a folder: what its files say, overridden by `atoma.json`, `{ "card"?: ModelCard, "native"?: { pixels, multiple,
 * maxAspectRatio }, "pipeline"?: PipelineSettings }`, where there is one. Throws ModelFolderError.
 */
export function readCard(facts: FolderFacts): DescribedModel {
  const { path } = facts;
  const { pixelsPerCell } = facts.latents;
  const file = fieldsOf(readAtomaFile(path), `${path}/atoma.json`);
  const own = file.value("card") ?? {};
  if (!isObject(own)) throw file.fail(`"card" must be an object`);
  const card = fieldsOf(merged(deriveCard(facts), own), `${path}/atoma.json: "card"`);
  refuseUnable(card);
  const native = readNative(file);
  if (native && native.multiple % pixelsPerCell !== 0) {
    throw new ModelFolderError(`${path}/atoma.json: native.multiple is no multiple of ${pixelsPerCell} pixels`);
  }
  const sizes = readSizes(card, native, pixelsPerCell);
  if (!native && sizes.kind === "range" && sizes.multiple % pixelsPerCell !== 0) {
    throw card.fail(`sizes.multiple is no multiple of ${pixelsPerCell} pixels, and there is no native size`);
  }
  const defaultSize = card.string("defaultSize", sizes.kind === "fixed" ? sizes.values[0] : "512x512");
  if (!parseSize(defaultSize)) throw card.fail(`"defaultSize" must look like 512x512`);
  const quality = card.string("defaultQuality", "medium");
  const defaultQuality = QUALITIES.find((known) => known === quality);
  if (!defaultQuality) throw card.fail(`"defaultQuality" must be one of ${QUALITIES.join(", ")}`);
  const settings = readPipelineSettings(nested(file, "pipeline"));
  return {
    native,
    settings,
    card: {
      id: card.string("id"),
      aliases: card.strings("aliases", []),
      created: card.integer("created", 0, 0),
      ownedBy: card.string("ownedBy", "atoma"),
      ...(card.has("licence") && { licence: card.string("licence") }),
      maxPromptLength: card.integer("maxPromptLength", 32_000),
      sizes,
      defaultSize,
      maxImages: card.integer("maxImages", 10),
      defaultQuality,
      steps: readSteps(card),
      guidanceScale: readGuidance(card),
      schedulers: card.strings("schedulers", []),
      formats: readFormats(card),
      seeds: card.boolean("seeds", true),
      negativePrompts: card.boolean("negativePrompts", true) || settings.trueGuidance > 1,
      transparentBackground: false,
      streaming: card.boolean("streaming", true),
      ...(card.boolean("edits", false) ? EDITOR : { edits: false }),
      pricing: readPricing(card),
      examples: card.strings("examples", []),
    },
  };
}
