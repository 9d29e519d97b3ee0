import type { OpenEnum } from "../../types/enums.ts";

export { createImageRequestFromJSON, createImageRequestToJSON } from "./json/createimagerequest.ts";

type Optional<T> = T | null | undefined;

/** Fields that creating and editing share. null is as good as leaving a field out. */
export interface ImageOptions {
  /** What the picture shows. */
  prompt: string;
  /** Such as `black-forest-labs/FLUX.1-schnell`. Left out: the server's default model. */
  model?: Optional<string>;
  /** How many pictures, 1 to 10. Default 1. */
  n?: Optional<number>;
  /** Width and height in pixels, or `auto`. */
  size?: Optional<OpenEnum<"auto" | "256x256" | "512x512" | "1024x1024" | "1536x1024" | "1024x1536">>;
  quality?: Optional<OpenEnum<"auto" | "low" | "medium" | "high" | "standard" | "hd">>;
  /** Left out: the answer has both. */
  responseFormat?: Optional<OpenEnum<"url" | "b64_json">>;
  outputFormat?: Optional<OpenEnum<"png" | "jpeg" | "webp">>;
  /** 0 (smallest) to 100 (best), for jpeg and webp. */
  outputCompression?: Optional<number>;
  /** `transparent` needs png or webp. */
  background?: Optional<OpenEnum<"transparent" | "opaque" | "auto">>;
  /** A name for your own user, for whoever runs the server. */
  user?: Optional<string>;
  /** 0 to 4,294,967,295. Picture i of n uses seed + i. */
  seed?: Optional<number>;
  /** Denoising steps, from 1; the model sets the bound. */
  steps?: Optional<number>;
  /** Guidance scale, 0 to 20. */
  guidanceScale?: Optional<number>;
  /** What the picture must not show. */
  negativePrompt?: Optional<string>;
  /** One of those that the model's `capabilities.schedulers` names, like `euler` or `dpmpp_2m_karras`. */
  scheduler?: Optional<string>;
  /** Pixels; together with `height`, in the place of `size`. */
  width?: Optional<number>;
  /** Pixels; together with `width`. */
  height?: Optional<number>;
  /** Further fields, sent as they are named here. */
  additionalFields?: Record<string, unknown> | undefined;
}

export interface CreateImageRequest extends ImageOptions {
  style?: Optional<OpenEnum<"vivid" | "natural">>;
  moderation?: Optional<OpenEnum<"auto" | "low">>;
  /** `generate` takes only false: to stream, call `generateStream`. */
  stream?: Optional<false>;
}

export interface CreateImageStreamRequest extends Omit<CreateImageRequest, "stream"> {
  stream?: Optional<boolean>;
  /** How many unfinished pictures to send on the way, 0 to 3. Default 0. */
  partialImages?: Optional<number>;
}
