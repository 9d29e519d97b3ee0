import Type, { type Static, type TSchema } from "typebox";
import { INPUT_FIDELITIES, MODERATIONS, OUTPUT_FORMATS, QUALITIES_IN, RESPONSE_FORMATS, STYLES } from "./fields.ts";

export const strings = (values: readonly string[], description?: string) =>
  Type.Union(
    values.map((v) => Type.Literal(v)),
    description === undefined ? {} : { description },
  );
const nullable = <T extends TSchema>(schema: T, description: string) =>
  Type.Optional(Type.Union([schema, Type.Null()], { description }));

const requestFields = {
  model: Type.Optional(Type.String({ description: "Id of the model; optional where the operator set a default." })),
  prompt: Type.String({ minLength: 1, description: "What to draw." }),
  n: nullable(Type.Integer({ minimum: 1, maximum: 10 }), "How many pictures. Default 1."),
  size: nullable(Type.String(), "`WIDTHxHEIGHT` in pixels, or `auto`. Default `auto`."),
  width: nullable(Type.Integer({ minimum: 1 }), "Pixels; together with `height`, instead of `size`."),
  height: nullable(Type.Integer({ minimum: 1 }), "Pixels; together with `width`, instead of `size`."),
  quality: nullable(strings(QUALITIES_IN), "`standard` means `medium`, `hd` means `high`. Default `auto`."),
  style: nullable(strings(STYLES), "Default `vivid`."),
  response_format: nullable(strings(RESPONSE_FORMATS), "What each item carries. Omitted: both `url` and `b64_json`."),
  output_format: nullable(strings(OUTPUT_FORMATS), "Default `png`."),
  output_compression: nullable(Type.Integer({ minimum: 0, maximum: 100 }), "For `jpeg` and `webp`. Default 100."),
  background: nullable(strings(["transparent", "opaque", "auto"]), "Default `auto`."),
  moderation: nullable(strings(MODERATIONS), "Default `auto`."),
  stream: nullable(Type.Boolean(), "Answer with server-sent events. Default false."),
  partial_images: nullable(Type.Integer({ minimum: 0, maximum: 3 }), "Previews in a stream. Default 0."),
  user: Type.Optional(Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()])),
  seed: nullable(Type.Integer({ minimum: 0, maximum: 2 ** 32 - 1 }), "Picture i uses seed + i. Default: random."),
  steps: nullable(Type.Integer({ minimum: 1 }), "Denoising steps. Default: the model's."),
  num_inference_steps: nullable(Type.Integer({ minimum: 1 }), "Another name for `steps`."),
  guidance_scale: nullable(Type.Number({ minimum: 0, maximum: 20 }), "Default and limit: the model's."),
  negative_prompt: nullable(Type.String(), "What not to draw."),
  scheduler: nullable(Type.String(), "One of those that the model names. Default: the model's own."),
};

/** Body of `POST /v1/images/generations`. `null` means the same as leaving the field out. */
export const CreateImageRequest = Type.Object(requestFields);
export type CreateImageRequest = Static<typeof CreateImageRequest>;

const inputFidelity = nullable(
  strings(INPUT_FIDELITIES),
  "How closely the pictures given are kept to, for models that say `input_fidelity`. Default `low`.",
);
const InputImage = Type.Object(
  {
    image_url: Type.String({
      maxLength: 20_971_520,
      pattern: "^data:image/(png|jpeg|webp);base64,",
      description: "The picture itself as a `data:` URL; nothing is fetched.",
    }),
  },
  { additionalProperties: false },
);

/** JSON body of `POST /v1/images/edits`. */
export const EditImageRequest = Type.Object({
  images: Type.Array(InputImage, {
    minItems: 1,
    maxItems: 16,
    description: "PNG, JPEG or WebP, at most 16.8 megapixels.",
  }),
  mask: nullable(
    InputImage,
    "A PNG of the first picture's size with transparency; what is transparent in it is painted anew.",
  ),
  input_fidelity: inputFidelity,
  ...requestFields,
});
export type EditImageRequest = Static<typeof EditImageRequest>;

const file = (description: string) => Type.Unsafe<Uint8Array>({ type: "string", format: "binary", description });

/** Multipart body of `POST /v1/images/edits`; its numbers and booleans are sent as text. */
export const EditImageForm = Type.Object({
  image: Type.Optional(file("A PNG, JPEG or WebP under 50 MB, of at most 16.8 megapixels.")),
  "image[]": Type.Optional(Type.Array(file("The same, for several."), { minItems: 1, maxItems: 16 })),
  mask: Type.Optional(file("A PNG under 4 MB of the first picture's size; what is transparent in it is painted anew.")),
  input_fidelity: inputFidelity,
  ...requestFields,
});

const count = Type.Integer({ minimum: 0 });
const tokenDetails = Type.Object({ text_tokens: count, image_tokens: count });

export const Usage = Type.Object({
  total_tokens: count,
  input_tokens: count,
  output_tokens: count,
  input_tokens_details: tokenDetails,
  output_tokens_details: Type.Optional(tokenDetails),
});

export const NotesSchema = Type.Object(
  {
    truncated_prompt: Type.Optional(
      Type.String({ description: "The end of the prompt, which the model did not read." }),
    ),
    truncated_negative_prompt: Type.Optional(Type.String()),
    unknown_words: Type.Optional(Type.Array(Type.String(), { description: "Words that the model does not know." })),
  },
  { description: "What became of the prompt besides being drawn; there only when there is something to say." },
);

const Failure = Type.Object({
  message: Type.String(),
  type: Type.String(),
  param: Type.Union([Type.String(), Type.Null()]),
  code: Type.Union([Type.String(), Type.Null()]),
});

