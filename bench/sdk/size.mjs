// What each source file adds to the bundle of the function and of the class: minified and gzipped bytes with it, less those without
// it. The source map of the bundle says which characters come from which file. Build first: npm run build --workspace atoma-sdk
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const bundles = {
  function: `export { AtomaSDKCore } from "atoma-sdk/core.js"; export { imagesGenerate } from "atoma-sdk/funcs/imagesGenerate.js";`,
  class: `export { AtomaSDK } from "atoma-sdk";`,
};
const gzipped = (text) => gzipSync(text, { level: 9 }).length;
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** The numbers of a segment of a source map (base64 VLQ, https://tc39.es/ecma426/#sec-base64-vlq). */
function decode(segment) {
  const numbers = [];
  let [value, shift] = [0, 0];
  for (const letter of segment) {
    const digit = ALPHABET.indexOf(letter);
    value += (digit & 31) << shift;
    shift += 5;
    if (digit & 32) continue;
    numbers.push(value & 1 ? -(value >> 1) : value >> 1);
    [value, shift] = [0, 0];
  }
  return numbers;
}

/** The pieces of a text with the file that each is from. */
function pieces(text, { mappings, sources }) {
  const found = [];
  let source = 0;
  for (const [i, line] of text.split("\n").entries()) {
    let column = 0;
    let start = 0;
    let file;
    for (const segment of (mappings.split(";")[i] ?? "").split(",")) {
      const [step = 0, to] = decode(segment);
      column += step;
      found.push({ file, text: line.slice(start, column) });
      if (to !== undefined) source += to;
      [start, file] = [column, to === undefined ? file : sources[source]];
    }
    found.push({ file, text: `${line.slice(start)}\n` });
  }
  return found;
}

for (const [name, contents] of Object.entries(bundles)) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: here },
    conditions: ["atoma-source"],
    outfile: "bundle.js",
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    write: false,
    sourcemap: "external",
    sourcesContent: false,
  });
  const [map, code] = [".map", ".js"].map((end) => outputFiles.find(({ path }) => path.endsWith(end)).text);
  const parts = pieces(code, JSON.parse(map));
  const total = gzipped(code);
  console.log(`${name}: ${code.length} bytes, ${total} gzipped`);
  const files = [...new Set(parts.map(({ file }) => file))].filter(Boolean);
  const rows = files.map((file) => {
    const rest = parts.filter((part) => part.file !== file).map((part) => part.text);
    return [total - gzipped(rest.join("")), file.replace(/^.*packages\/sdk\/src\//, "")];
  });
  for (const [bytes, file] of rows.sort((a, b) => b[0] - a[0])) console.log(`${String(bytes).padStart(6)}  ${file}`);
}
