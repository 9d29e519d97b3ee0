import { createHash, type Hash } from "node:crypto";
import { createReadStream, existsSync, statSync } from "node:fs";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { RemoteFile } from "./needed-files.ts";

/** A file that could not be fetched whole; the message names it and says why. */
export class PullError extends Error {
  override readonly name = "PullError";
}

export interface DownloadOptions {
  /** Opens the file from this byte on. */
  readonly openAt: (from: number) => Promise<ReadableStream<Uint8Array>>;
  /** Told how many bytes of the file there are now. */
  readonly onProgress: (bytes: number) => void;
  /** Waits before attempt number `attempt` (1-based) after a failure. */
  readonly wait: (attempt: number) => Promise<void>;
}

/** How often a file is tried again without a new byte having come. */
const MAX_ATTEMPTS = 5;

const sizeOf = (path: string) => (existsSync(path) ? statSync(path).size : 0);

/** git's object id of a file begins with a head of its own. */
function hashFor({ checksum, size }: RemoteFile): Hash {
  return checksum.kind === "sha256" ? createHash("sha256") : createHash("sha1").update(`blob ${size}\0`);
}

async function isRight(file: RemoteFile, path: string): Promise<boolean> {
  if (sizeOf(path) !== file.size) return false;
  const hash = hashFor(file);
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest("hex") === file.checksum.hex;
}

/** Appends what comes to the file. Gives the error that ended it early, if one did. */
async function append(path: string, from: number, options: DownloadOptions, size: number): Promise<unknown> {
  await using out = await open(path, from === 0 ? "w" : "a");
  let at = from;
  try {
    for await (const chunk of await options.openAt(from)) {
      at += chunk.length;
      if (at > size) return new Error("more came than the file has");
      await out.writeFile(chunk);
      options.onProgress(at);
    }
  } catch (error) {
    // A full disk stays full: only the network is tried again.
    if (error instanceof Error && "code" in error && error.code === "ENOSPC") throw error;
    return error;
  }
  await out.sync();
  return at < size ? new Error("the connection ended early") : undefined;
}

const reason = (error: unknown) => {
  if (!(error instanceof Error)) return "failed";
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
};

/** A refusal by the server (4xx) is final: asking again would change nothing. */
const isFinal = (error: unknown) =>
  error instanceof Error &&
  "statusCode" in error &&
  typeof error.statusCode === "number" &&
  error.statusCode >= 400 &&
  error.statusCode < 500 &&
  error.statusCode !== 408 &&
  error.statusCode !== 429;

/**
 * Fetches one file to `path`. What a broken connection left in `path.part` is kept and the rest asked for; a whole file with a
 * wrong checksum is fetched once more from its beginning. The file is at `path` only when it is whole and right. Throws
 * PullError.
 */
export async function download(file: RemoteFile, path: string, options: DownloadOptions): Promise<void> {
  if (existsSync(path)) return options.onProgress(file.size);
  const part = `${path}.part`;
  await mkdir(dirname(path), { recursive: true });
  let attempts = 0;
  let wrong = 0;
  for (;;) {
    const have = sizeOf(part) <= file.size ? sizeOf(part) : 0;
    const error = have < file.size || file.size === 0 ? await append(part, have, options, file.size) : undefined;
    if (error === undefined) {
      if (await isRight(file, part)) break;
      await rm(part);
      if (++wrong > 1)
        throw new PullError(`${file.path}: its checksum is wrong twice; the copy on the server is damaged`);
      continue;
    }
    if (sizeOf(part) > file.size) await rm(part);
    attempts = sizeOf(part) > have ? 1 : attempts + 1;
    if (isFinal(error) || attempts >= MAX_ATTEMPTS) {
      throw new PullError(`${file.path}: ${reason(error)}; the same command goes on from here`, { cause: error });
    }
    await options.wait(attempts);
  }
  await rename(part, path);
}
