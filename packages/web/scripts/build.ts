// Builds the page into dist/, unless it was built from these sources already. Prints nothing when all is well.
import { createHash, randomBytes } from "node:crypto";
import { existsSync, globSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const repository = fileURLToPath(new URL("../../../", import.meta.url));
const dist = fileURLToPath(new URL("../dist", import.meta.url));
const STAMP = "built.json";
/** Of less, compressed or not, one packet is sent. */
const MIN_COMPRESSED_BYTES = 1024;

/** All that decides what the build makes. */
const SOURCES = [
  "packages/web/{index,admin}.html",
  "packages/web/vite.config.ts",
  "packages/web/scripts/build.ts",
  "packages/{web,sdk,contract}/{package.json,src/**/*}",
  "package-lock.json",
];

function hashOfSources(): string {
  const hash = createHash("sha256");
  const files = globSync(SOURCES, { cwd: repository, withFileTypes: true });
  for (const path of files
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()) {
    hash
      .update(`${path.slice(repository.length)}\0`)
      .update(readFileSync(path))
      .update("\0");
  }
  return hash.digest("hex");
}

function isBuilt(hash: string): boolean {
  const stamp = join(dist, STAMP);
  return existsSync(stamp) && readFileSync(stamp, "utf8").includes(hash);
}

/** Writes `.br` and `.gz` beside each file that gets smaller by it. */
async function compressAll(folder: string): Promise<void> {
  const brotli = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } };
  const files = globSync("**/*.{html,js,css,svg}", { cwd: folder });
  await Promise.all(
    files.map(async (name) => {
      const path = join(folder, name);
      const bytes = await readFile(path);
      if (bytes.length < MIN_COMPRESSED_BYTES) return;
      const [br, gz] = await Promise.all([
        promisify(brotliCompress)(bytes, brotli),
        promisify(gzip)(bytes, { level: 9 }),
      ]);
      await Promise.all([writeFile(`${path}.br`, br), writeFile(`${path}.gz`, gz)]);
    }),
  );
}

/** Puts the new folder in the place of the old one. Another build of the same sources may have done so meanwhile. */
function swap(made: string, hash: string): void {
  const old = `${dist}.old-${randomBytes(4).toString("hex")}`;
  try {
    if (existsSync(dist)) renameSync(dist, old);
    renameSync(made, dist);
  } catch (error) {
    if (!isBuilt(hash)) throw error;
  } finally {
    for (const path of [made, old]) rmSync(path, { recursive: true, force: true });
  }
}

const hash = hashOfSources();
if (!isBuilt(hash)) {
  const made = `${dist}.part-${randomBytes(4).toString("hex")}`;
  try {
    const { build } = await import("vite"); // half a second, which a page that is built already need not wait for
    await build({
      configFile: fileURLToPath(new URL("../vite.config.ts", import.meta.url)),
      build: { outDir: made, emptyOutDir: true },
    });
    await compressAll(made);
    writeFileSync(join(made, STAMP), `${JSON.stringify({ hash })}\n`);
    swap(made, hash);
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}
