import type { Tensor } from "onnxruntime-node";
import { ModelFolderError } from "../folder/fields.ts";
import type { ModelFolder } from "../folder/read-model-folder.ts";
import { loadNetwork, type NetworkInput, type NetworkOptions } from "../network/load-network.ts";
import { floatsOf, makeTensor } from "../network/tensor-data.ts";
import type { Latent } from "../schedulers/scheduler.ts";
import type { Conditioning } from "./text-encoder.ts";

/** Height and width of a latent in cells. */
export interface Grid {
  readonly rows: number;
  readonly columns: number;
}

export interface Denoiser {
  /**
   * The network's output for one latent [channels, rows, columns] at a timestep. With two rows of conditioning (what to
   * avoid, what to draw) they run as a batch of two and are combined by classifier-free guidance (Ho and Salimans, 2022):
   * avoid + scale · (draw − avoid).
   */
  predict(latent: Latent, timestep: number, grid: Grid, text: Conditioning, guidanceScale: number): Promise<Latent>;
  close(): Promise<void>;
}

/** Names of the two layouts' inputs and outputs (optimum's exporter). */
const LAYOUTS = {
  transformer: { sample: "hidden_states", output: "out_hidden_states" },
  unet: { sample: "sample", output: "out_sample" },
} as const;

/**
 * Old exports take a scalar timestep, newer ones a list: of one for the whole batch, or one for each row, which shows in
 * its dimension bearing the batch's name.
 */
function timestepTensor(input: NetworkInput, sample: NetworkInput, timestep: number, rows: number): Tensor {
  if (input.shape.length === 0) return makeTensor(input.type, [timestep], []);
  const perRow = typeof input.shape[0] === "string" && input.shape[0] === sample.shape[0];
  return makeTensor(input.type, Array<number>(perRow ? rows : 1).fill(timestep), [perRow ? rows : 1]);
}

/** One network's output as another's input; halves are always made anew, as outputs hold them in a form no input takes. */
function asType(tensor: Tensor, type: NetworkInput["type"]): Tensor {
  return tensor.type === type && type !== "float16" ? tensor : makeTensor(type, floatsOf(tensor), tensor.dims);
}

function guide(output: Latent, latentLength: number, scale: number): Latent {
  const avoid = output.subarray(0, latentLength);
  return output.subarray(latentLength).map((draw, i) => {
    const base = avoid[i] ?? 0;
    return base + scale * (draw - base);
  });
}

export async function loadDenoiser(folder: ModelFolder, options: NetworkOptions): Promise<Denoiser> {
  const names = LAYOUTS[folder.denoiser];
  const network = await loadNetwork(folder.files.denoiser, options);
  network.expect([names.sample, "encoder_hidden_states", "pooled_projections", "timestep"], [names.output]);
  const sampleInput = network.requireInput(names.sample);
  const hiddenInput = network.requireInput("encoder_hidden_states");
  const timestepInput = network.requireInput("timestep");
  const pooledInput = network.input("pooled_projections");
  const { channels } = folder.latents;
  const declared = sampleInput.shape[1];
  if (typeof declared === "number" && declared > 0 && declared !== channels) {
    throw new ModelFolderError(
      `${network.file}: takes ${declared} latent channels, the decoder's config says ${channels}`,
    );
  }

  return {
    predict: async (latent, timestep, grid, text, guidanceScale) => {
      const batch = new Float32Array(latent.length * text.rows);
      for (let row = 0; row < text.rows; row++) batch.set(latent, row * latent.length);
      const feeds: Record<string, Tensor> = {
        [names.sample]: makeTensor(sampleInput.type, batch, [text.rows, channels, grid.rows, grid.columns]),
        encoder_hidden_states: asType(text.hidden, hiddenInput.type),
        timestep: timestepTensor(timestepInput, sampleInput, timestep, text.rows),
      };
      if (pooledInput) {
        if (!text.pooled)
          throw new ModelFolderError(`${network.file}: wants pooled_projections, which the text encoder lacks`);
        feeds.pooled_projections = asType(text.pooled, pooledInput.type);
      }
      const result = (await network.run(feeds))[names.output];
      const output = result && floatsOf(result);
      if (output?.length !== batch.length)
        throw new Error(`${network.file}: its output has not the shape of its input`);
      return text.rows === 1 ? output : guide(output, latent.length, guidanceScale);
    },
    close: network.close,
  };
}
