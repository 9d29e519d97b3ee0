import type { Readable } from "node:stream";
import type { GeneratedImage, OutputFormat } from "@atoma/contract";

/** A finished picture: its bytes while they are in memory, a file where it has been stored. */
export interface Picture {
  readonly seed: number | undefined;
  readonly format: OutputFormat;
  readonly size: number;
  /** Undefined once they were let go. */
  readonly bytes: Uint8Array | undefined;
  /** Its name in the file store. */
  readonly file: string | undefined;
  /** Stores it, once however often it is asked for; gives the file's name. */
  store(): Promise<string>;
  /** Stores it and lets go of the bytes; what reads it goes on in the file. */
  letGo(): Promise<void>;
  /** Its bytes from there on, out of the file. */
  open(from: number): Promise<Readable>;
  /** It is not needed any more: the memory is given back now, and not when it is next collected. */
  free(): void;
}

/** Where pictures are stored. */
export interface PictureStore {
  /** Resolves with the name of the new file. */
  put(bytes: Uint8Array, format: OutputFormat): Promise<string>;
  open(name: string, from: number): Promise<Readable>;
}

/** Smaller pictures may be views of memory that others use. */
const OWN_MEMORY_BYTES = 16 * 1024;

/**
 * Gives memory back at once: V8 counts what lies outside its heap, but collects it late, and 64 pictures of 8 MB then take ten times
 * the budget. Nothing may read the bytes any more, threads of libuv included.
 */
function freeMemory({ buffer, byteOffset, length }: Uint8Array): void {
  const own = length >= OWN_MEMORY_BYTES && byteOffset === 0 && buffer instanceof ArrayBuffer;
  if (!own || buffer.detached) return;
  try {
    buffer.transfer(0);
  } catch {
    // Memory that Node's own decoders made cannot be detached; it is collected when nothing refers to it.
  }
}

export function newPicture({ seed, format, bytes: first }: GeneratedImage, store: PictureStore): Picture {
  const size = first.length;
  let bytes: Uint8Array | undefined = first;
  let file: string | undefined;
  let storing: Promise<string> | undefined;
  /** Whether a file store reads the bytes. */
  let reading = false;

  async function put(): Promise<string> {
    reading = true;
    try {
      file = await store.put(first, format);
      return file;
    } finally {
      reading = false;
    }
  }

  const picture: Picture = {
    seed,
    format,
    size,
    get bytes() {
      return bytes;
    },
    get file() {
      return file;
    },
    store() {
      storing ??= put().catch((error: unknown) => {
        storing = undefined;
        throw error;
      });
      return storing;
    },
    async letGo() {
      await picture.store();
      picture.free();
    },
    open: async (from) => store.open(await picture.store(), from),
    free() {
      if (!bytes || reading) return;
      bytes = undefined;
      freeMemory(first);
    },
  };
  return picture;
}
