import type { DialectName, FormPart } from "@atoma/contract";
import type { NodeJob } from "./scripted-node.ts";

export type ForeignName = Exclude<DialectName, "atoma">;

/** What a server took a request to mean. */
export interface Understood {
  readonly prompt: string;
  readonly negative: string;
  readonly n: number;
  readonly size: string;
  readonly steps: number | undefined;
  readonly guidance: number | undefined;
  /** Undefined: the server draws one. */
  readonly seed: number | undefined;
  readonly format: NodeJob["output_format"];
  readonly compression: number;
}

export type Body = Readonly<Record<string, unknown>>;

/** An edit as it was sent. */
export interface Edit {
  /** Texts, and numbers where the server takes them for some. */
  readonly body: Body;
  readonly images: readonly Uint8Array[];
  readonly mask: Uint8Array | undefined;
}

/** A kind of server as its source and documentation describe it. */
export interface Kind {
  readonly healthPath: string;
  /** The meaning of a request, or the answer that refuses it. */
  readonly understand: (body: Body) => Understood | Refused;
  /** The answer around its pictures. */
  readonly answer: (pictures: readonly Uint8Array[], body: Body) => unknown;
  /** The body of an error. */
  readonly complain: (message: string, status: number, field: string) => unknown;
  /** What `/metrics` says while it works on so many requests, and so many wait; without it there is no such path. */
  readonly metrics?: (running: number, waiting: number) => string;
  /** The seed of picture `i`, of a request with this seed. */
  readonly seedOf: (seed: number, i: number) => number;
  /** The pictures of a form, or why it is refused; absent where there is no such endpoint. */
  readonly edit?: (parts: readonly FormPart[], body: Body) => Pick<Edit, "images" | "mask"> | Refused;
  /** The pictures in a JSON body. */
  readonly imagesOf?: (body: Body) => readonly Uint8Array[];
  /** The text of a stream, where one is asked for and known. */
  readonly stream?: (pictures: readonly Uint8Array[], body: Body, operation: string) => string;
}

export class Refused {
  readonly status: number;
  readonly body: unknown;
  constructor(status: number, body: unknown) {
    this.status = status;
    this.body = body;
  }
}

/** The files with one of the names. */
const filesOf = (parts: readonly FormPart[], ...names: readonly string[]) =>
  parts.flatMap(({ name, value }) => (names.includes(name) && typeof value !== "string" ? [value] : []));

const NUMBERS = ["n", "seed", "num_inference_steps", "guidance_scale", "output_compression", "partial_images"];

/** The texts of a form, read as a typed server reads them. */
export function textsOf(parts: readonly FormPart[]): Body {
  const texts = parts.filter(({ value }) => typeof value === "string");
  return Object.fromEntries(
    texts.map(({ name, value }) => [name, NUMBERS.includes(name) ? Number(value) : value === "true" ? true : value]),
  );
}

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
const now = () => Math.floor(Date.now() / 1000);
const text = (value: unknown) => (typeof value === "string" ? value : "");
const number = (value: unknown) => (typeof value === "number" ? value : undefined);
const format = (value: unknown): Understood["format"] => (value === "jpeg" || value === "webp" ? value : "png");

const common = (body: Body) => ({
  prompt: text(body.prompt),
  negative: text(body.negative_prompt),
  n: number(body.n) ?? 1,
  size: text(body.size),
  steps: number(body.num_inference_steps),
  guidance: number(body.guidance_scale),
  seed: number(body.seed),
  format: format(body.output_format),
  compression: number(body.output_compression) ?? 100,
});

const envelope = (message: string, param: string | null, code: string | null) => ({
  error: { message, type: "invalid_request_error", param, code },
});

const OPENAI_FIELDS = [
  ...["model", "prompt", "n", "size", "quality", "background", "moderation", "output_format", "output_compression"],
  ...["user", "stream", "partial_images"],
];
/** https://platform.openai.com/docs/api-reference/images/createEdit */
const OPENAI_EDIT_FIELDS = [...OPENAI_FIELDS.filter((name) => name !== "moderation"), "input_fidelity"];
const OPENAI_USAGE = {
  total_tokens: 19,
  input_tokens: 3,
  output_tokens: 16,
  input_tokens_details: { text_tokens: 3, image_tokens: 0 },
};

