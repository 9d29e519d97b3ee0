import type { Tensor } from "onnxruntime-node";
import type { ModelFolder } from "../folder/read-model-folder.ts";
import { loadNetwork, type NetworkOptions } from "../network/load-network.ts";
import { makeTensor } from "../network/tensor-data.ts";
import { loadTokenizer } from "./tokenize.ts";

/** What the denoiser is told about the texts: one row of the batch for each. */
export interface Conditioning {
  /** [texts, tokens, width] */
  readonly hidden: Tensor;
  /** [texts, width]; absent where the encoder has no pooled output. */
  readonly pooled: Tensor | undefined;
  readonly rows: number;
  /** Tokens of the last text itself. */
  readonly textTokens: number;
}

export interface TextEncoder {
  /** Encodes the texts as one batch, in their order. */
  encode(texts: readonly string[]): Promise<Conditioning>;
  close(): Promise<void>;
}

export async function loadTextEncoder(folder: ModelFolder, options: NetworkOptions): Promise<TextEncoder> {
  const network = await loadNetwork(folder.files.textEncoder, options);
  network.expect(["input_ids", "attention_mask"], ["last_hidden_state"]);
  const input = network.requireInput("input_ids");
  const mask = network.input("attention_mask");
  const length = input.shape[1];
  const tokenize = loadTokenizer(folder.path, typeof length === "number" && length > 0 ? length : undefined);

  return {
    encode: async (texts) => {
      const rows = texts.map(tokenize);
      const dims = [rows.length, rows[0]?.ids.length ?? 0];
      const feeds = {
        input_ids: makeTensor(
          input.type,
          rows.flatMap((row) => row.ids),
          dims,
        ),
        ...(mask && {
          attention_mask: makeTensor(
            mask.type,
            rows.flatMap((row) => row.mask),
            dims,
          ),
        }),
      };
      const { last_hidden_state: hidden, pooler_output: pooled } = await network.run(feeds);
      if (!hidden) throw new Error("the text encoder gave no last_hidden_state");
      return { hidden, pooled, rows: rows.length, textTokens: rows.at(-1)?.textTokens ?? 0 };
    },
    close: network.close,
  };
}
