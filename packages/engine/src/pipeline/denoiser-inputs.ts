import type { Tensor } from "onnxruntime-common";
import { ModelFolderError } from "../folder/fields.ts";
import type { LatentSpace } from "../folder/latent-space.ts";
import type { Network } from "../network/load-network.ts";
import type { NetworkInput } from "../network/network-input.ts";
import { makeTensor } from "../network/tensor-data.ts";
import { concat, type TextRow } from "../text/conditioning.ts";
import type { Grid } from "./grid.ts";
import { guidanceEmbedding } from "./guidance.ts";
import { imageIds } from "./packing.ts";

/** What stays the same in all steps of a picture. */
export interface RunFacts {
  readonly grid: Grid;
  readonly latents: LatentSpace;
  /** A row of the batch for each: the negative text before the prompt, where the run is guided. */
  readonly texts: readonly TextRow[];
  readonly guidanceScale: number;
}

type MakeInput = (facts: RunFacts, input: NetworkInput, file: string) => Tensor;

/** Aesthetic scores that an SDXL refiner is told of the negative text and of the prompt (diffusers' defaults). */
const SCORES = [2.5, 6] as const;

function ids(input: NetworkInput, values: readonly number[]): Tensor {
  const dims = [values.length / 3, 3];
  return makeTensor(input.type, values, input.shape.length === 3 ? [1, ...dims] : dims);
}

const pooled: MakeInput = ({ texts }, input, file) => {
  const vectors = texts.map((text) => {
    if (!text.pooled) throw new ModelFolderError(`${file}: wants ${input.name}, which the text encoder does not give`);
    return text.pooled;
  });
  return makeTensor(input.type, concat(vectors), [texts.length, vectors[0]?.length ?? 0]);
};

/** Original size, crop and target size, as (height, width); a refiner has an aesthetic score instead of the last. */
const timeIds: MakeInput = ({ grid, latents, texts }, input) => {
  const height = grid.rows * latents.pixelsPerCell;
  const width = grid.columns * latents.pixelsPerCell;
  const refiner = input.shape[1] === 5;
  const rows = texts.map((_, i) => {
    const positive = i === texts.length - 1;
    return refiner ? [height, width, 0, 0, SCORES[positive ? 1 : 0]] : [height, width, 0, 0, height, width];
  });
  return makeTensor(input.type, rows.flat(), [texts.length, refiner ? 5 : 6]);
};

/** How each input besides the latent and the timestep is made. */
const MAKERS: Readonly<Record<string, MakeInput>> = {
  encoder_hidden_states: ({ texts }, input) => {
    const [first] = texts;
    const dims = [texts.length, first?.tokens ?? 0, first?.width ?? 0];
    return makeTensor(input.type, concat(texts.map(({ hidden }) => hidden)), dims);
  },
  pooled_projections: pooled,
  text_embeds: pooled,
  time_ids: timeIds,
  timestep_cond: ({ texts, guidanceScale }, input, file) => {
    const [, width] = input.shape;
    if (typeof width !== "number" || width < 4) {
      throw new ModelFolderError(`${file}: the width of ${input.name} must be fixed`);
    }
    const embedding = guidanceEmbedding(guidanceScale, width);
    return makeTensor(input.type, concat(texts.map(() => embedding)), [texts.length, width]);
  },
  guidance: ({ texts, guidanceScale }, input) =>
    makeTensor(
      input.type,
      texts.map(() => guidanceScale),
      [texts.length],
    ),
  img_ids: ({ grid }, input) => ids(input, imageIds(grid)),
  txt_ids: ({ texts }, input) => ids(input, Array<number>(3 * (texts[0]?.tokens ?? 0)).fill(0)),
};

export const STATIC_INPUTS: readonly string[] = Object.keys(MAKERS);

/** The inputs of one picture that the network declares, made once for all steps. */
export function staticInputs(network: Network, facts: RunFacts): Record<string, Tensor> {
  const made: Record<string, Tensor> = {};
  for (const [name, make] of Object.entries(MAKERS)) {
    const input = network.input(name);
    if (input) made[name] = make(facts, input, network.file);
  }
  return made;
}
