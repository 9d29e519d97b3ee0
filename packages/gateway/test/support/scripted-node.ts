import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import {
  type FormPart,
  type GenerationEvent,
  type ModelCard,
  parseMultipart,
  parseSize,
  readBoundary,
  toModelObject,
} from "@atoma/contract";
import { Encoder } from "cbor-x";
import sharp from "sharp";

const encoder = new Encoder({ useRecords: false, tagUint8Array: false });

export const card: ModelCard = {
  id: "scripted",
  aliases: [],
  created: 1_700_000_000,
  ownedBy: "tests",
  maxPromptLength: 32_000,
  sizes: { kind: "range", multiple: 16, maxEdge: 3840, minPixels: 4096, maxPixels: 8_294_400, maxAspectRatio: 3 },
  defaultSize: "64x64",
  maxImages: 10,
  defaultQuality: "medium",
  steps: { default: 4, max: 50 },
  guidanceScale: { default: 3 },
  formats: ["png", "webp", "jpeg"],
  seeds: true,
  negativePrompts: true,
  transparentBackground: true,
  streaming: true,
  edits: false,
  pricing: { perMille: 1000 },
};

/** A request as the gateway sends it to a node. */
export interface NodeJob {
  readonly n: number;
  readonly size: string;
  readonly seed?: number;
  readonly output_format: "png" | "jpeg" | "webp";
  readonly output_compression: number;
  readonly partial_images: number;
  readonly [field: string]: unknown;
}

export type Behaviour = (job: NodeJob, response: ServerResponse, request: IncomingMessage) => Promise<void> | void;

export interface NodeRequest {
  readonly headers: IncomingMessage["headers"];
  readonly job: NodeJob;
  /** Of an edit. */
  readonly files: readonly FormPart[];
}

export interface ScriptedNode extends AsyncDisposable {
  readonly url: string;
  /** What `/v1/load` says; without it there is no such path. */
  load: object | undefined;
  loadAsked: number;
  /** What the next generations get; the default makes real pictures. */
  behave: Behaviour;
  readonly requests: NodeRequest[];
  /** Generations whose connection the gateway closed before they were answered. */
  cancelled: number;
  readonly port: number;
  /** How many connections it has now. */
  connections(): Promise<number>;
  /** What it was asked about requests: method and id. */
  readonly asked: string[];
  /** What it says about them; the default knows none, and cancels every one. */
  remember: (request: IncomingMessage, response: ServerResponse) => void;
}

/** A real picture of one colour, which the seed decides. */
export async function picture(job: NodeJob, seed: number): Promise<Uint8Array> {
  const size = parseSize(job.size);
  if (!size) throw new Error(job.size);
  const background = { r: seed & 255, g: (seed >> 8) & 255, b: (seed >> 16) & 255 };
  const image = sharp({ create: { ...size, channels: 3, background } });
  if (job.output_format === "png") return image.png().toBuffer();
  return image.toFormat(job.output_format, { quality: Math.max(1, job.output_compression) }).toBuffer();
}

export function writeEvent(response: ServerResponse, event: GenerationEvent): void {
  if (!response.headersSent) response.writeHead(200, { "content-type": "application/cbor-seq" });
  response.write(encoder.encode(event));
}

/** Sends one picture as a node does: previews first. */
export async function sendPicture(job: NodeJob, response: ServerResponse, index: number, seed: number): Promise<void> {
  const size = parseSize(job.size);
  if (!size) throw new Error(job.size);
  const bytes = await picture(job, seed);
  for (let step = 1; step <= 2; step++) writeEvent(response, { type: "progress", index, step, steps: 2 });
  for (let partial = 0; partial < job.partial_images; partial++) {
    writeEvent(response, { type: "partial", index, partial, bytes });
  }
  writeEvent(response, { type: "image", index, bytes, seed, ...size, format: job.output_format });
}

export function finish(response: ServerResponse): void {
  const details = { text_tokens: 3, image_tokens: 0 };
  const usage = { total_tokens: 19, input_tokens: 3, output_tokens: 16, input_tokens_details: details };
  writeEvent(response, { type: "done", usage });
  response.end();
}

export const makePictures: Behaviour = async (job, response) => {
  const first = job.seed ?? Math.floor(Math.random() * 2 ** 32);
  for (let index = 0; index < job.n; index++) await sendPicture(job, response, index, (first + index) % 2 ** 32);
  finish(response);
};

/** A form as the job that its texts describe, and its files. */
function readForm(body: Buffer, contentType: string): Omit<NodeRequest, "headers"> {
  const parts = parseMultipart(body, readBoundary(contentType));
  const texts = parts.filter(({ value }) => typeof value === "string").map(({ name, value }) => [name, value]);
  const fields: Record<string, unknown> = Object.fromEntries(texts);
  for (const name of ["n", "steps", "seed", "guidance_scale", "partial_images", "output_compression"]) {
    if (fields[name] !== undefined) fields[name] = Number(fields[name]);
  }
  // What the gateway sends is what these tests are about.
  return { job: fields as unknown as NodeJob, files: parts.filter(({ value }) => typeof value !== "string") };
}

async function readJob(request: IncomingMessage): Promise<Omit<NodeRequest, "headers">> {
  const body = Buffer.concat(await request.toArray());
  const type = request.headers["content-type"] ?? "";
  return type.startsWith("multipart/") ? readForm(body, type) : { job: JSON.parse(body.toString()), files: [] };
}

/** A node that does as it is told: the place where faults come from. */
export async function startScriptedNode(cards: readonly ModelCard[] = [card], port = 0): Promise<ScriptedNode> {
  const server = createServer((request, response) => {
    if (request.url === "/v1/models") {
      response.end(JSON.stringify({ object: "list", data: cards.map((c) => toModelObject(c)) }));
    } else if (request.url === "/readyz") {
      response.end("{}");
    } else if (request.url === "/v1/load" && node.load) {
      node.loadAsked++;
      response.end(JSON.stringify(node.load));
    } else if (request.url?.startsWith("/v1/requests/")) {
      node.asked.push(`${request.method} ${request.url.slice("/v1/requests/".length)}`);
      node.remember(request, response);
    } else if (request.method !== "POST") {
      response.writeHead(404).end();
    } else {
      response.on("close", () => {
        if (!response.writableFinished) node.cancelled++;
      });
      readJob(request)
        .then((read) => {
          node.requests.push({ headers: request.headers, ...read });
          return node.behave(read.job, response, request);
        })
        .catch(() => response.destroy());
    }
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const { port: bound } = server.address() as AddressInfo; // listening on TCP
  const node: ScriptedNode = {
    url: `http://127.0.0.1:${bound}`,
    port: bound,
    behave: makePictures,
    load: undefined,
    loadAsked: 0,
    connections: promisify(server.getConnections.bind(server)),
    requests: [],
    cancelled: 0,
    asked: [],
    remember: (request, response) => void response.writeHead(request.method === "DELETE" ? 204 : 404).end(),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return node;
}
