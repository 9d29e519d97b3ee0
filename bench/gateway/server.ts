// One of the benchmark's processes: `node`, `floor` or `gateway`. Speaks with its parent over IPC.
import { mkdir } from "node:fs/promises";
import { Agent, createServer, type RequestListener, request } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { toModelObject } from "@atoma/contract";
import { startGateway } from "@atoma/gateway";
import { openLedger } from "@atoma/ledger";
import { Encoder } from "cbor-x";
import pino from "pino";
import { card } from "../../packages/gateway/test/support/scripted-node.ts";
import { pictureOf } from "./picture.ts";

const [role = "", target = "", folder = ""] = process.argv.slice(2);
const tell = (message: object) => process.send?.(message);

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer({ keepAliveTimeout: 600_000 }, listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Answers at once, with a picture as large as the prompt says: events for a gateway, JSON for anyone else. */
async function startNode(): Promise<string> {
  const encoder = new Encoder({ useRecords: false, tagUint8Array: false });
  const details = { text_tokens: 3, image_tokens: 0 };
  const usage = { total_tokens: 19, input_tokens: 3, output_tokens: 16, input_tokens_details: details };
  const answers = new Map<string, { events: Buffer; json: Buffer }>();
  for (const prompt of ["2048", "1400000"]) {
    const bytes = await pictureOf(Number(prompt));
    const image = { type: "image", index: 0, bytes, seed: 7, width: 64, height: 64, format: "png" };
    const events = Buffer.concat([encoder.encode(image), encoder.encode({ type: "done", usage })]);
    const json = Buffer.from(JSON.stringify({ created: 1, data: [{ b64_json: bytes.toString("base64") }], usage }));
    answers.set(prompt, { events, json });
  }
  const models = JSON.stringify({ object: "list", data: [toModelObject(card)] });
  return listen((incoming, response) => {
    if (incoming.method === "GET") {
      response.end(incoming.url === "/v1/models" ? models : "{}");
      return;
    }
    let body = "";
    incoming.on("data", (chunk) => {
      body += chunk;
    });
    incoming.on("end", () => {
      const answer = answers.get(JSON.parse(body).prompt);
      const cbor = incoming.headers.accept?.includes("cbor-seq");
      response.writeHead(200, { "content-type": cbor ? "application/cbor-seq" : "application/json" });
      response.end(cbor ? answer?.events : answer?.json);
    });
  });
}

/** The least that stands between client and node: bytes in, bytes out. */
function startFloor(): Promise<string> {
  const agent = new Agent({ keepAlive: true });
  return listen((incoming, response) => {
    const { method = "GET", headers } = incoming;
    const onward = request(target + incoming.url, { agent, method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    incoming.pipe(onward);
  });
}

async function startGatewayProcess(): Promise<{ url: string; key: string }> {
  await mkdir(folder, { recursive: true });
  const ledger = await openLedger(`sqlite:${join(folder, "ledger.db")}`);
  const account = await ledger.createAccount({ name: "bench" });
  await ledger.grant(account.id, Number.MAX_SAFE_INTEGER, { reference: "bench" });
  const { key } = await ledger.createKey({ accountId: account.id, name: "bench" });
  const log = pino({ level: "info" }, pino.destination({ dest: join(folder, "log"), sync: false }));
  const nodes = target.split(",").map((url, i) => ({ name: `n${i}`, url }));
  const { url } = await startGateway({
    host: "127.0.0.1",
    port: 0,
    ledger,
    log,
    nodes,
    filesDir: join(folder, "files"),
  });
  return { url, key };
}

process.on("message", (what) => {
  if (what === "cpu") return tell({ cpu: process.cpuUsage() });
  globalThis.gc?.();
  return tell({ memory: process.memoryUsage(), resident: process.resourceUsage().maxRSS * 1024 });
});
process.on("disconnect", () => process.exit());

if (role === "node") tell({ url: await startNode() });
if (role === "floor") tell({ url: await startFloor() });
if (role === "gateway") tell(await startGatewayProcess());
