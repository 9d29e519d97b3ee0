import { createReadStream } from "node:fs";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { parseFileName } from "./file-name.ts";
import type { FileStore } from "./file-store.ts";

/** Files in one folder; written beside their place, flushed, and renamed into it. */
export async function openDiskStore(folder: string): Promise<FileStore> {
  await mkdir(folder, { recursive: true });
  const unfinished = (await readdir(folder)).filter((name) => name.endsWith(".part"));
  await Promise.all(unfinished.map((name) => rm(join(folder, name), { force: true })));

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
      return { size: info.size, open: (range) => createReadStream(path, range) };
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
  };
}
