// What it costs to decode a node's picture once: `node --conditions=atoma-source bench/gateway/check-picture.ts`.
import { randomBytes } from "node:crypto";
import sharp from "sharp";
import { checkPicture } from "../../packages/gateway/src/pictures/check-picture.ts";

const ROUNDS = 20;
/** Blurred noise: compresses about as a photograph does. */
const [width, height] = [1024, 1024];
const photo = await sharp(randomBytes(width * height * 3), { raw: { width, height, channels: 3 } })
  .blur(2)
  .raw()
  .toBuffer();
console.log("| 1024 × 1024 | bytes | CPU ms, all threads |\n|---|---|---|");
for (const format of ["png", "jpeg", "webp"] as const) {
  const bytes = await sharp(photo, { raw: { width, height, channels: 3 } })
    .toFormat(format)
    .toBuffer();
  const check = () => checkPicture({ index: 0, bytes, seed: undefined, width, height, format });
  await check();
  const before = process.cpuUsage();
  for (let i = 0; i < ROUNDS; i++) await check();
  const { user, system } = process.cpuUsage(before);
  console.log(`| ${format} | ${bytes.length} | ${((user + system) / 1000 / ROUNDS).toFixed(1)} |`);
}
