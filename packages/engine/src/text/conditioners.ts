import { join } from "node:path";
import { ModelFolderError, readFields } from "../folder/fields.ts";
import type { ModelFolder } from "../folder/read-model-folder.ts";
import type { NetworkOptions } from "../network/load-network.ts";
import {
  type Conditioner,
  type Conditioning,
  concat,
  joinWidths,
  promptNotes,
  shapeOf,
  type TextRow,
  type Texts,
} from "./conditioning.ts";
import { type Encoded, loadTextNetwork, type Output, type TextNetwork } from "./text-network.ts";

/**
 * How a family makes a text's row of what its encoders gave: `row` is the text's place in the batch, `back` how many of the
 * encoders' last layers are left out besides those that the family leaves out itself.
 */
type Compose = (encoded: readonly Encoded[], row: number, back: number) => TextRow;

interface Recipe {
  readonly networks: readonly TextNetwork[];
  readonly compose: Compose;
  /** Of the prompt; the negative text is read by all layers, as in the reference. */
  readonly clipSkip?: number;
  /** Feeds zeros for a negative text that the request does not have. */
  readonly zerosForNone?: boolean;
}

function toRow(hidden: Output, pooled: Float32Array<ArrayBuffer> | undefined): TextRow {
  const [tokens, width] = shapeOf(hidden, "hidden states");
  return { hidden: hidden.data, tokens, width, pooled };
}

const zerosLike = ({ hidden, pooled, ...shape }: TextRow): TextRow => ({
  ...shape,
  hidden: new Float32Array(hidden.length),
  pooled: pooled && new Float32Array(pooled.length),
});

function conditioner({ networks, compose, clipSkip = 0, zerosForNone = false }: Recipe): Conditioner {
  return {
    encode: async (texts: Texts): Promise<Conditioning> => {
      const zeros = texts.guided && zerosForNone && texts.negative === undefined;
      const batch = texts.guided && !zeros ? [texts.negative ?? "", texts.prompt] : [texts.prompt];
      const encoded: Encoded[] = [];
      for (const network of networks) encoded.push(await network.encode(batch));
      const last = batch.length - 1;
      const prompt = compose(encoded, last, clipSkip);
      const guided = zeros ? zerosLike(prompt) : compose(encoded, 0, 0);
      const cuts = (row: number) => encoded.map(({ tokens }) => tokens[row]?.cut ?? "");
      const [longest] = networks.slice(-1);
      if (!longest) throw new RangeError("a family has at least one text encoder");
      return {
        prompt,
        negative: texts.guided ? guided : undefined,
        textTokens: Math.max(...encoded.map(({ tokens }) => tokens[last]?.textTokens ?? 0)),
        notes: promptNotes(texts, { prompt: cuts(last), negative: last > 0 ? cuts(0) : [] }, longest.tokenizer),
      };
    },
    close: async () => {
      await Promise.all(networks.map((network) => network.close()));
    },
  };
}

/** One encoder whose last hidden states are the conditioning, and whose pooled output some denoisers want. */
function lastStates(network: TextNetwork): Recipe {
  const pooled = network.outputs.includes("pooler_output");
  return {
    networks: [network],
    compose: ([encoded], row) => {
      if (!encoded) throw new RangeError("no text was encoded");
      return toRow(
        encoded.output("last_hidden_state", row),
        pooled ? encoded.output("pooler_output", row).data : undefined,
      );
    },
  };
}

/** The hidden states before the last layer's of both CLIP encoders, joined on the width, and the pooled one of the second. */
function sdxl(networks: readonly TextNetwork[], clipSkip: number, zerosForNone: boolean): Recipe {
  return {
    networks,
    clipSkip,
    zerosForNone,
    compose: (encoded, row, back) => {
      const states = encoded.map((one, i) => one.output(networks[i]?.hiddenState(1 + back) ?? "", row));
      return toRow(joinWidths(states), encoded.at(-1)?.output("text_embeds", row).data);
    },
  };
}

/** T5 reads this many tokens of an SD3 prompt. */
const SD3_T5_TOKENS = 256;

/**
 * As SDXL's, filled up with zeros to the width of T5, whose tokens follow; without T5 zeros follow. Pooled: both, joined.
 */
function sd3(networks: readonly TextNetwork[], clipSkip: number, t5Tokens: number, width: number): Recipe {
  return {
    networks,
    clipSkip,
    compose: (encoded, row, back) => {
      const both = encoded.slice(0, 2);
      const clip = joinWidths(
        both.map((one, i) => one.output(networks[i]?.hiddenState(1 + back) ?? "", row)),
        width,
      );
      const t5 = encoded[2]?.output("last_hidden_state", row).data ?? new Float32Array(t5Tokens * width);
      return {
        hidden: concat([clip.data, t5]),
        tokens: (clip.data.length + t5.length) / width,
        width,
        pooled: concat(both.map((one) => one.output("text_embeds", row).data)),
      };
    },
  };
}

/** T5's hidden states are the conditioning, CLIP's pooled output the vector. */
function flux(networks: readonly TextNetwork[]): Recipe {
  return {
    networks,
    compose: ([clip, t5], row) => {
      if (!clip || !t5) throw new RangeError("FLUX has two text encoders");
      return toRow(t5.output("last_hidden_state", row), clip.output("pooler_output", row).data);
    },
  };
}

/** FLUX.1 dev was trained with 512 tokens, schnell with 256. */
const fluxTokens = (folder: ModelFolder) => {
  const config = readFields(folder.path, folder.parts.denoiserKind, "config.json");
  return config.boolean("guidance_embeds", false) ? 512 : 256;
};

function recipe(folder: ModelFolder, networks: readonly TextNetwork[]): Recipe {
  const { clipSkip, t5Tokens = SD3_T5_TOKENS } = folder.settings;
  const [first] = networks;
  if (!first) throw new RangeError("a family has at least one text encoder");
  switch (folder.family) {
    case "plain":
    case "sd":
      if (clipSkip > 0) {
        throw new ModelFolderError(
          `${join(folder.path, "atoma.json")}: "clipSkip" needs the final layer norm apart from the text encoder, which ` +
            "exports of this family do not have; leave it out",
        );
      }
      return lastStates(first);
    case "sdxl":
      return sdxl(networks, clipSkip, folder.zerosForEmptyPrompt);
    case "sd3": {
      const width = readFields(folder.path, folder.parts.denoiserKind, "config.json").integer(
        "joint_attention_dim",
        4096,
      );
      return sd3(networks, clipSkip, t5Tokens, width);
    }
    case "flux":
      return flux(networks);
  }
}

/** How many tokens each encoder is given, where the pipeline decides and not the tokenizer. */
function tokensOf(folder: ModelFolder, i: number): number | undefined {
  if (folder.family === "sd3" && i === 2) return folder.settings.t5Tokens ?? SD3_T5_TOKENS;
  if (folder.family === "flux" && i === 1) return folder.settings.t5Tokens ?? fluxTokens(folder);
  return undefined;
}

/** Loads a folder's text encoders, in the family's way of joining them. Throws ModelFolderError. */
export async function loadConditioner(folder: ModelFolder, options: NetworkOptions): Promise<Conditioner> {
  const networks: TextNetwork[] = [];
  for (const [i, part] of folder.parts.texts.entries()) {
    const hidePadding = folder.family === "plain";
    networks.push(await loadTextNetwork(part, { tokens: tokensOf(folder, i), hidePadding }, options));
  }
  return conditioner(recipe(folder, networks));
}
