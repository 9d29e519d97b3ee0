// Builds dist, the package to publish (npm publish packages/sdk/dist), or another folder given. What the operations share (lib,
// models, types) goes into one file, since loading forty small ones takes ten times as long; each operation stays a file of its
// own, so that bundlers take only what is imported. The sources are in the package, and source maps lead there from stacks.
import { spawnSync } from "node:child_process";
import { cpSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join, matchesGlob, relative, resolve as resolvePath } from "node:path";
import { fileURLToPath } from "node:url";
import { build, buildSync, transformSync } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = resolvePath(process.argv[2] ?? join(root, "dist"));
// Built beside and moved at the end: whoever imports the package meanwhile gets the old build or the new.
const next = `${dist}.${process.pid}`;
process.once("exit", () => rmSync(next, { recursive: true, force: true }));
// Built from the copy that is published, so that the maps lead to it.
const src = join(next, "src");
cpSync(join(root, "src"), src, { recursive: true });

const shared = globSync("{lib,models,types}/**/*.ts", { cwd: src }).sort();
const operations = globSync("{*,funcs/*,compat/*}.ts", { cwd: src });
const classes = globSync("sdk/*.ts", { cwd: src }).sort();
const bundling = {
  bundle: true,
  write: false,
  format: "esm",
  platform: "neutral",
  target: "es2022",
  absWorkingDir: src,
  sourcemap: "external",
  sourcesContent: false,
};

const sharedFiles = shared.filter((file) => !file.endsWith("index.ts"));
emit("shared.js", await build({ ...bundling, stdin: reexporting(sharedFiles), outfile: esm("shared.js") }));

const { exports: paths } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const sources = Object.values(paths).map((entry) => `${entry["atoma-source"]}`.replace("./src/", ""));
// Of the shared files only those that can be imported by their own path have one in the package.
for (const file of shared.filter((name) => sources.some((source) => matchesGlob(name, source)))) {
  emitNames(file, "shared.js");
}

// The classes are one file for the same reason.
const plugins = [outside("classes.ts")];
emit("classes.js", await build({ ...bundling, stdin: reexporting(classes), outfile: esm("classes.js"), plugins }));
for (const file of classes) emitNames(file, "classes.js");

/** Writes a module that has the exports of a source file from the file that they were put into. */
function emitNames(file, into) {
  const { metafile } = buildSync({ ...bundling, entryPoints: [file], outdir: "out", metafile: true });
  const exports = Object.values(metafile.outputs).find(({ entryPoint }) => entryPoint === file)?.exports ?? [];
  const names = exports.toSorted().join(", ");
  const from = beside(file, into);
  // By hand: what esbuild makes of the first line for CommonJS is ten times as long.
  write("esm", js(file), names ? `export { ${names} } from "${from}";` : "export {};");
  write(
    "cjs",
    js(file),
    `const { ${names} } = require("${from}");\nmodule.exports = { ${[...exports, "__esModule: true"].join(", ")} };\n`,
  );
}

for (const file of operations) {
  emit(js(file), await build({ ...bundling, entryPoints: [file], outfile: esm(js(file)), plugins: [outside(file)] }));
}

// The compiler of the repository: beside this package lies an older one, for TypeDoc.
const { resolve } = createRequire(new URL("../../../package.json", import.meta.url));
const tsc = join(dirname(resolve("typescript/package.json")), "bin", "tsc");
const flags = ["-p", "tsconfig.build.json", "--emitDeclarationOnly", "--outDir", join(next, "esm")];
const types = spawnSync(process.execPath, [tsc, ...flags], { cwd: root, stdio: "inherit" });
if (types.status !== 0) process.exit(types.status ?? 1);
for (const file of globSync("**/*.d.ts", { cwd: join(next, "esm") })) {
  const path = join(next, "esm", file);
  writeFileSync(path, withJs(readFileSync(path, "utf8")));
  cpSync(path, join(next, "cjs", file));
}
writeFileSync(join(next, "cjs", "package.json"), '{ "type": "commonjs" }\n');
writeFileSync(join(next, "package.json"), published(readFileSync(join(root, "package.json"), "utf8")));
cpSync(join(root, "README.md"), join(next, "README.md"));
cpSync(join(root, "../../LICENSE"), join(next, "LICENSE"));
rmSync(dist, { recursive: true, force: true });
renameSync(next, dist);

