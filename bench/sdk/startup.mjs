// Wall and CPU time to import, in fresh processes, in turn; and the size of bundles, minified and gzipped.
import { execFileSync } from "node:child_process";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { median } from "./clients.mjs";

const runs = Number(process.argv[2] ?? 21);
const here = new URL(".", import.meta.url).pathname;
const imports = {
  "atoma-sdk function": `await import("atoma-sdk/core.js"); await import("atoma-sdk/funcs/imagesGenerate.js");`,
  "atoma-sdk class": `await import("atoma-sdk");`,
  openai: `await import("openai");`,
  ai: `await import("ai"); await import("@ai-sdk/openai-compatible");`,
  "atoma-sdk 0.1.1": `await import("atoma-sdk-original");`,
};
const times = Object.fromEntries(Object.keys(imports).map((way) => [way, []]));
for (let run = 0; run < runs; run++) {
  for (const [way, code] of Object.entries(imports)) {
    const program = `const start = performance.now(), before = process.cpuUsage(); ${code}
      const { user, system } = process.cpuUsage(before);
      console.log(JSON.stringify([performance.now() - start, (user + system) / 1000]));`;
    const out = execFileSync(process.execPath, ["--input-type=module", "-e", program], { cwd: here, encoding: "utf8" });
    times[way].push(JSON.parse(out));
  }
}
for (const [way, pairs] of Object.entries(times)) {
  const [wall, cpu] = [0, 1].map((i) => median(pairs.map((pair) => pair[i])).toFixed(1));
  console.log(`import ${way.padEnd(20)} wall ${wall} ms   cpu ${cpu} ms`);
}

const bundles = {
  "atoma-sdk function": `export { AtomaSDKCore } from "atoma-sdk/core.js"; export { imagesGenerate } from "atoma-sdk/funcs/imagesGenerate.js";`,
  "atoma-sdk class": `export { AtomaSDK } from "atoma-sdk";`,
  openai: `export { default } from "openai";`,
  ai: `export { generateImage } from "ai"; export { createOpenAICompatible } from "@ai-sdk/openai-compatible";`,
  "atoma-sdk 0.1.1": `export { AtomaSDKCore } from "atoma-sdk-original/core.js"; export { imagesGenerate } from "atoma-sdk-original/funcs/imagesGenerate.js";`,
};
for (const [way, contents] of Object.entries(bundles)) {
  const options = { bundle: true, minify: true, format: "esm", platform: "browser", target: "es2022", write: false };
  const { outputFiles } = await build({ stdin: { contents, resolveDir: here }, ...options });
  const bytes = outputFiles[0].contents;
  console.log(`bundle ${way.padEnd(20)} ${bytes.length} bytes, ${gzipSync(bytes, { level: 9 }).length} gzipped`);
}
