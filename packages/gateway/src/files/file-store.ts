import type { Readable } from "node:stream";

export interface StoredFile {
  readonly size: number;
  /** The bytes from `start` to `end`, both counted; all of them by default. */
  open(range?: { start: number; end: number }): Readable;
}

/** Where finished pictures lie. Names are made by `fileName`, so a store may trust their form. */
export interface FileStore {
  /** Stores the bytes whole or not at all. */
  put(name: string, bytes: Uint8Array): Promise<void>;
  get(name: string): Promise<StoredFile | undefined>;
  /** Removes files that have expired. */
  sweep(nowMs: number): Promise<number>;
}
