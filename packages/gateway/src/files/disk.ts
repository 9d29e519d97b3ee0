import { mkdir, open, opendir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { errors } from "@atoma/contract";
import { parseFileName } from "./file-name.ts";
import { type FileStore, FileStoreUnavailableError } from "./file-store.ts";

/** Half a file that nobody has written to for an hour; a younger one may be another gateway's. */
async function removeAbandoned(path: string): Promise<void> {
  const info = await stat(path).catch(() => undefined);
  // The file system stamps files by the real time, whatever clock the gateway was given.
  if (info && Date.now() - info.mtimeMs > 3_600_000) await rm(path, { force: true });
}

const isMissing = (error: unknown) => error instanceof Error && "code" in error && error.code === "ENOENT";

/** A failure of the folder or its disk: worth another try. Its code says which, and the path stays in the log. */
const unavailable = (operation: string, cause: unknown) =>
  new FileStoreUnavailableError(`${operation}: the folder of pictures cannot be used`, { cause });

async function openFile(path: string, range: { start: number; end: number } | undefined): Promise<Readable> {
  const file = await open(path).catch((error: unknown) => {
    throw isMissing(error) ? errors.fileExpired() : unavailable("open", error);
  });
  return file.createReadStream(range);
}

/** A part at a time: the names of a day's pictures together would take as much memory as all else, every minute. */
const list = (folder: string) => opendir(folder, { bufferSize: 256 });

/** A rename lasts beyond a power cut only once its folder is on the disk. Windows opens no folders. */
async function flushFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  await using handle = await open(folder);
  await handle.sync();
}

/** Files in one folder; written beside their place, flushed, and renamed into it, which is flushed too. */
export async function openDiskStore(folder: string): Promise<FileStore> {
  await mkdir(folder, { recursive: true });
  for await (const { name } of await list(folder)) {
    if (name.endsWith(".part")) await removeAbandoned(join(folder, name));
  }

  return {
    async put(name, bytes) {
      const path = join(folder, name);
      const part = `${path}.part`;
      try {
        await writeFile(part, bytes, { flag: "wx", mode: 0o640, flush: true });
        await rename(part, path);
        await flushFolder(folder);
      } catch (error) {
        // A full disk is the more full of halves.
        await rm(part, { force: true }).catch(() => {});
        throw unavailable("put", error);
      }
    },

    async get(name) {
      const path = join(folder, name);
      const info = await stat(path).catch(async (error: unknown) => {
        if (!isMissing(error)) throw unavailable("stat", error);
        // Without its folder every file would seem never to have been.
        await stat(folder).catch((gone: unknown) => {
          throw unavailable("stat", gone);
        });
        return undefined;
      });
      if (!info?.isFile()) return undefined;
      return { size: info.size, open: (range) => openFile(path, range) };
    },

    remove: (name) => rm(join(folder, name), { force: true }),

    async sweep(nowMs) {
      let removed = 0;
      for await (const { name } of await list(folder)) {
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
