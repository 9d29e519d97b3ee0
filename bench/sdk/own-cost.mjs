// CPU time that the function itself takes for an answer of 2 KB, without a network: fetch is one that answers at once. The two ways
// in turn, the best and the median batch of each. Build first: npm run build --workspace atoma-sdk
import { AtomaSDKCore } from "atoma-sdk/core.js";
import { imagesGenerate } from "atoma-sdk/funcs/imagesGenerate.js";

const batches = Number(process.argv[2] ?? 150);
const CALLS = 200;
const request = { model: "m", prompt: "A cute baby sea otter" };
const body = JSON.stringify({ created: 1, data: [{ b64_json: "A".repeat(2000) }], usage: { total_tokens: 3 } });
const headers = { "content-type": "application/json", "content-length": String(body.length), "x-request-id": "req_1" };
globalThis.fetch = async () => new Response(body, { headers });

const client = new AtomaSDKCore({ serverURL: "http://127.0.0.1:8080", bearerAuth: "k" });
const ways = {
  "fetch alone": async () => {
    const init = { method: "POST", body: JSON.stringify(request) };
    const answer = await (await fetch("http://127.0.0.1:8080/v1/images/generations", init)).json();
    return Buffer.from(answer.data[0].b64_json, "base64");
  },
  "atoma-sdk function": async () => {
    const result = await imagesGenerate(client, request, { timeoutMs: 60_000 });
    return result.value.data[0].bytes();
  },
};
const times = Object.fromEntries(Object.keys(ways).map((way) => [way, []]));
for (let batch = -20; batch < batches; batch++) {
  for (const [way, call] of Object.entries(ways)) {
    const before = process.cpuUsage();
    for (let i = 0; i < CALLS; i++) await call();
    const { user, system } = process.cpuUsage(before);
    if (batch >= 0) times[way].push((user + system) / CALLS);
  }
}
for (const [way, list] of Object.entries(times)) {
  const sorted = list.toSorted((a, b) => a - b);
  const [best, median] = [sorted[0], sorted[Math.floor(sorted.length / 2)]].map((us) => us.toFixed(1));
  console.log(`${way.padEnd(20)} CPU a call: best ${best} µs, median ${median} µs`);
}
