import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { errors } from "@atoma/contract";
import { parseFileName } from "./file-name.ts";
import type { FileStore } from "./file-store.ts";

/** Half a file that nobody has written to for an hour; a younger one may be another gateway's. */
async function removeAbandoned(path: string): Promise<void> {
  const info = await stat(path).catch(() => undefined);
  if (info && Date.now() - info.mtimeMs > 3_600_000) await rm(path, { force: true });
}

async function openFile(path: string, range: { start: number; end: number } | undefined): Promise<Readable> {
  const file = await open(path).catch((error: NodeJS.ErrnoException) => {
    throw error.code === "ENOENT" ? errors.fileExpired() : error;
  });
  return file.createReadStream(range);
}

/** Files in one folder; written beside their place, flushed, and renamed into it. */
export async function openDiskStore(folder: string): Promise<FileStore> {
  await mkdir(folder, { recursive: true });
  for (const name of await readdir(folder)) if (name.endsWith(".part")) await removeAbandoned(join(folder, name));

  return {
    async put(name, bytes) {
      const path = join(folder, name);
      const file = await open(`${path}.part`, "wx", 0o640);
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(`${path}.part`, path);
    },

    async get(name) {
      const path = join(folder, name);
      const info = await stat(path).catch(() => undefined);
      if (!info?.isFile()) return undefined;
      return { size: info.size, open: (range) => openFile(path, range) };
    },

    async sweep(nowMs) {
      let removed = 0;
      for (const name of await readdir(folder)) {
        const parsed = parseFileName(name);
        if (!parsed || parsed.expiresAtMs > nowMs) continue;
        await rm(join(folder, name), { force: true });
        removed++;
      }
      return removed;
    },

    async close() {},
  };
}