/** https://platform.openai.com/docs/api-reference/images/create, for the GPT image models. */
const openai: Kind = {
  healthPath: "/v1/models",
  understand(body) {
    const unknown = Object.keys(body).find((key) => !OPENAI_FIELDS.includes(key));
    if (unknown === undefined) return { ...common(body), negative: "", steps: undefined, guidance: undefined };
    return new Refused(400, envelope(`Unknown parameter: '${unknown}'.`, unknown, "unknown_parameter"));
  },
  answer: (pictures) => ({
    created: now(),
    data: pictures.map((bytes) => ({ b64_json: base64(bytes) })),
    usage: OPENAI_USAGE,
  }),
  complain: (message, _status, field) => envelope(message, field, "invalid_value"),
  seedOf: (seed, i) => seed + i,
  edit(parts, body) {
    const unknown = Object.keys(body).find((key) => !OPENAI_EDIT_FIELDS.includes(key));
    if (unknown !== undefined) {
      return new Refused(400, envelope(`Unknown parameter: '${unknown}'.`, unknown, "unknown_parameter"));
    }
    const images = filesOf(parts, "image", "image[]");
    if (images.length === 0) return new Refused(400, envelope("Missing required parameter: 'image'.", "image", null));
    return { images, mask: filesOf(parts, "mask")[0] };
  },
  stream(pictures, body, operation) {
    const common = { created_at: now(), size: body.size, quality: "high", background: "opaque", output_format: "png" };
    const events = pictures.flatMap((bytes) => {
      const item = { b64_json: base64(bytes), ...common };
      const partial = (i: number) => ({ type: `${operation}.partial_image`, partial_image_index: i, ...item });
      const partials = Array.from({ length: number(body.partial_images) ?? 0 }, (_, i) => partial(i));
      return [...partials, { type: `${operation}.completed`, usage: OPENAI_USAGE, ...item }];
    });
    return events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join("");
  },
};

/** vllm_omni/entrypoints/openai/protocol/images.py */
const vllmOmni: Kind = {
  healthPath: "/health",
  understand(body) {
    const steps = number(body.num_inference_steps);
    if ((body.response_format ?? "b64_json") !== "b64_json" || (steps ?? 1) > 200) {
      return new Refused(400, vllmOmni.complain("Only 'b64_json' or 'file' response format is supported", 400, ""));
    }
    // It knows no output_compression, and draws n pictures from one generator.
    return { ...common(body), compression: 100 };
  },
  answer: (pictures, body) => ({
    created: now(),
    data: pictures.map((bytes) => ({ b64_json: base64(bytes), url: null, revised_prompt: null })),
    output_format: body.output_format ?? "png",
    size: body.size,
    metrics: null,
  }),
  complain: (message, status) => ({ error: { message, type: "BadRequestError", param: null, code: status } }),
  // vllm_omni/metrics/prometheus.py
  metrics: (running, waiting) => `# HELP python_info Python platform information
# TYPE python_info gauge
python_info{implementation="CPython",major="3",minor="12",patchlevel="11",version="3.12.11"} 1.0
# HELP vllm_omni:num_requests_running Number of requests currently running across all pipeline stages.
# TYPE vllm_omni:num_requests_running gauge
vllm_omni:num_requests_running{model_name="Qwen/Qwen-Image"} ${running.toFixed(1)}
# HELP vllm_omni:num_requests_waiting Number of requests waiting to be scheduled.
# TYPE vllm_omni:num_requests_waiting gauge
vllm_omni:num_requests_waiting{model_name="Qwen/Qwen-Image"} ${waiting.toFixed(1)}
# TYPE vllm_omni:e2e_request_latency_s histogram
vllm_omni:e2e_request_latency_s_bucket{le="+Inf",model_name="Qwen/Qwen-Image"} 12.0
`,
  seedOf: (seed, i) => seed * 7919 + i,
  edit(parts) {
    const images = filesOf(parts, "image");
    if (images.length === 0) return new Refused(422, { detail: "Field 'image' or 'url' is required" });
    // Its masks are a text, `mask_image`.
    return { images, mask: undefined };
  },
};

/** python/sglang/multimodal_gen/runtime/entrypoints/openai/{protocol,image_api}.py */
const sglang: Kind = {
  healthPath: "/health",
  understand(body) {
    const { seed, n, ...rest } = common(body);
    return { ...rest, n: Math.max(1, Math.min(n, 10)), size: rest.size || "1024x1024", seed: seed ?? 1024 };
  },
  answer: (pictures, body) => ({
    id: "5f0c",
    created: now(),
    data: pictures.map((bytes, i) =>
      body.response_format === "b64_json"
        ? { b64_json: base64(bytes), url: null, revised_prompt: body.prompt, file_path: `/srv/outputs/${i}.png` }
        : { b64_json: null, url: `/v1/images/5f0c/content?variant=${i}`, file_path: `/srv/outputs/${i}.png` },
    ),
    peak_memory_mb: 812.5,
    inference_time_s: 0.4,
    usage: { image_count: pictures.length },
  }),
  complain: (message, _status, field) => ({ detail: [{ type: "value_error", loc: ["body", field], msg: message }] }),
  seedOf: (seed, i) => seed + i,
  edit(parts) {
    const images = filesOf(parts, "image", "image[]");
    if (images.length === 0) return new Refused(422, { detail: "Field 'image' or 'url' is required" });
    // A mask is accepted, and not looked at.
    return { images, mask: undefined };
  },
};

