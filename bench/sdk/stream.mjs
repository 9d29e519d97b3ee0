// How fast a stream of 4 events of 1.05 MB is read, JSON included, through HTTP; and the parser alone, without HTTP and JSON.
import { readFileSync } from "node:fs";
import { AtomaSDK } from "atoma-sdk";
import OpenAI from "openai";
import { median, request, startServer } from "./clients.mjs";

const rounds = Number(process.argv[2] ?? 60);
const server = await startServer();
const base = `${server.url}/stream`;
const sdk = new AtomaSDK({ serverURL: base, bearerAuth: "k" });
const openai = new OpenAI({ baseURL: `${base}/v1`, apiKey: "k" });

const ways = {
  "raw fetch, chunks only": async () => {
    const { body } = await fetch(`${base}/v1/images/generations`, { method: "POST", body: "{}" });
    const reader = body.getReader();
    while (!(await reader.read()).done);
  },
  "raw fetch, text() only": async () =>
    (await fetch(`${base}/v1/images/generations`, { method: "POST", body: "{}" })).text(),
  "atoma-sdk": async () => {
    for await (const _ of sdk.images.generateStream(request));
  },
  openai: async () => {
    for await (const _ of await openai.images.generate({ ...request, stream: true }));
  },
};
const wall = Object.fromEntries(Object.keys(ways).map((way) => [way, []]));
const cpu = Object.fromEntries(Object.keys(ways).map((way) => [way, []]));
for (let round = -3; round < rounds; round++) {
  for (const [way, read] of Object.entries(ways)) {
    const before = process.cpuUsage();
    const start = performance.now();
    await read();
    if (round < 0) continue;
    wall[way].push(performance.now() - start);
    const { user, system } = process.cpuUsage(before);
    cpu[way].push((user + system) / 1000);
  }
}
const speed = (ms) => (server.streamBytes / 1000 / median(ms)).toFixed(0);
for (const way of Object.keys(ways)) {
  console.log(`${way.padEnd(24)} ${speed(wall[way])} MB/s   ${speed(cpu[way])} MB per second of CPU`);
}
server.stop();

// The parser is internal, and not an export of the package.
const { SSEParser } = await import(new URL("../../packages/sdk/dist/esm/shared.js", import.meta.url).href);
const text = readFileSync(new URL("../../package-lock.json", import.meta.url), "latin1").replaceAll("\n", "");
const bytes = Buffer.from(`data: ${text.repeat(Math.ceil(1_050_000 / text.length)).slice(0, 1_050_000)}\n\n`.repeat(8));
const parsing = [];
for (let round = 0; round < 40; round++) {
  const before = process.cpuUsage();
  const parser = new SSEParser();
  let events = 0;
  for (let at = 0; at < bytes.length; at += 65_536)
    for (const _ of parser.push(bytes.subarray(at, at + 65_536))) events++;
  if (events !== 8) throw new Error(`${events} events`);
  const { user, system } = process.cpuUsage(before);
  parsing.push((user + system) / 1000);
}
console.log(`parser alone             ${(bytes.length / 1000 / median(parsing)).toFixed(0)} MB per second of CPU`);
