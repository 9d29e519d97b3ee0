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
}

/** Where pictures are stored. */
export interface PictureStore {
  /** Resolves with the name of the new file. */
  put(bytes: Uint8Array, format: OutputFormat): Promise<string>;
  open(name: string, from: number): Promise<Readable>;
}

export function newPicture({ seed, format, bytes: first }: GeneratedImage, store: PictureStore): Picture {
  const size = first.length;
  let bytes: Uint8Array | undefined = first;
  let file: string | undefined;
  let storing: Promise<string> | undefined;

  async function put(): Promise<string> {
    file = await store.put(first, format);
    return file;
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
      bytes = undefined;
    },
    open: async (from) => store.open(await picture.store(), from),
  };
  return picture;
}
