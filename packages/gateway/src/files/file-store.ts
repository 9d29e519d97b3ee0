import type { Readable } from "node:stream";

export interface StoredFile {
  readonly size: number;
  /** The bytes from `start` to `end`, both counted; all of them by default. Throws ApiError 410 when they are gone since. */
  open(range?: { start: number; end: number }): Promise<Readable>;
}

/** Where finished pictures lie. Names are made by `fileName`, so a store may trust their form. */
export interface FileStore {
  /** Stores the bytes whole or not at all. */
  put(name: string, bytes: Uint8Array): Promise<void>;
  get(name: string): Promise<StoredFile | undefined>;
  /** Removes a file before its time; nothing happens where there is none. */
  remove(name: string): Promise<void>;
  /** Removes files that have expired; as many as one go may take. Gives their number. */
  sweep(nowMs: number): Promise<number>;
  close(): Promise<void>;
}

/** The store cannot be reached, or is overloaded: worth another try, unlike what it refuses. */
export class FileStoreUnavailableError extends Error {
  override readonly name = "FileStoreUnavailableError";
}
