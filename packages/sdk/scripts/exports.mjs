// Writes the exports map of package.json: each path with and without .js, for ESM and CommonJS.
import { readFileSync, writeFileSync } from "node:fs";

const file = new URL("../package.json", import.meta.url);
const entry = (path) => ({
  "atoma-source": `./src/${path}.ts`,
  import: { types: `./dist/esm/${path}.d.ts`, default: `./dist/esm/${path}.js` },
  require: { types: `./dist/cjs/${path}.d.ts`, default: `./dist/cjs/${path}.js` },
});

const exports = { ".": entry("index"), "./package.json": "./package.json" };
const single = ["index", "core", "lib/config", "lib/logger"];
// Paths of atoma-sdk 0.1.1, with more in them than the rest of the package needs.
const compat = ["http", "retries", "env", "files", "sdks"];
const folders = ["types", "models/components", "models/errors", "sdk"];
const patterns = ["funcs/*", "models/errors/*", "models/components/*", "types/*", "sdk/*"];
for (const path of single) for (const end of ["", ".js"]) exports[`./${path}${end}`] = entry(path);
for (const name of compat) for (const end of ["", ".js"]) exports[`./lib/${name}${end}`] = entry(`compat/${name}`);
for (const path of folders)
  for (const end of ["", ".js", "/index", "/index.js"]) exports[`./${path}${end}`] = entry(`${path}/index`);
for (const path of patterns) for (const end of [".js", ""]) exports[`./${path}${end}`] = entry(path);

const json = JSON.parse(readFileSync(file, "utf8"));
writeFileSync(file, `${JSON.stringify({ ...json, exports }, null, 2)}\n`);