const EXTRA = /<sd_cpp_extra_args>(.*?)<\/sd_cpp_extra_args>/;

/** examples/server/routes_openai.cpp and api.md of stable-diffusion.cpp */
const sdcpp: Kind = {
  healthPath: "/v1/models",
  understand(body) {
    const prompt = text(body.prompt);
    if (prompt === "") return new Refused(400, { error: "prompt required" });
    const match = EXTRA.exec(prompt);
    let extra: Body & { readonly sample_params?: Body & { readonly guidance?: Body } } = {};
    try {
      if (match?.[1] !== undefined) extra = JSON.parse(match[1]);
    } catch {
      return new Refused(400, { error: "invalid sd_cpp_extra_args" });
    }
    const size = /^(\d+)x(\d+)/.exec(text(body.size));
    return {
      prompt: prompt.replaceAll(new RegExp(EXTRA, "g"), ""),
      negative: text(extra.negative_prompt),
      n: Math.max(1, number(body.n) ?? 1),
      size: size ? `${size[1]}x${size[2]}` : "512x512",
      steps: number(extra.sample_params?.sample_steps) ?? 20,
      guidance: number(extra.sample_params?.guidance?.txt_cfg),
      seed: number(extra.seed) ?? 42,
      format: format(body.output_format),
      compression: number(body.output_compression) ?? 100,
    };
  },
  answer: (pictures, body) => ({
    created: now(),
    data: pictures.map((bytes) => ({ b64_json: base64(bytes) })),
    output_format: body.output_format ?? "png",
  }),
  complain: (message) => ({ error: message }),
  seedOf: (seed, i) => seed + i,
  edit(parts, body) {
    const images = filesOf(parts, "image[]");
    if (images.length === 0) return new Refused(400, { error: "at least one image[] required" });
    if (body.output_format === "webp") return new Refused(400, { error: "invalid output_format" });
    return { images, mask: filesOf(parts, "mask")[0] };
  },
};

/** mistralrs-server-core/src/{openai,image_generation}.rs */
const mistralrs: Kind = {
  healthPath: "/health",
  understand(body) {
    // Deterministic sampling, one picture, whatever is asked for.
    const { prompt } = common(body);
    const size = `${number(body.width) ?? 1280}x${number(body.height) ?? 720}`;
    const nothing = { negative: "", steps: undefined, guidance: undefined, format: "png", compression: 100 } as const;
    return { ...nothing, prompt, n: 1, size, seed: 0 };
  },
  answer: (pictures, body) => ({
    created: now(),
    data: pictures.map((bytes) =>
      body.response_format === "b64_json"
        ? { url: null, b64_json: `data:image/png;base64,${base64(bytes)}` }
        : { url: "/tmp/image-generation-0b5f.png", b64_json: null },
    ),
  }),
  complain: (message) => ({ message }),
  // docs/src/content/docs/guides/deploy/observability.mdx
  metrics: (running, waiting) => `# TYPE http_requests_total counter
http_requests_total{method="POST",path="/v1/images/generations",model="default",status="200"} 12
# TYPE mistralrs_sequences_running gauge
mistralrs_sequences_running ${running}
# TYPE mistralrs_sequences_waiting gauge
mistralrs_sequences_waiting ${waiting}
# TYPE mistralrs_sequences_capacity gauge
mistralrs_sequences_capacity 1
`,
  seedOf: () => 0,
};

/** core/http/endpoints/openai/image.go of LocalAI */
const localai: Kind = {
  healthPath: "/readyz",
  understand(body) {
    const [prompt = "", negative = ""] = text(body.prompt).split("|");
    const size = text(body.size).includes("x") ? text(body.size) : "512x512";
    const steps = number(body.step) ?? 15;
    const nothing = { guidance: undefined, format: "png", compression: 100 } as const;
    return { ...nothing, prompt, negative, n: number(body.n) || 1, size, steps, seed: undefined };
  },
  answer: (pictures, body) => ({
    id: "c2f1",
    created: now(),
    data: pictures.map((bytes, i) =>
      body.response_format === "b64_json"
        ? { b64_json: base64(bytes) }
        : { url: `http://localhost:8080/generated-images/b64${i}.png` },
    ),
    usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 },
  }),
  complain: (message, status) => ({ error: { code: status, message, type: "" } }),
  seedOf: (seed, i) => seed + i,
  imagesOf: ({ file }) => (typeof file === "string" ? [Buffer.from(file, "base64")] : []),
};

export const KINDS: Readonly<Record<ForeignName, Kind>> = {
  openai,
  "vllm-omni": vllmOmni,
  sglang,
  sdcpp,
  mistralrs,
  localai,
};
