import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { parseMultipart, readBoundary } from "@atoma/contract";
import {
  type Body,
  type Edit,
  type ForeignName,
  KINDS,
  type Kind,
  Refused,
  textsOf,
  type Understood,
} from "./foreign-kinds.ts";
import { picture } from "./scripted-node.ts";

export interface ForeignRequest extends Edit {
  readonly headers: IncomingMessage["headers"];
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

const EDITS = "/v1/images/edits";

/** A server of a kind, as its documentation says it behaves. */
export async function startForeignServer(name: ForeignName, port = 0): Promise<ForeignServer> {
  const kind = KINDS[name];
  let underWay = 0;

  async function readEdit(request: IncomingMessage): Promise<Edit | Refused> {
    const raw = Buffer.concat(await request.toArray());
    const { "content-type": type = "" } = request.headers;
    if (type.startsWith("application/json")) {
      const body: Body = JSON.parse(raw.toString());
      return { body, images: kind.imagesOf?.(body) ?? [], mask: undefined };
    }
    const parts = parseMultipart(raw, readBoundary(type));
    const body = textsOf(parts);
    const files = kind.edit?.(parts, body) ?? new Refused(404, {});
    return files instanceof Refused ? files : { body, ...files };
  }

  async function generate(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const edit = await readEdit(request);
    const { body, images, mask } = edit instanceof Refused ? { body: {}, images: [], mask: undefined } : edit;
    const operation = request.url === EDITS ? "image_edit" : "image_generation";
    // The endpoint of edits has its own checks of fields.
    const { input_fidelity: _fidelity, ...rest } = body;
    const understood = edit instanceof Refused ? edit : kind.understand(operation === "image_edit" ? rest : body);
    const refused = understood instanceof Refused;
    const meaning = refused ? undefined : understood;
    server.requests.push({ headers: request.headers, body, images, mask, understood: meaning });
    const json = { "content-type": "application/json" };
    const normal = async () => (refused ? understood.body : kind.answer(await draw(kind, understood), body));
    if (server.fault) return server.fault(response, normal, body);
    if (!refused && body.stream === true && kind.stream) {
      const stream = kind.stream(await draw(kind, understood), body, operation);
      response.writeHead(200, { "content-type": "text/event-stream" }).end(stream);
      return;
    }
    response.writeHead(refused ? understood.status : 200, json).end(JSON.stringify(await normal()));
  }

  const http = createServer((request, response) => {
    const made = request.url === "/v1/images/generations" || (kind.edit !== undefined && request.url === EDITS);
    if (request.method === "POST" && made) {
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
