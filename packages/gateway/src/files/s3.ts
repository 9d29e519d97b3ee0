import type { Readable } from "node:stream";
import { errors, MEDIA_TYPES } from "@atoma/contract";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from "@aws-sdk/client-s3";
import type { Logger } from "pino";
import { parseFileName } from "./file-name.ts";
import { type FileStore, FileStoreUnavailableError } from "./file-store.ts";

export interface S3Options {
  readonly bucket: string;
  /** Before every name: `atoma/`. */
  readonly prefix?: string | undefined;
  /** Default: what AWS_REGION or the profile says; `us-east-1` where an endpoint is given. */
  readonly region?: string | undefined;
  /** Origin of a store other than Amazon's. */
  readonly endpoint?: string | undefined;
  /** Bucket in the path or in the host's name. Default: path where an endpoint is given. */
  readonly addressing?: "path" | "host" | undefined;
  /** Default: the AWS chain of environment, profile, web identity, container and instance. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
  /** How long one try may take until its answer begins. Default 20 s. */
  readonly timeoutMs?: number | undefined;
}

const CONNECT_MS = 3000;
const ANSWER_MS = 20_000;
const ATTEMPTS = 3;
const MAX_SOCKETS = 1024;
/** Bounds of one sweep; what is left waits for the next. */
const SWEEP_PAGES = 40;
const PAGE_KEYS = 250;
const SWEEP_PARALLEL = 16;

/** What failed, without the SDK's error: after a refused signature that one quotes the signed request. */
function failure(operation: string, error: unknown): Error {
  const name = error instanceof Error ? error.name : "unknown";
  if (error instanceof S3ServiceException) {
    const status = error.$metadata.httpStatusCode ?? 0;
    const message = `${operation}: the file store answered ${status} ${name}`;
    return status >= 500 || status === 429 ? new FileStoreUnavailableError(message) : new Error(message);
  }
  if (name === "CredentialsProviderError") return new Error(`${operation}: no credentials for the file store`);
  const code = error instanceof Error && "code" in error ? error.code : name;
  return new FileStoreUnavailableError(`${operation}: the file store cannot be reached (${code})`);
}

function isMissing(error: unknown): boolean {
  return error instanceof S3ServiceException && (error.name === "NotFound" || error.name === "NoSuchKey");
}

function connect(options: S3Options): S3Client {
  const { region, endpoint, addressing, credentials, timeoutMs = ANSWER_MS } = options;
  const agent = { keepAlive: true, maxSockets: MAX_SOCKETS };
  return new S3Client({
    ...(endpoint !== undefined && { endpoint, region: "us-east-1" }),
    ...(region !== undefined && { region }),
    ...(credentials && { credentials }),
    forcePathStyle: (addressing ?? (endpoint === undefined ? "host" : "path")) === "path",
    maxAttempts: ATTEMPTS,
    // The trailing checksums that are Amazon's default are unknown to many other stores; signatures cover the bytes.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      requestTimeout: timeoutMs,
      throwOnRequestTimeout: true,
      httpAgent: agent,
      httpsAgent: agent,
    },
  });
}

/**
 * Files as objects of a bucket, for several gateways. Their names begin with their expiry, so a listing has the expired
 * ones first. Rejects when the store refuses to list the bucket; a store that cannot be reached yet is waited for.
 */
export async function openS3Store(options: S3Options, log: Logger): Promise<FileStore> {
  const { bucket: Bucket, prefix = "" } = options;
  const client = connect(options);
  const keyOf = (name: string) => prefix + name;

  async function listed(after?: string): Promise<string[]> {
    const command = new ListObjectsV2Command({ Bucket, Prefix: prefix, MaxKeys: PAGE_KEYS, StartAfter: after });
    const { Contents = [] } = await client.send(command).catch((error: unknown) => {
      throw failure("list", error);
    });
    return Contents.flatMap(({ Key }) => Key ?? []);
  }

  /** Removes the expired files of a page; `done` when one that is still good was met. */
  async function sweepPage(keys: readonly string[], nowMs: number): Promise<{ removed: number; done: boolean }> {
    const expired: string[] = [];
    let done = false;
    for (const key of keys) {
      const parsed = parseFileName(key.slice(prefix.length));
      if (!parsed) continue;
      if (parsed.expiresAtMs <= nowMs) expired.push(key);
      else done = true;
    }
    for (let at = 0; at < expired.length; at += SWEEP_PARALLEL) {
      const some = expired.slice(at, at + SWEEP_PARALLEL);
      await Promise.all(some.map((Key) => client.send(new DeleteObjectCommand({ Bucket, Key })))).catch((error) => {
        throw failure("delete", error);
      });
    }
    return { removed: expired.length, done };
  }

  try {
    await listed();
  } catch (error) {
    if (!(error instanceof FileStoreUnavailableError)) throw error;
    log.warn({ err: error, bucket: Bucket }, "file store away");
  }

  return {
    async put(name, bytes) {
      const type = parseFileName(name)?.format;
      const object = { Bucket, Key: keyOf(name), Body: bytes, ContentLength: bytes.length };
      const command = new PutObjectCommand({ ...object, ...(type && { ContentType: MEDIA_TYPES[type] }) });
      await client.send(command).catch((error: unknown) => {
        throw failure("put", error);
      });
    },

    async get(name) {
      const Key = keyOf(name);
      try {
        const { ContentLength: size } = await client.send(new HeadObjectCommand({ Bucket, Key }));
        if (size === undefined) throw new Error("no length");
        return { size, open: (range) => openObject(client, { Bucket, Key }, size, range) };
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw failure("head", error);
      }
    },

    async remove(name) {
      await client.send(new DeleteObjectCommand({ Bucket, Key: keyOf(name) })).catch((error: unknown) => {
        throw failure("delete", error);
      });
    },

    async sweep(nowMs) {
      let removed = 0;
      let last: string | undefined;
      for (let page = 0; page < SWEEP_PAGES; page++) {
        const keys = await listed(last);
        const swept = await sweepPage(keys, nowMs);
        removed += swept.removed;
        last = keys.at(-1);
        if (swept.done || last === undefined) break;
      }
      return removed;
    },

    async close() {
      client.destroy();
    },
  };
}

async function openObject(
  client: S3Client,
  object: { Bucket: string; Key: string },
  size: number,
  range: { start: number; end: number } | undefined,
): Promise<Readable> {
  const wanted = range ? { ...object, Range: `bytes=${range.start}-${range.end}` } : object;
  const { Body, ContentLength } = await client.send(new GetObjectCommand(wanted)).catch((error: unknown) => {
    throw isMissing(error) ? errors.fileExpired() : failure("get", error);
  });
  const body = Body as Readable; // what the SDK gives on Node
  if (ContentLength !== (range ? range.end - range.start + 1 : size)) {
    body.destroy();
    throw new Error("get: the file store gave another range");
  }
  return body;
}
