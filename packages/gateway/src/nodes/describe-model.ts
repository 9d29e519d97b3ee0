import {
  CAPABILITY_NAMES,
  CapabilitiesError,
  type DialectName,
  fromModelObject,
  type ModelCapabilities,
  type ModelCard,
  readCapabilities,
} from "@atoma/contract";
import { withinAbilities } from "../dialects/abilities.ts";
import { ABILITIES, type ForeignName } from "../dialects/dialects.ts";

/** A model that a node serves, and what the node calls it. */
export interface NodeModel {
  readonly card: ModelCard;
  readonly upstream: string;
}

const ANY_SIZE = {
  kind: "range",
  multiple: 16,
  maxEdge: 2048,
  minPixels: 65_536,
  maxPixels: 4_194_304,
  maxAspectRatio: 3,
} as const;

const STANDARD: ModelCapabilities = {
  sizes: ANY_SIZE,
  default_size: "1024x1024",
  max_images: 10,
  max_prompt_length: 32_000,
  default_quality: "medium",
  steps: { default: 20, max: 100 },
  guidance_scale: { default: 4 },
  schedulers: [],
  output_formats: ["png", "webp", "jpeg"],
  seeds: true,
  negative_prompts: true,
  transparent_background: false,
  streaming: true,
  edits: false,
  max_input_images: 16,
  input_fidelity: false,
  pricing: { perMille: 1000 },
  licence: null,
  examples: [],
};

/** What a model is taken to be where the operator says nothing. */
export function defaultCapabilities(dialect: ForeignName): ModelCapabilities {
  const small = dialect === "sdcpp" || dialect === "localai";
  const values = ["1024x1024", "1536x1024", "1024x1536"];
  return withinAbilities(
    {
      ...STANDARD,
      ...(small && { default_size: "512x512" }),
      ...(dialect === "openai" && { sizes: { kind: "fixed" as const, values } }),
    },
    ABILITIES[dialect],
  );
}

const KEYS = ["id", "upstream", ...CAPABILITY_NAMES];

function text(value: unknown, key: string): string {
  if (typeof value === "string" && value !== "" && value.length <= 256) return value;
  throw new CapabilitiesError(`${key}: expected a text`);
}

/**
 * A model as an operator describes it: `id`, what the node calls it (`upstream`, by default the id), and any key of
 * `capabilities` that differs from the dialect's default. Throws CapabilitiesError that names the key.
 */
export function readForeignModel(given: Readonly<Record<string, unknown>>, dialect: ForeignName): NodeModel {
  const unknown = Object.keys(given).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) throw new CapabilitiesError(`${unknown}: unknown key`);
  const id = text(given.id, "id");
  const capabilities = withinAbilities(readCapabilities(given, defaultCapabilities(dialect)), ABILITIES[dialect]);
  if (capabilities.output_formats.length === 0) {
    throw new CapabilitiesError(`output_formats: ${dialect} makes ${ABILITIES[dialect].formats.join(", ")}`);
  }
  return {
    card: fromModelObject({ id, object: "model", created: 0, owned_by: dialect, capabilities }),
    upstream: given.upstream === undefined ? id : text(given.upstream, "upstream"),
  };
}

const isTable = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The models of a node, as JSON or TOML describes them: none for our own dialect, at least one for any other. Throws as above. */
export function readForeignModels(value: unknown, dialect: DialectName): NodeModel[] | undefined {
  if (dialect === "atoma") {
    if (value === undefined) return undefined;
    throw new CapabilitiesError("models: a node of the dialect atoma tells its models itself");
  }
  if (!Array.isArray(value) || value.length === 0) {
    throw new CapabilitiesError(`models: name at least one model that this ${dialect} node serves`);
  }
  return value.map((model: unknown, i) => {
    if (!isTable(model)) throw new CapabilitiesError(`models[${i}]: expected a table of values`);
    try {
      return readForeignModel(model, dialect);
    } catch (error) {
      if (error instanceof CapabilitiesError) throw new CapabilitiesError(`models[${i}].${error.message}`);
      throw error;
    }
  });
}
