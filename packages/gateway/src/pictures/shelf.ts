import type { GeneratedImage } from "@atoma/contract";
import type { RandomBytes } from "@atoma/ledger";
import type { Logger } from "pino";
import type { Clock } from "../clock.ts";
import { fileName } from "../files/file-name.ts";
import type { FileStore } from "../files/file-store.ts";
import { newPicture, type Picture } from "./picture.ts";
import type { PictureMemory, RequestMemory } from "./picture-memory.ts";

/** The pictures of one request, from the node to the client. Disposed of, it holds no memory, and no file that is not kept. */
export interface Shelf extends AsyncDisposable {
  /** Memory for one answer of a node, in which its pictures stay unless it is disposed of before. */
  openMemory(): RequestMemory;
  /** A picture that was checked. */
  add(image: GeneratedImage): Picture;
  /** Stores a picture for good. Resolves with its file's name. */
  keep(picture: Picture): Promise<string>;
}

export interface ShelfContext {
  readonly files: FileStore;
  readonly pictureMemory: PictureMemory;
  readonly randomBytes: RandomBytes;
  readonly clock: Clock;
  readonly fileTtlMs: number;
  readonly log: Logger;
}

const RANDOM_BYTES = 18;

export function openShelf({ files, pictureMemory, randomBytes, clock, fileTtlMs, log }: ShelfContext): Shelf {
  const memories: RequestMemory[] = [];
  const pictures: Picture[] = [];
  const kept = new Set<Picture>();
  const store = {
    async put(bytes: Uint8Array, format: Picture["format"]) {
      const name = fileName(clock.now() + fileTtlMs, randomBytes(RANDOM_BYTES), format);
      await files.put(name, bytes);
      return name;
    },
    async open(name: string, from: number) {
      const file = await files.get(name);
      if (!file) throw new Error("a picture's file is gone");
      return file.open({ start: from, end: file.size - 1 });
    },
  };
  return {
    openMemory() {
      const memory = pictureMemory.open();
      memories.push(memory);
      return memory;
    },
    add(image) {
      const picture = newPicture(image, store);
      pictures.push(picture);
      return picture;
    },
    keep(picture) {
      kept.add(picture);
      return picture.store();
    },
    async [Symbol.asyncDispose]() {
      for (const memory of memories) memory[Symbol.dispose]();
      for (const picture of pictures) {
        picture.free();
        const { file } = picture;
        if (file === undefined || kept.has(picture)) continue;
        // It expires by itself, only later.
        await files.remove(file).catch((error: unknown) => log.debug({ err: error }, "file not removed"));
      }
    },
  };
}
