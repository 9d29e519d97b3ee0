import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";

/** One file of the built page, in the forms that it is sent in. */
export interface BuiltFile {
  readonly type: string;
  readonly etag: string;
  /** By content coding, best first; `identity` is always there. */
  readonly forms: ReadonlyMap<"br" | "gzip" | "identity", Buffer>;
}

export interface BuiltFiles {
  /** By path from the root of the page, such as `index.html` or `assets/main-BxZ2.js`; undefined where there is none. */
  find(path: string): Promise<BuiltFile | undefined>;
}

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
  png: "image/png",
  webp: "image/webp",
  woff2: "font/woff2",
  webmanifest: "application/manifest+json",
};
/** Written last by the build, with a new hash each time. */
const STAMP = "built.json";

async function readOptional(path: string): Promise<Buffer | undefined> {
  return readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
}

async function readBuilt(folder: string, path: string): Promise<BuiltFile | undefined> {
  const type = TYPES[/\.([a-z0-9]+)$/.exec(path)?.[1] ?? ""];
  if (type === undefined) return undefined;
  const [identity, br, gzip] = await Promise.all(
    ["", ".br", ".gz"].map((end) => readOptional(join(folder, path + end))),
  );
  if (identity === undefined) return undefined;
  const forms = new Map<"br" | "gzip" | "identity", Buffer>();
  if (br) forms.set("br", br);
  if (gzip) forms.set("gzip", gzip);
  forms.set("identity", identity);
  return { type, forms, etag: createHash("sha256").update(identity).digest("base64url").slice(0, 22) };
}

/**
 * The files of the built page, held in memory: well under a megabyte. A new build is noticed by the time of its stamp; the files
 * of the one before stay, for pages that are still open.
 */
export function openBuiltFiles(folder: string): BuiltFiles {
  let files = new Map<string, BuiltFile>();
  let loadedAt: number | undefined;
  let loading: Promise<void> | undefined;

  async function load(builtAt: number): Promise<void> {
    const names = await readdir(folder, { recursive: true });
    const read = await Promise.all(names.map(async (name) => [name, await readBuilt(folder, name)] as const));
    const found = read.flatMap(([name, file]) => (file ? [[name, file] as const] : []));
    files = new Map([...files, ...found]);
    loadedAt = builtAt;
  }

  return {
    async find(path) {
      // Assets have their content's hash in their names, so what is held is right.
      const known = path.endsWith(".html") ? undefined : files.get(path);
      if (known) return known;
      const built = await stat(join(folder, STAMP)).catch(() => undefined);
      if (built && built.mtimeMs !== loadedAt) {
        loading ??= load(built.mtimeMs).finally(() => {
          loading = undefined;
        });
        await loading;
      }
      return built || loadedAt !== undefined ? files.get(path) : undefined;
    },
  };
}
