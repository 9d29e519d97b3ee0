// Renders a file of prompts ([{prompt, seed, size?}, ...]) through the engine: render.ts PROMPTS FOLDER [MODEL]
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseImageRequest } from "@atoma/contract";
import { startModelProcess } from "@atoma/engine";

const [file = "", folder = "", model = fileURLToPath(new URL("..", import.meta.url))] = process.argv.slice(2);
const entries: { prompt: string; seed: number; size?: string }[] = JSON.parse(readFileSync(file, "utf8"));
mkdirSync(folder, { recursive: true });

const engine = startModelProcess({ path: model, threads: 1 });
await engine.ready;
for (const [i, { prompt, seed, size = "256x256" }] of entries.entries()) {
  const job = parseImageRequest({ prompt, seed, size }, { findModel: () => engine.folder.card, defaultModel: "" });
  for await (const event of engine.generate(job)) {
    if (event.type === "image") writeFileSync(`${folder}/${i}.png`, event.bytes);
  }
}
await engine.close();
