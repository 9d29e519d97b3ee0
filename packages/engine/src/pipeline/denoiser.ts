import type { Tensor } from "onnxruntime-common";
import { ModelFolderError } from "../folder/fields.ts";
import type { ModelFolder } from "../folder/read-model-folder.ts";
import { loadNetwork, type Network, type NetworkOptions } from "../network/load-network.ts";
import type { NetworkInput } from "../network/network-input.ts";
import { floatsOf, makeTensor } from "../network/tensor-data.ts";
import type { Latent } from "../schedulers/scheduler.ts";
import type { Conditioning, TextRow } from "../text/conditioning.ts";
import { STATIC_INPUTS, staticInputs } from "./denoiser-inputs.ts";
import type { Grid } from "./grid.ts";
import { guide, rescale } from "./guidance.ts";
import { pack, unpack } from "./packing.ts";

/** What one picture's run is told at every step. */
export interface RunConditions {
  readonly grid: Grid;
  readonly text: Conditioning;
  readonly guidanceScale: number;
  /** Channels behind the latent's, for networks that were trained to paint under masks. */
  readonly furtherChannels?: Latent | undefined;
}

/** The network's output for a latent [channels, rows, columns] at a timestep, guided where the run is. */
export type Predict = (latent: Latent, timestep: number) => Promise<Latent>;

export interface Denoiser {
  /** Whether a run needs the negative text: it is guided by it (Ho and Salimans, 2022). */
  isGuided(guidanceScale: number, negative: string | undefined): boolean;
  /** Whether it takes a mask and the picture beneath besides the latent. */
  readonly paintsUnderMasks: boolean;
  /** Number type of the latents that it takes. */
  readonly precision: string;
  /** Prepares the inputs that all steps of a picture share. */
  begin(conditions: RunConditions): Predict;
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

/** How many channels the network takes: the latent's, or those, a mask and another latent. Throws ModelFolderError. */
function paintsUnderMasks(network: Network, sample: NetworkInput, channels: number): boolean {
  const declared = sample.shape[1];
  if (typeof declared !== "number" || declared <= 0 || declared === channels) return false;
  if (declared === 2 * channels + 1) return true;
  throw new ModelFolderError(
    `${network.file}: takes ${declared} latent channels, the decoder's config says ${channels}`,
  );
}

export async function loadDenoiser(folder: ModelFolder, options: NetworkOptions): Promise<Denoiser> {
  const names = LAYOUTS[folder.parts.denoiserKind];
  const network = await loadNetwork(folder.parts.denoiser, { ...options, pictures: names.sample });
  network.expect([names.sample, "timestep", ...STATIC_INPUTS], [names.output]);
  const sampleInput = network.requireInput(names.sample);
  const timestepInput = network.requireInput("timestep");
  network.requireInput("encoder_hidden_states");
  const { latents, settings } = folder;
  const { channels } = latents;
  const flux = folder.family === "flux";
  const masks = !flux && paintsUnderMasks(network, sampleInput, channels);
  const embedsGuidance = network.input("timestep_cond") !== undefined;

  /** The latent as the network takes it, without the batch. */
  const asInput = (latent: Latent, { grid, furtherChannels }: RunConditions): Latent => {
    if (flux) return pack(latent, channels, grid);
    if (!furtherChannels) return latent;
    const joined = new Float32Array(latent.length + furtherChannels.length);
    joined.set(latent);
    joined.set(furtherChannels, latent.length);
    return joined;
  };
  const dimsOf = ({ rows, columns }: Grid): number[] =>
    flux ? [(rows * columns) / 4, 4 * channels] : [masks ? 2 * channels + 1 : channels, rows, columns];

  function begin(conditions: RunConditions): Predict {
    const { grid, text, guidanceScale } = conditions;
    const texts: readonly TextRow[] = text.negative ? [text.negative, text.prompt] : [text.prompt];
    const shared = staticInputs(network, { grid, latents, texts, guidanceScale });
    const scale = flux ? settings.trueGuidance : guidanceScale;

    return async (latent, timestep) => {
      const row = asInput(latent, conditions);
      const batch = new Float32Array(row.length * texts.length);
      for (let i = 0; i < texts.length; i++) batch.set(row, i * row.length);
      const result = await network.run({
        ...shared,
        [names.sample]: makeTensor(sampleInput.type, batch, [texts.length, ...dimsOf(grid)]),
        // FLUX is told the noise level itself, of which its scheduler's timesteps are a thousand times as much.
        timestep: timestepTensor(timestepInput, sampleInput, flux ? timestep / 1000 : timestep, texts.length),
      });
      const tensor = result[names.output];
      const output = tensor && floatsOf(tensor);
      if (output?.length !== latent.length * texts.length) {
        throw new Error(`${network.file}: its output has not the shape of its input`);
      }
      const rows = texts.map((_, i) => output.subarray(i * latent.length, (i + 1) * latent.length));
      const plain = flux ? rows.map((values) => unpack(values, channels, grid)) : rows;
      const [first, positive] = plain;
      if (!first) throw new RangeError("a run has a text");
      if (!positive) return first;
      const guided = guide(first, positive, scale);
      return settings.guidanceRescale > 0 ? rescale(guided, positive, settings.guidanceRescale) : guided;
    };
  }

  return {
    isGuided: (guidanceScale, negative) =>
      flux ? settings.trueGuidance > 1 && negative !== undefined : guidanceScale > 1 && !embedsGuidance,
    paintsUnderMasks: masks,
    precision: sampleInput.type,
    begin,
    close: network.close,
  };
}