/** The package.json of the published package: its paths begin in dist, and what only this repository needs is left out. */
function published(json) {
  const { private: _, files: _files, scripts: _scripts, devDependencies: _dev, ...rest } = JSON.parse(json);
  const text = JSON.stringify(rest, (key, value) => (key === "atoma-source" ? undefined : value), 1);
  return `${text.replaceAll('"./dist/', '"./')}\n`;
}

/** An entry point that has the exports of all the files. */
function reexporting(files) {
  const contents = files.map((file) => `export * from "./${file}";`).join("\n");
  return { contents, resolveDir: src, loader: "ts" };
}

/** Writes a module that was built for both kinds of import, with its source maps. */
function emit(file, { outputFiles }) {
  const text = (end) => outputFiles.find(({ path }) => path.endsWith(end)).text;
  const [code, map] = [text(".js"), text(".map")];
  const common = commonJS(code, map);
  for (const [format, built] of [
    ["esm", { code, map }],
    ["cjs", common],
  ]) {
    const { sources, sourceRoot: _, ...rest } = JSON.parse(built.map);
    const isMapped = sources.length > 0; // nothing of a file that only passes names on throws
    write(format, file, isMapped ? `${built.code}//# sourceMappingURL=${basename(file)}.map\n` : built.code);
    if (isMapped) write(format, `${file}.map`, JSON.stringify({ ...rest, sources }));
  }
}

function write(format, file, text) {
  const target = join(next, format, file);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, text);
}

/** What esbuild makes of exports for CommonJS is 700 bytes for each file; here they are one object, with the names once more for those who only read. */
function commonJS(code, map) {
  const inline = `\n//# sourceMappingURL=data:application/json;base64,${Buffer.from(map).toString("base64")}`;
  const transform = (text) =>
    transformSync(text + inline, {
      format: "cjs",
      platform: "node",
      target: "es2022",
      sourcemap: "external",
      sourcesContent: false,
    });
  const [block, list] = /export \{([^}]*)\};\s*$/.exec(code) ?? [];
  if (!block || /^export \*/m.test(code)) return transform(code);
  const pairs = list.split(",").map((item) => item.trim().split(" as "));
  const fields = pairs.map(([local, name = local]) => (name === local ? name : `${name}: ${local}`));
  const object = `module.exports = { ${[...fields, "__esModule: true"].join(", ")} };`;
  const names = pairs.map((pair) => pair.at(-1)).join(",");
  const built = transform(code.replace(block, object));
  return { code: `${built.code}0&&(module.exports={${names}});\n`, map: built.map };
}

function esm(file) {
  return join(next, "esm", file);
}

function js(file) {
  return file.replace(/\.ts$/, ".js");
}

/** Says what a file imports when it runs, rather than contains: what is shared, other operations, and what is loaded later. */
function outside(file) {
  return {
    name: "outside",
    setup({ onResolve }) {
      onResolve({ filter: /^\./ }, ({ path, resolveDir, kind }) => {
        const target = relative(src, join(resolveDir, path));
        const isShared = shared.includes(target);
        if (classes.includes(target) && file !== "classes.ts") {
          return { path: beside(file, "classes.js"), external: true, sideEffects: false };
        }
        const isOperation = target.startsWith("funcs/") && file.startsWith("funcs/");
        if (kind === "entry-point" || (!isShared && !isOperation && kind !== "dynamic-import")) return undefined;
        // An index is kept: it says which of the shared names it exports.
        const isKept = !isShared || target.endsWith("index.ts");
        return {
          path: isKept ? beside(file, js(target)) : beside(file, "shared.js"),
          external: true,
          sideEffects: false,
        };
      });
    },
  };
}

/** Relative imports name the TypeScript file; the built ones name what is beside them. */
function withJs(text) {
  return text.replace(/(["'])(\.\.?\/[^"']+)\.ts\1/g, "$1$2.js$1");
}

/** How one file of the package imports another. */
function beside(file, target) {
  const path = relative(dirname(file), target);
  return path.startsWith(".") ? path : `./${path}`;
}
