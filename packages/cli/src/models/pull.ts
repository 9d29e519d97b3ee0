import { existsSync } from "node:fs";
import { mkdir, rename, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { downloadFile, listFiles, modelInfo } from "@huggingface/hub";
import { download, PullError } from "./download.ts";
import { neededFiles, type RemoteFile, whyNotAModel } from "./needed-files.ts";
import { PULL_FILE } from "./registry.ts";

export interface PullOptions {
  /** `org/name`. */
  readonly repo: string;
  /** Branch, tag or commit. */
  readonly revision: string;
  /** Origin of the hub. */
  readonly hubUrl: string;
  /** For private and gated repositories. */
  readonly accessToken: string | undefined;
  /** Folder of the models; the model's own is made in it. */
  readonly folder: string;
  readonly name: string;
  readonly onProgress: (progress: PullProgress) => void;
  readonly wait: (attempt: number) => Promise<void>;
}

export interface PullProgress {
  readonly path: string;
  readonly bytes: number;
  readonly total: number;
}

interface Repository {
  readonly commit: string;
  readonly files: readonly RemoteFile[];
}

/** What the hub refused, in words that help. */
function refusal(error: unknown, { repo, revision, accessToken }: PullOptions): unknown {
  if (!(error instanceof Error) || !("statusCode" in error)) return error;
  const status = error.statusCode;
  if (status === 401 || status === 403) {
    const hint = accessToken === undefined ? "set HF_TOKEN" : "the token in HF_TOKEN has no access";
    return new PullError(`${repo} cannot be read: it does not exist, or is private or gated; ${hint}`, {
      cause: error,
    });
  }
  if (status === 404) return new PullError(`${repo} has no revision ${revision}, or does not exist`, { cause: error });
  return new PullError(`${repo}: the hub answered ${String(status)}`, { cause: error });
}

async function look(options: PullOptions): Promise<Repository> {
  const { repo, revision, hubUrl, accessToken } = options;
  const credentials = accessToken === undefined ? {} : { accessToken };
  try {
    const info = await modelInfo({ name: repo, revision, hubUrl, additionalFields: ["sha"], ...credentials });
    const commit = info.sha;
    const files: RemoteFile[] = [];
    const listing = listFiles({ repo, revision: commit, hubUrl, recursive: true, ...credentials });
    for await (const { type, path, size, oid, lfs } of listing) {
      if (type !== "file" || oid === undefined) continue;
      const checksum = lfs ? ({ kind: "sha256", hex: lfs.oid } as const) : ({ kind: "git-sha1", hex: oid } as const);
      files.push({ path, size: lfs?.size ?? size, checksum });
    }
    return { commit, files };
  } catch (error) {
    throw refusal(error, options);
  }
}

/** Paths come from a server: none may leave the folder. */
function isInside(path: string): boolean {
  return !path.startsWith("/") && path.split("/").every((part) => part !== ".." && part !== "." && part !== "");
}

async function checkSpace(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize < bytes) {
    const gb = (n: number) => `${(n / 1e9).toFixed(1)} GB`;
    throw new PullError(`${folder}: ${gb(bytes)} are needed, ${gb(bavail * bsize)} are free`);
  }
}

/**
 * Fetches the files of a model that the engine reads, each checked, into `folder/name`. Until all are there they lie in
 * `folder/.name.partial`, where the same command goes on. Gives the model's folder. Throws PullError.
 */
export async function pull(options: PullOptions): Promise<string> {
  const { repo, hubUrl, accessToken, folder, name, onProgress, wait } = options;
  const target = join(folder, name);
  if (existsSync(target)) throw new PullError(`${target} is there already; remove it first, or give another name`);
  const { commit, files } = await look(options);
  const why = whyNotAModel(files);
  if (why !== undefined) throw new PullError(`${repo} cannot be loaded: ${why}`);
  const needed = neededFiles(files).filter(({ path }) => isInside(path));
  // Another commit's files are of no use here.
  const partial = join(folder, `.${name}.${commit.slice(0, 12)}.partial`);
  await mkdir(partial, { recursive: true });
  const missing = needed.filter(({ path }) => !existsSync(join(partial, path)));
  await checkSpace(
    folder,
    missing.reduce((sum, { size }) => sum + size, 0),
  );

  const total = needed.reduce((sum, { size }) => sum + size, 0);
  let before = 0;
  for (const file of needed) {
    await download(file, join(partial, file.path), {
      openAt: async (from) => {
        const credentials = accessToken === undefined ? {} : { accessToken };
        const whole = { repo, path: file.path, revision: commit, hubUrl, xet: false, ...credentials };
        const blob = await downloadFile(whole);
        if (!blob) throw new Error("the hub has it no more");
        return (from > 0 ? blob.slice(from) : blob).stream();
      },
      onProgress: (bytes) => onProgress({ path: file.path, bytes: before + bytes, total }),
      wait,
    });
    before += file.size;
  }
  await writeFile(join(partial, PULL_FILE), `${JSON.stringify({ repo, commit, hub: hubUrl }, null, 2)}\n`);
  await rename(partial, target);
  return target;
}
