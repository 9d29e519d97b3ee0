// A node that speaks our dialect and takes its time: one picture after the other, so many ms for each step. Speaks with its
// parent over IPC: where it is, and when callers left.
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { parseSize, toModelObject } from "@atoma/contract";
import { Encoder } from "cbor-x";
import { card } from "../../packages/gateway/test/support/scripted-node.ts";
import { pictureOf } from "../gateway/picture.ts";

const msPerStep = Number(process.argv[2]);
const tell = (message: object) => process.send?.(message);
const encoder = new Encoder({ useRecords: false, tagUint8Array: false });
const bytes = await pictureOf(2048);
const image = { type: "image", index: 0, bytes, seed: 7, width: 64, height: 64, format: "png" };
const pixels = 64 * 64;
const details = { text_tokens: 3, image_tokens: 0 };
const usage = { total_tokens: 3, input_tokens: 3, output_tokens: 0, input_tokens_details: details };
const answer = Buffer.concat([encoder.encode(image), encoder.encode({ type: "done", usage })]);

/** Steps of those that wait and of the one that runs. */
let pending = 0;
let last: Promise<void> = Promise.resolve();

/** Resolves after this long, or when the caller has left. */
const draw = (response: ServerResponse, ms: number) =>
  new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    response.once("close", () => {
      clearTimeout(timer);
      resolve();
    });
  });

async function generate(response: ServerResponse, { steps, prompt }: { steps: number; prompt: string }): Promise<void> {
  pending += steps;
  response.once("close", () => {
    pending -= steps;
  });
  const before = last;
  const turn = Promise.withResolvers<void>();
  last = turn.promise;
  await before;
  if (!response.destroyed) {
    response.writeHead(200, { "content-type": "application/cbor-seq" });
    response.write(encoder.encode({ type: "progress", index: 0, step: 1, steps }));
    tell({ began: prompt });
    await draw(response, steps * msPerStep);
    response.end(answer);
  }
  turn.resolve();
}

const models = JSON.stringify({ object: "list", data: [toModelObject(card)] });
const load = () => ({
  pending_pixel_steps: pending * pixels,
  models: [{ id: card.id, seconds_per_pixel_step: msPerStep / 1000 / pixels }],
});

/** Prompts by the id of their request, whose cancellation is what stops a node of our own. */
const prompts = new Map<string, string>();

function cancel(path: string, response: ServerResponse): void {
  tell({ left: prompts.get(decodeURIComponent(path.slice("/v1/requests/".length))), at: Date.now() });
  response.writeHead(204).end();
}

const server = createServer({ keepAliveTimeout: 600_000 }, async (request, response) => {
  const { method, url = "", headers } = request;
  if (method === "DELETE") return cancel(url, response);
  if (method !== "POST") {
    response.end(url === "/v1/models" ? models : url === "/v1/load" ? JSON.stringify(load()) : "{}");
    return;
  }
  const job = JSON.parse(Buffer.concat(await request.toArray()).toString());
  prompts.set(String(headers["x-request-id"]), job.prompt);
  const size = parseSize(job.size);
  if (size?.width !== 64 || size.height !== 64) throw new Error(`asked for ${job.size}`);
  await generate(response, job);
});
server.listen(0, "127.0.0.1", () => tell({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }));
process.on("disconnect", () => process.exit());
