import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { S3Options } from "../../src/index.ts";

export interface S3Server extends AsyncDisposable {
  readonly options: S3Options;
  /** Stops it as a crash does. */
  kill(): Promise<void>;
}

/** s3rver makes the tokens of its listings with Blowfish. */
const LEGACY = "--openssl-legacy-provider";
/** It forgets the slash at the end of a bucket's own path when it computes the signature of a request. */
const SERVER = `
const S3rver = require("@20minutes/s3rver");
const v4 = require("@20minutes/s3rver/lib/signature/v4.js");
const { getStringToSign } = v4;
v4.getStringToSign = (canonical, request) =>
  getStringToSign({ ...canonical, uri: canonical.uri.replace(/^\\/[^/]+$/, "$&/") }, request);
const [directory, bucket] = process.argv.slice(1);
new S3rver({ address: "127.0.0.1", port: 0, silent: true, directory, configureBuckets: [{ name: bucket }] })
  .run().then(({ port }) => console.log(port));
process.on("disconnect", () => process.exit());
`;

/** A server of the S3 API that checks signatures, in a process of its own, with one empty bucket on disk. */
export async function startS3Server(): Promise<S3Server> {
  const directory = await mkdtemp(join(tmpdir(), "atoma-s3-"));
  const bucket = "pictures";
  const child: ChildProcess = spawn(process.execPath, [LEGACY, "-e", SERVER, directory, bucket], {
    stdio: ["ignore", "pipe", "inherit", "ipc"],
    cwd: import.meta.dirname,
  });
  const [port] = await once(child.stdout ?? process.stdin, "data");
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  };
  return {
    options: {
      bucket,
      prefix: "atoma/",
      endpoint: `http://127.0.0.1:${Number(port)}`,
      credentials: { accessKeyId: "S3RVER", secretAccessKey: "S3RVER" },
    },
    kill,
    async [Symbol.asyncDispose]() {
      await kill();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
