import type { Tensor } from "onnxruntime-common";
import { ModelFolderError } from "../folder/fields.ts";
import type { TextPart } from "../folder/parts.ts";
import { loadNetwork, type NetworkOptions } from "../network/load-network.ts";
import { floatsOf, makeTensor } from "../network/tensor-data.ts";
import { loadTokenizer, type TextTokenizer, type Tokens } from "../tokenizer/load-tokenizer.ts";

/** One output for one text. */
export interface Output {
  readonly data: Float32Array<ArrayBuffer>;
  /** Without the batch: [tokens, width] or [width]. */
  readonly shape: readonly number[];
}

/** What a text encoder gives for the texts of one run. */
export interface Encoded {
  readonly tokens: readonly Tokens[];
  /** An output of text `row`. Throws ModelFolderError where the network has no such output. */
  output(name: string, row: number): Output;
}

export interface TextNetwork {
  readonly file: string;
  readonly tokenizer: TextTokenizer;
  readonly outputs: readonly string[];
  /**
   * The name of the hidden states `back` layers before the last layer's (0). Throws ModelFolderError where they were not
   * exported.
   */
  hiddenState(back: number): string;
  /** Encodes the texts as one batch, in their order. */
  encode(texts: readonly string[]): Promise<Encoded>;
  close(): Promise<void>;
}

function rowOf(tensor: Tensor, row: number): Output {
  const all = floatsOf(tensor);
  const [rows = 1, ...shape] = tensor.dims;
  const length = all.length / rows;
  return { data: all.slice(row * length, (row + 1) * length), shape };
}

export interface TextOptions {
  /** How many tokens the network is given, unless its graph has a fixed number; default: as its tokenizer says. */
  readonly tokens?: number | undefined;
  /** Whether padding is hidden from the network. Where the reference gives no mask, all tokens are attended to. */
  readonly hidePadding: boolean;
}

/** Loads a text encoder with its tokenizer. */
export async function loadTextNetwork(
  { encoder, tokenizer: folder }: TextPart,
  { tokens, hidePadding }: TextOptions,
  options: NetworkOptions,
): Promise<TextNetwork> {
  const network = await loadNetwork(encoder, options);
  network.expect(["input_ids", "attention_mask"], []);
  const input = network.requireInput("input_ids");
  const mask = network.input("attention_mask");
  const declared = input.shape[1];
  const fixed = typeof declared === "number" && declared > 0 ? declared : undefined;
  const tokenizer = loadTokenizer(folder, fixed ?? tokens);
  const states = network.outputs.filter((name) => /^hidden_states\.[0-9]+$/u.test(name)).length;

  return {
    file: encoder,
    tokenizer,
    outputs: network.outputs,
    hiddenState: (back) => {
      const index = states - 1 - back;
      if (index < 0) {
        throw new ModelFolderError(
          `${encoder}: its hidden states were not exported (hidden_states.0 …), or there are not enough of them`,
        );
      }
      return `hidden_states.${index}`;
    },
    encode: async (texts) => {
      const rows = texts.map(tokenizer.tokenize);
      const dims = [rows.length, rows[0]?.ids.length ?? 0];
      const ids = rows.flatMap((row) => row.ids);
      const seen = rows.flatMap((row) => (hidePadding ? row.mask : row.ids.map(() => 1)));
      const result = await network.run({
        input_ids: makeTensor(input.type, ids, dims),
        ...(mask && { attention_mask: makeTensor(mask.type, seen, dims) }),
      });
      return {
        tokens: rows,
        output: (name, row) => {
          const tensor = result[name];
          if (!tensor) throw new ModelFolderError(`${encoder}: has no output ${name}`);
          return rowOf(tensor, row);
        },
      };
    },
    close: network.close,
  };
}
