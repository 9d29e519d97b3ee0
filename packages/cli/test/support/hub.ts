import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join, relative, sep } from "node:path";

/** What the server does to one answer that has a file's content. */
export type Fault =
  | { readonly kind: "cut"; readonly after: number }
  | { readonly kind: "damage" }
  | { readonly kind: "ignore-range" }
  | { readonly kind: "status"; readonly status: number };

export interface Hub extends AsyncDisposable {
  readonly url: string;
  /** Requests for content so far: path and range. */
  readonly fetched: readonly { readonly path: string; readonly range: string | undefined }[];
  /** The next answers with the content of `path` fail like this, one after the other. */
  fail(path: string, ...faults: readonly Fault[]): void;
}

export const COMMIT = "0123456789abcdef0123456789abcdef01234567";
/** The hub keeps files from about this size on in large file storage. */
const LFS_BYTES = 50_000;

const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
const gitSha1 = (bytes: Buffer) => createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");

/** The files of a folder by their paths, with `more` beside them. */
export function filesOf(folder: string, more: Readonly<Record<string, string>> = {}): Map<string, Buffer> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map([
    ...files.map((entry): [string, Buffer] => {
      const path = join(entry.parentPath, entry.name);
      return [relative(folder, path).split(sep).join("/"), readFileSync(path)];
    }),
    ...Object.entries(more).map(([path, text]): [string, Buffer] => [path, Buffer.from(text)]),
  ]);
}

function treeOf(files: ReadonlyMap<string, Buffer>) {
  return [...files].map(([path, bytes]) => ({
    type: "file",
    path,
    size: bytes.length,
    oid: gitSha1(bytes),
    ...(bytes.length >= LFS_BYTES && { lfs: { oid: sha256(bytes), size: bytes.length, pointerSize: 134 } }),
  }));
}

/** Serves one repository, `org/model`, as the Hugging Face Hub does: its info, its tree in pages, its files with ranges. */
export async function startHub(files: ReadonlyMap<string, Buffer>, token?: string): Promise<Hub> {
  const fetched: { path: string; range: string | undefined }[] = [];
  const faults = new Map<string, Fault[]>();
  const json = (response: ServerResponse, value: unknown, headers: Record<string, string> = {}) =>
    response.writeHead(200, { "content-type": "application/json", ...headers }).end(JSON.stringify(value));

  function content(request: IncomingMessage, response: ServerResponse, path: string): void {
    const bytes = files.get(path);
    if (!bytes) return void response.writeHead(404, { "x-error-code": "EntryNotFound" }).end();
    const { range } = request.headers;
    const etag = `"${sha256(bytes)}"`;
    const [, from = "0", to] = /^bytes=(\d+)-(\d+)$/u.exec(range ?? "") ?? [];
    const probe = range === "bytes=0-0";
    if (!probe) fetched.push({ path, range });
    const fault = probe ? undefined : faults.get(path)?.shift();
    if (fault?.kind === "status") return void response.writeHead(fault.status).end();
    const whole = range === undefined || fault?.kind === "ignore-range";
    const part = whole ? Buffer.from(bytes) : Buffer.from(bytes.subarray(Number(from), Number(to) + 1));
    if (fault?.kind === "damage") part[0] = (part[0] ?? 0) ^ 255;
    response.writeHead(whole ? 200 : 206, {
      "content-length": part.length,
      "accept-ranges": "bytes",
      etag,
      ...(!whole && { "content-range": `bytes ${from}-${Number(from) + part.length - 1}/${bytes.length}` }),
    });
    if (fault?.kind !== "cut") return void response.end(part);
    response.write(part.subarray(0, fault.after), () => response.destroy());
  }

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://hub");
    if (token !== undefined && request.headers.authorization !== `Bearer ${token}`) {
      return void response.writeHead(401, { "content-type": "application/json" }).end('{"error":"Invalid username"}');
    }
    const path = decodeURIComponent(url.pathname);
    if (path === "/api/models/org/model/revision/main") {
      return void json(response, { _id: "1", id: "org/model", sha: COMMIT, lastModified: "2026-01-01T00:00:00Z" });
    }
    if (path === `/api/models/org/model/tree/${COMMIT}`) {
      const tree = treeOf(files);
      const page = Number(url.searchParams.get("page") ?? 0);
      const next = (page + 1) * 10 < tree.length;
      const link = `<http://${request.headers.host}${url.pathname}?recursive=true&page=${page + 1}>; rel="next"`;
      return void json(response, tree.slice(page * 10, (page + 1) * 10), next ? { link } : {});
    }
    const prefix = `/org/model/resolve/${COMMIT}/`;
    if (path.startsWith(prefix)) return content(request, response, path.slice(prefix.length));
    response.writeHead(404, { "content-type": "application/json" }).end('{"error":"Repository not found"}');
  });
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  // A server that listens on a port has an address with one.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    fetched,
    fail: (path, ...list) => void faults.set(path, [...list]),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
