import type { Fields } from "./fields.ts";

/**
 * Which inputs a model's networks want and how its texts are prepared:
 * `sd` Stable Diffusion 1 and 2, its Turbo, and latent consistency models; `sdxl`, `sd3`, `flux` as their names say;
 * `plain` one text encoder and one denoiser, told the padding, as the embedded model has them.
 */
export type Family = "plain" | "sd" | "sdxl" | "sd3" | "flux";

/** Pipelines of diffusers (and of optimum's and diffusers' ONNX classes) by the beginning of their names. */
const PIPELINES: readonly (readonly [RegExp, Family])[] = [
  [/^(Onnx|ORT)?StableDiffusionXL(Img2Img|Inpaint)?Pipeline$/u, "sdxl"],
  [/^(ORT)?StableDiffusion3(Img2Img|Inpaint)?Pipeline$/u, "sd3"],
  [/^(Onnx|ORT)?StableDiffusion(Img2Img|Inpaint)?Pipeline$/u, "sd"],
  [/^(ORT)?LatentConsistencyModel(Img2Img)?Pipeline$/u, "sd"],
  [/^(ORT)?Flux(Img2Img|Inpaint)?Pipeline$/u, "flux"],
  [/^FlowMatchPipeline$/u, "plain"],
];

/** The family that `model_index.json` names. Throws ModelFolderError on one that is not built. */
export function readFamily(index: Fields): Family {
  const name = index.string("_class_name");
  const found = PIPELINES.find(([pattern]) => pattern.test(name));
  if (found) return found[1];
  throw index.fail(
    `"_class_name" ${name} is not supported; use StableDiffusionPipeline, LatentConsistencyModelPipeline, ` +
      "StableDiffusionXLPipeline, StableDiffusion3Pipeline or FluxPipeline",
  );
}
