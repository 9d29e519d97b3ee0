// Decoding 1.05 MB of base64, as `bytes()` does, beside what Node has, in turn.
import { median } from "./clients.mjs";

const rounds = Number(process.argv[2] ?? 300);
// The decoder is internal, and not an export of the package.
const { decodeBase64 } = await import(new URL("../../packages/sdk/dist/esm/shared.js", import.meta.url).href);
const text = Buffer.alloc(787_500, 7).toString("base64");
const ways = { "atoma-sdk": () => decodeBase64(text), "Buffer.from": () => Buffer.from(text, "base64") };
const times = Object.fromEntries(Object.keys(ways).map((way) => [way, []]));
for (let round = -50; round < rounds; round++) {
  for (const [way, decode] of Object.entries(ways)) {
    const start = performance.now();
    decode();
    if (round >= 0) times[way].push(performance.now() - start);
  }
}
for (const [way, ms] of Object.entries(times)) console.log(`decode ${way.padEnd(12)} ${median(ms).toFixed(3)} ms`);
