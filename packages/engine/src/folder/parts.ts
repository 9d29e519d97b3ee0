import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import type { Family } from "./family.ts";
import { type Fields, ModelFolderError } from "./fields.ts";

/** A text encoder with its tokenizer, as folders. */
export interface TextPart {
  readonly encoder: string;
  readonly tokenizer: string;
}

/** The ONNX files of a model folder. */
export interface Parts {
  readonly denoiserKind: "transformer" | "unet";
  readonly denoiser: string;
  readonly vaeDecoder: string;
  /** Absent where the folder has none, or one that draws random numbers of its own. */
  readonly vaeEncoder: string | undefined;
  /** In the family's order; SD3's third may be absent. */
  readonly texts: readonly TextPart[];
  /** Why there is no VAE encoder although the folder has one. */
  readonly encoderRefused: string | undefined;
}

const TEXT_ENCODERS: Readonly<Record<Family, number>> = { plain: 1, sd: 1, sdxl: 2, sd3: 3, flux: 2 };

/** Whether `model_index.json` names a component that is there: `[null, null]` and `null` mean that it is not. */
function hasPart(index: Fields, name: string): boolean {
  const value = index.value(name);
  return Array.isArray(value) ? value[0] !== null : value !== undefined;
}

/** A graph's outputs stand behind its weights: in the last part of its file. */
const TAIL_BYTES = 1 << 20;

function tailOf(file: string): Buffer {
  const descriptor = openSync(file, "r");
  try {
    const { size } = fstatSync(descriptor);
    const tail = Buffer.alloc(Math.min(size, TAIL_BYTES));
    readSync(descriptor, tail, 0, tail.length, size - tail.length);
    return tail;
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Older exporters put the draw of the posterior's sample into the graph: its output is `latent_sample`, and no seed reaches
 * it. The embedded model's encoder has that output too, but draws nothing.
 */
function refuseEncoder(file: string, family: Family): string | undefined {
  if (family === "plain") return undefined;
  const tail = tailOf(file);
  if (tail.includes("latent_parameters") || tail.includes("moments") || !tail.includes("latent_sample"))
    return undefined;
  return `${file}: draws random numbers of its own (output latent_sample), so no seed could repeat an edit; export the folder again with a newer optimum`;
}

/** Finds the networks. Throws ModelFolderError naming the file that is missing. */
export function findParts(path: string, index: Fields, family: Family): Parts {
  const denoiserKind = hasPart(index, "transformer") ? "transformer" : "unet";
  if (!hasPart(index, denoiserKind)) throw index.fail(`neither "transformer" nor "unet" is listed`);
  const network = (part: string) => {
    const file = join(path, part, "model.onnx");
    if (!existsSync(file)) {
      throw new ModelFolderError(
        `${file}: missing; the folder must be exported to ONNX, with a model.onnx for each network`,
      );
    }
    return file;
  };
  const texts: TextPart[] = [];
  for (let i = 1; i <= TEXT_ENCODERS[family]; i++) {
    const suffix = i === 1 ? "" : `_${i}`;
    if (family === "sd3" && i === 3 && !hasPart(index, "text_encoder_3")) break;
    texts.push({ encoder: network(`text_encoder${suffix}`), tokenizer: join(path, `tokenizer${suffix}`) });
  }
  const encoder = join(path, "vae_encoder", "model.onnx");
  const encoderRefused = existsSync(encoder) ? refuseEncoder(encoder, family) : undefined;
  return {
    denoiserKind,
    denoiser: network(denoiserKind),
    vaeDecoder: network("vae_decoder"),
    vaeEncoder: existsSync(encoder) && encoderRefused === undefined ? encoder : undefined,
    texts,
    encoderRefused,
  };
}
