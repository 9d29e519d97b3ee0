import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { after, describe, test } from "node:test";
import { ApiError } from "@atoma/contract";
import pino from "pino";
import { openDiskStore } from "../src/files/disk.ts";
import { fileName } from "../src/files/file-name.ts";
import { type FileStore, FileStoreUnavailableError } from "../src/files/file-store.ts";
import { openS3Store } from "../src/files/s3.ts";
import { startS3Server } from "./support/s3-server.ts";

const silent = pino({ level: "silent" });
const HOUR = 3_600_000;
const nameAt = (expiresAtMs: number) => fileName(expiresAtMs, randomBytes(18), "png");

const folder = await mkdtemp(join(tmpdir(), "atoma-files-"));
const server = await startS3Server();
after(async () => {
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const engines: Readonly<Record<string, () => Promise<FileStore>>> = {
  disk: () => openDiskStore(folder),
  s3: () => openS3Store(server.options, silent),
};

for (const [engine, open] of Object.entries(engines)) {
  describe(`files on ${engine}`, async () => {
    const store = await open();
    after(() => store.close());

    test("what was put is got, whole and in part", async () => {
      const bytes = randomBytes(3_000_001);
      const name = nameAt(Date.now() + HOUR);
      await store.put(name, bytes);
      const file = (await store.get(name)) ?? assert.fail();
      assert.equal(file.size, bytes.length);
      assert.ok(bytes.equals(await buffer(await file.open())));
      assert.ok(
        bytes
          .subarray(1_000_000, 2_000_001)
          .equals(await buffer(await file.open({ start: 1_000_000, end: 2_000_000 }))),
      );
      assert.deepEqual(await buffer(await file.open({ start: 3_000_000, end: 3_000_000 })), bytes.subarray(-1));
    });

    test("a file of no bytes, and a name that nobody put", async () => {
      const name = nameAt(Date.now() + HOUR);
      assert.equal(await store.get(name), undefined);
      await store.put(name, new Uint8Array(0));
      const file = (await store.get(name)) ?? assert.fail();
      assert.equal(file.size, 0);
      assert.equal((await buffer(await file.open())).length, 0);
    });

    test("a sweep removes what has expired and nothing else", async () => {
      const now = Date.now();
      const [old, older, good] = [nameAt(now - 1000), nameAt(now - 90 * 24 * HOUR), nameAt(now + HOUR)];
      for (const name of [old, older, good]) await store.put(name, Buffer.from("x"));
      assert.equal(await store.sweep(now), 2);
      assert.equal(await store.sweep(now), 0);
      assert.deepEqual([await store.get(old), await store.get(older)], [undefined, undefined]);
      assert.equal((await store.get(good))?.size, 1);
    });

    test("a file that is removed after it was found: 410", async () => {
      const name = nameAt(1_000_000_000_000);
      await store.put(name, Buffer.from("x"));
      const file = (await store.get(name)) ?? assert.fail();
      assert.equal(await store.sweep(Date.now()), 1);
      await assert.rejects(file.open(), (error: unknown) => error instanceof ApiError && error.status === 410);
    });

    test("a reader that leaves in the middle leaves nothing open", async () => {
      const name = nameAt(Date.now() + HOUR);
      await store.put(name, randomBytes(5_000_000));
      const file = (await store.get(name)) ?? assert.fail();
      for (let i = 0; i < 20; i++) {
        const stream = await file.open();
        const closed = new Promise((resolve) => stream.once("close", resolve));
        for await (const _chunk of stream) break;
        await closed;
      }
      assert.equal((await buffer(await file.open())).length, 5_000_000);
    });
  });
}

test("disk: what cannot be stored leaves no half behind", async () => {
  const store = await openDiskStore(folder);
  const name = nameAt(Date.now() + HOUR);
  // A folder in its place: the bytes are written, and cannot be renamed.
  await mkdir(join(folder, name));
  await assert.rejects(store.put(name, Buffer.from("x")));
  assert.deepEqual(
    (await readdir(folder)).filter((file) => file.endsWith(".part")),
    [],
  );
});

test("disk: a folder that is gone while running is told apart from a file that is not there", async () => {
  const gone = await mkdtemp(join(tmpdir(), "atoma-gone-"));
  const store = await openDiskStore(gone);
  const name = nameAt(Date.now() + HOUR);
  await store.put(name, Buffer.from("x"));
  const kept = await store.get(name);
  assert.equal(await store.get(nameAt(Date.now() + HOUR)), undefined);
  await rm(gone, { recursive: true });
  await assert.rejects(store.put(name, Buffer.from("x")), FileStoreUnavailableError);
  await assert.rejects(store.get(name), FileStoreUnavailableError);
  await assert.rejects(async () => kept?.open(), { name: "ApiError", status: 410 });
  await writeFile(gone, "a file where the folder was");
  await assert.rejects(store.put(name, Buffer.from("x")), FileStoreUnavailableError);
  await assert.rejects(store.get(name), FileStoreUnavailableError);
  await rm(gone);
});

test("S3: more expired files than a page of a listing has", async () => {
  const store = await openS3Store({ ...server.options, prefix: "many/" }, silent);
  const names = Array.from({ length: 300 }, () => nameAt(Date.now() - HOUR));
  for (let at = 0; at < names.length; at += 50) {
    await Promise.all(names.slice(at, at + 50).map((name) => store.put(name, Buffer.from("x"))));
  }
  assert.equal(await store.sweep(Date.now()), 300);
  await store.close();
});

test("S3: a wrong secret or bucket ends the start, and no error shows what was signed", async () => {
  const { bucket, credentials } = server.options;
  const shown = (error: unknown) => {
    assert.ok(error instanceof Error && !(error instanceof FileStoreUnavailableError));
    assert.doesNotMatch(JSON.stringify(pino.stdSerializers.err(error)), /AWS4-HMAC|S3RVER|Signature=|wrong-secret/);
    return true;
  };
  const wrong = { accessKeyId: credentials?.accessKeyId ?? "", secretAccessKey: "wrong-secret" };
  await assert.rejects(openS3Store({ ...server.options, credentials: wrong }, silent), (error: Error) => {
    assert.equal(error.message, "list: the file store answered 403 SignatureDoesNotMatch");
    return shown(error);
  });
  await assert.rejects(openS3Store({ ...server.options, bucket: `${bucket}-2` }, silent), (error: Error) => {
    assert.equal(error.message, "list: the file store answered 404 NoSuchBucket");
    return shown(error);
  });
});

test("S3: a store that is away is told apart from one that refuses", async () => {
  await using short = await startS3Server();
  const store = await openS3Store(short.options, silent);
  const name = nameAt(Date.now() + HOUR);
  await short.kill();
  await assert.rejects(store.put(name, Buffer.from("x")), FileStoreUnavailableError);
  await assert.rejects(store.get(name), FileStoreUnavailableError);
  await assert.rejects(store.sweep(Date.now()), FileStoreUnavailableError);
  await store.close();
  const later = await openS3Store(short.options, silent);
  await later.close();
});

test("a folder of more files than are listed at a time: a sweep finds each that has expired, and halves that are old", async () => {
  const many = await mkdtemp(join(tmpdir(), "atoma-many-"));
  try {
    const store = await openDiskStore(many);
    const expired = Array.from({ length: 600 }, () => nameAt(Date.now() - HOUR));
    const kept = Array.from({ length: 600 }, () => nameAt(Date.now() + HOUR));
    for (const name of [...expired, ...kept]) await writeFile(join(many, name), "");
    assert.equal(await store.sweep(Date.now()), 600);
    assert.deepEqual((await readdir(many)).sort(), kept.toSorted());
    const [old, young] = [`${nameAt(Date.now() + HOUR)}.part`, `${nameAt(Date.now() + HOUR)}.part`];
    for (const name of [old, young]) await writeFile(join(many, name), "half");
    await utimes(join(many, old), new Date(0), new Date(0));
    await openDiskStore(many);
    assert.deepEqual((await readdir(many)).sort(), [...kept, young].sort());
  } finally {
    await rm(many, { recursive: true });
  }
});
