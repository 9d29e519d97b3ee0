import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { DialectName } from "@atoma/contract";
import { type NodeJob, picture } from "./scripted-node.ts";

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

type Body = Readonly<Record<string, unknown>>;

/** A kind of server as its source and documentation describe it. */
interface Kind {
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
}

class Refused {
  readonly status: number;
  readonly body: unknown;
  constructor(status: number, body: unknown) {
    this.status = status;
    this.body = body;
  }
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
    usage: {
      total_tokens: 19,
      input_tokens: 3,
      output_tokens: 16,
      input_tokens_details: { text_tokens: 3, image_tokens: 0 },
    },
  }),
  complain: (message, _status, field) => envelope(message, field, "invalid_value"),
  seedOf: (seed, i) => seed + i,
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
};

export const KINDS: Readonly<Record<ForeignName, Kind>> = {
  openai,
  "vllm-omni": vllmOmni,
  sglang,
  sdcpp,
  mistralrs,
  localai,
};

export interface ForeignRequest {
  readonly headers: IncomingMessage["headers"];
  readonly body: Body;
  /** What the server made of it. */
  readonly understood: Understood | undefined;
}

/** What goes wrong with the next requests; undefined: nothing. */
export type Fault = (response: ServerResponse, normal: () => Promise<unknown>, request: Body) => Promise<void> | void;

export interface ForeignServer extends AsyncDisposable {
  readonly url: string;
  readonly requests: ForeignRequest[];
  fault: Fault | undefined;
  /** Ids of the models that it lists. */
  listed: readonly string[];
  /** Pictures that it serves under their paths, and which of them were fetched. */
  readonly files: Map<string, Uint8Array>;
  readonly fetched: string[];
  /** Paths of other requests than generations and health checks. */
  readonly strays: string[];
  /** Generations whose connection was closed before they were answered. */
  cancelled: number;
  /** Generations of others that it has, besides those under way. */
  strangers: number;
  /** What it answers when it is asked for its metrics; undefined: as its kind does. */
  metrics: ((response: ServerResponse) => void) | undefined;
  /** How often it was asked for them. */
  scraped: number;
}

async function draw(kind: Kind, what: Understood): Promise<Uint8Array[]> {
  const first = what.seed ?? Math.floor(Math.random() * 2 ** 24);
  const { size, format: output_format, compression: output_compression } = what;
  const job = { n: what.n, size, output_format, output_compression, partial_images: 0 };
  const one = (i: number) => picture(job, kind.seedOf(first, i) % 2 ** 24);
  return Promise.all(Array.from({ length: what.n }, (_, i) => one(i)));
}

/** A server of a kind, as its documentation says it behaves. */
export async function startForeignServer(name: ForeignName, port = 0): Promise<ForeignServer> {
  const kind = KINDS[name];
  let underWay = 0;

  async function generate(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let raw = "";
    for await (const chunk of request) raw += chunk;
    const body: Body = JSON.parse(raw);
    const understood = kind.understand(body);
    const refused = understood instanceof Refused;
    server.requests.push({ headers: request.headers, body, understood: refused ? undefined : understood });
    const json = { "content-type": "application/json" };
    const normal = async () => (refused ? understood.body : kind.answer(await draw(kind, understood), body));
    if (server.fault) return server.fault(response, normal, body);
    response.writeHead(refused ? understood.status : 200, json).end(JSON.stringify(await normal()));
  }

  const http = createServer((request, response) => {
    if (request.method === "POST" && request.url === "/v1/images/generations") {
      underWay++;
      response.on("close", () => {
        underWay--;
        if (!response.writableFinished) server.cancelled++;
      });
      generate(request, response).catch(() => response.destroy());
      return;
    }
    if (request.url === "/v1/models") {
      const data = server.listed.map((id) => ({ id, object: "model", owned_by: "local" }));
      response.end(JSON.stringify({ object: "list", data }));
      return;
    }
    if (request.url === kind.healthPath) {
      response.end("{}");
      return;
    }
    if (request.url === "/metrics" && kind.metrics) {
      server.scraped++;
      const all = server.strangers + underWay;
      const running = Math.min(1, all);
      if (server.metrics) server.metrics(response);
      else response.end(kind.metrics(running, all - running));
      return;
    }
    const file = server.files.get(request.url ?? "");
    if (file) {
      server.fetched.push(request.url ?? "");
      response.end(file);
      return;
    }
    server.strays.push(request.url ?? "");
    response.writeHead(404).end();
  });
  http.listen(port, "127.0.0.1");
  await once(http, "listening");
  const { port: bound } = http.address() as AddressInfo; // listening on TCP
  const server: ForeignServer = {
    url: `http://127.0.0.1:${bound}`,
    requests: [],
    fault: undefined,
    listed: ["gpt-image-1"],
    files: new Map(),
    fetched: [],
    strays: [],
    cancelled: 0,
    strangers: 0,
    metrics: undefined,
    scraped: 0,
    async [Symbol.asyncDispose]() {
      http.closeAllConnections();
      http.close();
      await once(http, "close");
    },
  };
  return server;
}
