// Renders the drawings that the model learns from: drawings.mjs PACKAGES OUT
//
// PACKAGES is a folder with node_modules (see package.json). OUT gets, for each set, SIDE x SIDE RGBA pixels one drawing
// after another (3d.rgba, flat.rgba, other.rgba) and index.json: code point, English and German name and tags, and the
// drawing's number in each set (-1: not in it). "other" is the set that only the scorer's classifier learns from.
import { createWriteStream, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const SIDE = 256;
const [packages = "", out = ""] = process.argv.slice(2);
const require = createRequire(resolve(packages, "package.json"));
const sharp = require("sharp");
const read = (path) => JSON.parse(readFileSync(join(packages, "node_modules", path), "utf8"));

/** Smileys, people and body, animals and nature, food, travel, activities, objects, symbols, flags. */
const GROUPS = [0, 1, 3, 4, 5, 6, 7, 8, 9];
const german = new Map(read("emojibase-data/de/data.json").map((entry) => [entry.hexcode, entry]));
const entries = read("emojibase-data/en/data.json").filter((entry) => GROUPS.includes(entry.group));
const spellings = (hexcode) => {
  const code = hexcode.toLowerCase();
  const plain = code.replaceAll("-fe0f", "");
  return [code, plain, `${plain}-fe0f`];
};

function svgSet(name) {
  const icons = read(`@iconify-json/${name}/icons.json`);
  const names = read(`@iconify-json/${name}/chars.json`);
  return (hexcode) => {
    const icon = spellings(hexcode).flatMap((code) => icons.icons[names[code]] ?? [])[0];
    if (!icon) return;
    const [width, height] = [icon.width ?? icons.width ?? 16, icon.height ?? icons.height ?? 16];
    return Buffer.from(
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${icon.left ?? 0} ${icon.top ?? 0} ${width} ${height}" ` +
        `width="${SIDE}" height="${(SIDE * height) / width}">${icon.body}</svg>`,
    );
  };
}

function webpSet(name) {
  const folder = join(packages, "node_modules", name, "assets");
  return (hexcode) =>
    spellings(hexcode)
      .map((code) => join(folder, `${code}.webp`))
      .find(existsSync);
}

mkdirSync(out, { recursive: true });
const sets = {
  "3d": webpSet("@lobehub/fluent-emoji-3d"),
  flat: svgSet("fluent-emoji-flat"),
  other: svgSet("noto"),
};
const files = Object.fromEntries(Object.keys(sets).map((set) => [set, createWriteStream(join(out, `${set}.rgba`))]));
const counts = { "3d": 0, flat: 0, other: 0 };
const index = [];
for (const entry of entries) {
  const row = {
    code: entry.hexcode,
    group: entry.group,
    subgroup: entry.subgroup,
    en: [entry.label, ...(entry.tags ?? [])],
    de: [german.get(entry.hexcode)?.label ?? "", ...(german.get(entry.hexcode)?.tags ?? [])],
  };
  for (const [set, find] of Object.entries(sets)) {
    const source = find(entry.hexcode);
    row[set] = -1;
    if (!source) continue;
    const pixels = await sharp(source)
      .resize(SIDE, SIDE, { fit: "contain", background: { r: 0, g: 0, b: 0, alpha: 0 } })
      .ensureAlpha()
      .raw()
      .toBuffer();
    files[set].write(pixels);
    row[set] = counts[set]++;
  }
  if (row["3d"] >= 0 || row.flat >= 0) index.push(row);
}
for (const file of Object.values(files)) file.end();
writeFileSync(join(out, "index.json"), JSON.stringify(index));
console.log(index.length, "things;", counts);