const made = {
  size: Type.String(),
  quality: strings(["low", "medium", "high"]),
  background: strings(["transparent", "opaque"]),
  output_format: strings(OUTPUT_FORMATS),
};

export const ImageItem = Type.Object({
  b64_json: Type.Optional(Type.String({ minLength: 1, description: "Standard base64, no prefix." })),
  url: Type.Optional(Type.String({ format: "uri", description: "Absolute, of the server's own origin; expires." })),
  revised_prompt: Type.Optional(Type.String()),
  seed: Type.Optional(Type.Integer({ minimum: 0, maximum: 2 ** 32 - 1 })),
});
export type ImageItem = Static<typeof ImageItem>;

/** Answer to a generation request. */
export const CreateImageResponse = Type.Object({
  created: Type.Integer({ description: "Unix seconds." }),
  data: Type.Array(ImageItem, { minItems: 1 }),
  background: Type.Optional(made.background),
  output_format: Type.Optional(made.output_format),
  quality: Type.Optional(made.quality),
  size: Type.Optional(made.size),
  usage: Type.Optional(Usage),
  notes: Type.Optional(NotesSchema),
});
export type CreateImageResponse = Static<typeof CreateImageResponse>;

const unixSeconds = (description: string) => Type.Union([Type.Integer(), Type.Null()], { description });

/** An asynchronous generation: `result` is there when it has succeeded, `error` when it has failed. */
export const ImageGeneration = Type.Object({
  id: Type.String({ pattern: "^gen_[0-9a-z]+$" }),
  object: Type.Literal("image.generation"),
  status: strings(["queued", "running", "succeeded", "failed", "cancelled"]),
  model: Type.String(),
  created_at: Type.Integer({ description: "Unix seconds." }),
  started_at: unixSeconds("Unix seconds; null while it waits."),
  ended_at: unixSeconds("Unix seconds; null while it waits or runs."),
  expires_at: unixSeconds("When it is forgotten, with its pictures; null while it waits or runs."),
  result: Type.Optional(CreateImageResponse),
  error: Type.Optional(Failure),
});

/** What a key's webhook is told. */
export const ImageGenerationEnded = Type.Object({
  type: strings(["image.generation.succeeded", "image.generation.failed", "image.generation.cancelled"]),
  timestamp: Type.String({ description: "When it ended, in ISO 8601." }),
  data: Type.Object({
    id: Type.String({ description: "Of the generation." }),
    object: Type.Literal("image.generation"),
    status: strings(["succeeded", "failed", "cancelled"]),
  }),
});

export const ImagePartialEvent = Type.Object({
  type: Type.Literal("image_generation.partial_image"),
  b64_json: Type.String(),
  partial_image_index: count,
  created_at: Type.Integer(),
  ...made,
});
export type ImagePartialEvent = Static<typeof ImagePartialEvent>;

export const ImageCompletedEvent = Type.Object({
  type: Type.Literal("image_generation.completed"),
  b64_json: Type.String(),
  created_at: Type.Integer(),
  ...made,
  usage: Usage,
  notes: Type.Optional(NotesSchema),
  url: Type.Optional(Type.String({ format: "uri" })),
  seed: Type.Optional(Type.Integer({ minimum: 0 })),
});
export type ImageCompletedEvent = Static<typeof ImageCompletedEvent>;

export const ImageProgressEvent = Type.Object({
  type: Type.Literal("image_generation.progress"),
  step: count,
  steps: count,
  created_at: Type.Integer(),
});
export type ImageProgressEvent = Static<typeof ImageProgressEvent>;

/** Events of an edit are those of a generation under other names. */
export const ImageEditPartialEvent = Type.Object({
  ...ImagePartialEvent.properties,
  type: Type.Literal("image_edit.partial_image"),
});
export const ImageEditCompletedEvent = Type.Object({
  ...ImageCompletedEvent.properties,
  type: Type.Literal("image_edit.completed"),
});
export const ImageEditProgressEvent = Type.Object({
  ...ImageProgressEvent.properties,
  type: Type.Literal("image_edit.progress"),
});
/** The last event of a stream that failed after it began. */
export const ImageErrorEvent = Type.Object({ type: Type.Literal("error"), error: Failure });

export const Model = Type.Object({
  id: Type.String(),
  object: Type.Literal("model"),
  created: Type.Integer(),
  owned_by: Type.String(),
  capabilities: Type.Optional(
    Type.Object({}, { description: "Sizes, formats, steps, seeds, streaming, editing, example prompts." }),
  ),
});
export const ModelList = Type.Object({ object: Type.Literal("list"), data: Type.Array(Model) });
const limit = Type.Union([Type.Integer({ minimum: 1 }), Type.Null()], { description: "Null: no limit." });
export const Account = Type.Object({
  id: Type.String(),
  object: Type.Literal("account"),
  available: Type.Integer({ minimum: 0, description: "Compute units that can be used now." }),
  pending: Type.Integer({ minimum: 0, description: "Compute units held for pictures that are being made." }),
  posted: Type.Integer({ minimum: 0, description: "Compute units that were charged so far." }),
  key: Type.Object({
    id: Type.String(),
    name: Type.String(),
    last_four: Type.String({ description: "The last four characters of the key." }),
    expires_at: Type.Union([count, Type.Null()], { description: "Milliseconds since the epoch; null: never." }),
    allowed_models: Type.Union([Type.Array(Type.String()), Type.Null()], { description: "Null: all." }),
    requests_per_minute: limit,
    images_per_minute: limit,
    concurrent_requests: limit,
  }),
});
export const Health = Type.Object({ message: Type.String(), status: Type.Optional(Type.String()) });
export const ErrorResponse = Type.Object({ error: Failure });
