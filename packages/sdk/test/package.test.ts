import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { globSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { runInNewContext } from "node:vm";
import { gzipSync } from "node:zlib";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { build } from "esbuild";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { ANSWER } from "./support/calls.ts";
import { node20 } from "./support/node20.ts";
import { packAndInstall, run } from "./support/packed.ts";
import { json, serve } from "./support/server.ts";
import { tool } from "./support/tools.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const REPOSITORY = join(ROOT, "..", "..");

const { folder, tarball, beside } = await packAndInstall();
const installed = join(folder, "node_modules", "atoma-sdk");

async function bundle(code: string, external: string[] = []): Promise<{ text: string; gzip: number; files: string[] }> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: code, resolveDir: folder },
    external,
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    write: false,
    metafile: true,
    logLevel: "silent",
  });
  const [{ text = "", contents = new Uint8Array() } = {}] = outputFiles;
  return { text, gzip: gzipSync(contents, { level: 9 }).length, files: Object.keys(metafile.inputs) };
}

const FUNCTION = `export { AtomaSDKCore } from "atoma-sdk/core.js"; export { imagesGenerate } from "atoma-sdk/funcs/imagesGenerate.js";`;

test("K-054 one function on the core bundles small, without other operations and without Node", async (t) => {
  const { text, gzip, files } = await bundle(FUNCTION);
  t.diagnostic(`core + imagesGenerate: ${text.length} bytes, ${gzip} gzipped`);
  assert.ok(gzip <= 7570, `${gzip} bytes gzipped`);
  assert.deepEqual(
    files.filter((file) => file.includes("/funcs/")).map((file) => file.split("/").at(-1)),
    ["imagesGenerate.js"],
  );
  for (const other of ["/v1/models", "/health", "/v1/images/edits", "event-stream", "respond-async"])
    assert.ok(!text.includes(other));
  assert.doesNotMatch(text, /from\s*"|require\(/, "nothing is left to import");
});

const LOADED_LATER = [
  "nodesNodesCreate",
  "nodesNodesCreateLock",
  "confidentialImagesGenerate",
  "imagesGenerateAsync",
  "imagesGenerationGet",
  "imagesGenerationWait",
  "imagesGenerationCancel",
];

test("K-054 the class is small too, what few programs need is loaded apart, and an unused import costs nothing", async (t) => {
  const whole = await bundle(`export { AtomaSDK } from "atoma-sdk";`);
  // What a bundler that splits loads at first: the rest is nodes, confidential pictures and those that are made later.
  const { text, gzip } = await bundle(
    `export { AtomaSDK } from "atoma-sdk";`,
    LOADED_LATER.map((name) => `./funcs/${name}.js`),
  );
  t.diagnostic(`AtomaSDK: ${text.length} bytes, ${gzip} gzipped; with all that it may load, ${whole.gzip} gzipped`);
  assert.ok(gzip <= 10_370, `${gzip} bytes gzipped`);
  assert.ok(whole.gzip <= 13_220, `${whole.gzip} bytes gzipped`);
  const unused = await bundle(
    `import { AtomaSDK } from "atoma-sdk"; import "atoma-sdk/models/errors"; export const x = 1;`,
  );
  assert.ok(unused.text.length < 100, unused.text);
});

const FUNCTIONS =
  "imagesGenerate imagesGenerateStream imagesEdit imagesEditStream imagesGenerateAsync imagesGenerationGet imagesGenerationWait imagesGenerationCancel modelsList modelsGet healthCheck modelsModelsList healthHealth nodesNodesCreate nodesNodesCreateLock confidentialImagesGenerate";
const ERRORS =
  "APIError SDKValidationError ConnectionError RequestTimeoutError RequestAbortedError InvalidRequestError UnexpectedClientError HTTPClientError SDKError";

/** Each import path without `.js`, and a value that it must have; "" where it has only types. */
const PATHS: [path: string, value: string][] = [
  ["index", "AtomaSDK"],
  ["index", "files"],
  ["core", "AtomaSDKCore"],
  ["sdk", "AtomaSDK"],
  ["sdk/sdk", "AtomaSDK"],
  ["sdk/images", "Images"],
  ["sdk/models", "Models"],
  ["sdk/health", "Health"],
  ["sdk/nodes", "Nodes"],
  ["sdk/confidentialimages", "ConfidentialImages"],
  ["lib/http", "HTTPClient"],
  ["lib/http", "isConnectionError"],
  ["lib/retries", "retryPolicy"],
  ["lib/retries", "retry"],
  ["lib/retries", "PermanentError"],
  ["lib/retries", "TemporaryError"],
  ["lib/env", "env"],
  ["lib/env", "resetEnv"],
  ["lib/files", "readableStreamToArrayBuffer"],
  ["lib/config", "ServerList"],
  ["lib/sdks", "ClientSDK"],
  ["lib/logger", ""],
  ["models/components", "ImageData"],
  ["models/components", "createImageRequestToJSON"],
  ["models/components/createimagerequest", "createImageRequestToJSON"],
  ["models/components/createimageresponse", "createImageResponseFromJSON"],
  ["models/components/imagedata", "ImageData"],
  ["models/components/imagedata", "imageDataFromJSON"],
  ["models/components/model", "modelFromJSON"],
  ["models/components/modellist", "modelListFromJSON"],
  ["models/components/nodescreatelockresponse", ""],
  ["models/errors", "APIError"],
  ["models/errors/httpclienterrors", "ConnectionError"],
  ["types", "unwrapAsync"],
  ["types/fp", "OK"],
  ["types/async", "APIPromise"],
  ["types", "RFCDate"],
  ["types", "createPageIterator"],
  ["types/enums", "catchUnrecognizedEnum"],
  ["types/operations", "unwrapResultIterator"],
  ["types/rfcdate", "RFCDate"],
  ["types/streams", "isReadableStream"],
  ["types/blobs", "isBlobLike"],
  ...FUNCTIONS.split(" ").map((name): [string, string] => [`funcs/${name}`, name]),
  ...ERRORS.split(" ").map((name): [string, string] => [`models/errors/${name.toLowerCase()}`, name]),
];
const SPECIFIERS = [
  ["atoma-sdk", "AtomaSDK"],
  ...PATHS.flatMap(([path, value]) => ["", ".js"].map((end) => [`atoma-sdk/${path}${end}`, value])),
];

for (const [name, node] of [
  ["Node 24", process.execPath],
  ["Node 20", await node20()],
] as const) {
  test(`K-055 every path can be imported and required on ${name}`, async () => {
    const list = JSON.stringify(SPECIFIERS);
    const check = `if (value && typeof got[value] === "undefined") throw new Error(path + " has no " + value);`;
    writeFileSync(
      join(folder, "all.mjs"),
      `import { createRequire } from "node:module";
      const require = createRequire(import.meta.url);
      for (const [path, value] of ${list}) {
        const got = await import(path);
        ${check}
        if (value === "SDKError" && !(new (await import("atoma-sdk")).ConnectionError("x") instanceof require(path).SDKError)) throw new Error("ESM and CJS do not know each other's base");
        if (value === "ConnectionError" && !(new got.ConnectionError("x") instanceof require(path).ConnectionError)) throw new Error("ESM and CJS do not know each other's errors");
      }`,
    );
    writeFileSync(
      join(folder, "all.cjs"),
      `for (const [path, value] of ${list}) { const got = require(path); ${check} }`,
    );
    await run(node, [join(folder, "all.mjs")]);
    // Node 24 would also load an ES module by require.
    const flags = name === "Node 24" ? ["--no-experimental-require-module"] : [];
    await run(node, [...flags, join(folder, "all.cjs")]);
  });
}

const PROGRAM = `
import { AtomaSDK, type SDKOptions, type RequestOptions } from "atoma-sdk";
import { AtomaSDKCore } from "atoma-sdk/core.js";
import { imagesGenerate } from "atoma-sdk/funcs/imagesGenerate.js";
import { HTTPClient, type Fetcher } from "atoma-sdk/lib/http.js";
import { type BackoffStrategy, PermanentError, retry, type RetryConfig, TemporaryError } from "atoma-sdk/lib/retries";
import { type Env, env, resetEnv } from "atoma-sdk/lib/env";
import { Images } from "atoma-sdk/sdk/images.js";
import { Nodes } from "atoma-sdk/sdk/nodes";
import { AtomaSDK as SameSDK } from "atoma-sdk/sdk/sdk.js";
import { files } from "atoma-sdk/index.js";
import { matchResponse, type StatusCodePredicate } from "atoma-sdk/lib/http.js";
import type { ModelList } from "atoma-sdk/models/components/modellist.js";
import type { NodesCreateLockRequest } from "atoma-sdk/models/components/nodescreatelockrequest.js";
import { catchUnrecognizedEnum, createPageIterator, isBlobLike, type OpenEnum, type PageIterator, type Paginator, RFCDate, type Unrecognized } from "atoma-sdk/types";
import { haltIterator } from "atoma-sdk/types/operations.js";
import { isReadableStream } from "atoma-sdk/types/streams";
import { APIError, ConnectionError } from "atoma-sdk/models/errors";
import { RequestTimeoutError } from "atoma-sdk/models/errors/requesttimeouterror.js";
import type { CreateImageRequest, CreateImageResponse } from "atoma-sdk/models/components/index.js";
import type { Result } from "atoma-sdk/types";

const fetcher: Fetcher = (request) => fetch(request);
const retryConfig: RetryConfig = { strategy: "backoff", backoff: { initialInterval: 1 } };
const options: SDKOptions = { bearerAuth: async () => "k", httpClient: new HTTPClient({ fetcher }), retryConfig };
const sdk = new AtomaSDK(options);

const Style = { Vivid: "vivid" } as const;
type Style = OpenEnum<typeof Style>;
/** As programs for 0.1.1 are written. */
export async function former(body: unknown, lock: NodesCreateLockRequest, list: ModelList): Promise<unknown> {
  const images: Images = sdk.images;
  const own: Images = new Images({ bearerAuth: "k" });
  const nodes = new Nodes(new SameSDK(options));
  const style: Style = catchUnrecognizedEnum("of tomorrow");
  const same: Unrecognized<string> = catchUnrecognizedEnum<string>("x");
  const { ATOMASDK_BEARER_AUTH: key, ATOMASDK_DEBUG: debug }: Env = env();
  const flag: boolean | undefined = debug;
  resetEnv();
  const backoff: BackoffStrategy = { initialInterval: 1, maxInterval: 1, exponent: 1, maxElapsedTime: 1 };
  const codes: StatusCodePredicate = ["5XX", 429];
  const response: Response = await retry(() => fetch("http://127.0.0.1"), {
    config: { strategy: "backoff", backoff, retryConnectionErrors: true },
    statusCodes: ["5XX"],
  });
  if (!matchResponse(response, codes, "application/json")) throw new TemporaryError("again", response);
  if (isReadableStream(body)) return files.readableStreamToArrayBuffer(body);
  if (isBlobLike(body)) return body.size;
  const next: Paginator<{ items: number[] }> = () => null;
  const pages: PageIterator<{ items: number[] }> = { ...haltIterator({ items: [1] }), ...createPageIterator({ items: [1], next }, () => true) };
  for await (const page of pages) return page.items[0];
  const date: string = new RFCDate("2022-01-01").toJSON();
  return [images, own, nodes, style, same, key, flag, lock.model, list.data, date, new PermanentError("no", { cause: 1 }).cause];
}
export async function main(): Promise<string | undefined> {
  const request: CreateImageRequest = { prompt: "x", size: "1024x1024", quality: "of tomorrow", seed: 5 };
  const answer: CreateImageResponse = await sdk.images.generate(request, { timeoutMs: 5 });
  const result: Result<CreateImageResponse, Error> = await imagesGenerate(new AtomaSDKCore(), request);
  switch (true) {
    case result.ok:
      break;
    case result.error instanceof APIError:
      return result.error.code;
    case result.error instanceof Error:
      return result.error.name;
    default:
      result.error satisfies never;
  }
  const { value } = result;
  const bytes: Uint8Array = await answer.data[0]!.bytes();
  const blob: Blob = new Blob([await answer.data[0]!.bytes()]);
  const unknown: unknown = answer["new_field"];
  const per: RequestOptions = { fetchOptions: { headers: [["a", "b"]] } };
  const { response, data } = await sdk.models.list(per).withResponse();
  for await (const event of sdk.images.generateStream({ prompt: "x", partialImages: 2 }, { progress: true })) {
    if (event.type === "image_generation.progress") return String(event.step / event.steps);
    if (event.type === "image_generation.partial_image") return String(event.partialImageIndex);
    const total: number | undefined = event.usage?.totalTokens;
    await event.save(String(total));
  }
  // @ts-expect-error -- a number is no prompt
  sdk.images.generate({ prompt: 5 });
  // @ts-expect-error -- a mistyped field
  sdk.images.generate({ prompt: "x", responseFromat: "url" });
  return [value, bytes, blob, unknown, response, data, ConnectionError, RequestTimeoutError].join();
}
`;

/** The oldest TypeScript that is supported, the one before the rewrite (TypeDoc needs it), and the repository's. */
const COMPILERS = {
  "5.4": () => tool("typescript", "5.4.5"),
  "6.0": async () => join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), ".."),
  "7.0": async () => join(REPOSITORY, "node_modules"),
};

for (const [version, types] of [
  ["5.4", "dom"],
  ["6.0", "dom"],
  ["7.0", "dom"],
  ["7.0", "node"],
] as const) {
  test(`K-055 the types hold under TypeScript ${version} with the types of ${types}, strict, libraries checked`, async () => {
    const place = beside(`${version}-${types}`);
    writeFileSync(join(place, "a.mts"), PROGRAM);
    writeFileSync(join(place, "b.cts"), PROGRAM);
    const tsc = join(await COMPILERS[version](), "typescript", "bin", "tsc");
    assert.match((await run(process.execPath, [tsc, "--version"])).stdout, new RegExp(`^Version ${version}`));
    const config = (module?: string, moduleResolution?: string) => ({
      compilerOptions: {
        module,
        moduleResolution,
        target: "es2022",
        lib:
          types === "dom"
            ? ["es2022", "dom", "dom.iterable", ...(version === "5.4" ? [] : ["dom.asynciterable"])]
            : ["es2022"],
        types: types === "node" ? [join(REPOSITORY, "node_modules", "@types", "node")] : [],
        strict: true,
        skipLibCheck: types === "node", // not ours to check; ours are checked with the DOM
        exactOptionalPropertyTypes: true,
        noUncheckedIndexedAccess: true,
        noPropertyAccessFromIndexSignature: true,
        noEmit: true,
      },
      files: moduleResolution === "bundler" ? ["a.mts"] : ["a.mts", "b.cts"],
    });
    for (const [module, resolution] of [
      ["nodenext", "nodenext"],
      ["node16", "node16"],
      ["esnext", "bundler"],
    ].slice(0, version === "6.0" ? 1 : 3)) {
      const project = join(place, `${resolution}.json`);
      writeFileSync(project, JSON.stringify(config(module, resolution)));
      await run(process.execPath, [tsc, "-p", project]).catch(({ stdout }) => assert.fail(`${resolution}: ${stdout}`));
    }
  });
}

test("the package as it is packed has no fault that publint or Are the types wrong know", async () => {
  const { messages, pkg } = await publint({ pkgDir: installed, strict: true, pack: false });
  assert.deepEqual(
    messages.map((message) => formatMessage(message, pkg, { color: false })),
    [],
  );
  const analysis = await checkPackage(createPackageFromTarballData(readFileSync(tarball)));
  assert.ok(analysis.types, "types are found");
  // TypeScript's resolution of before Node 12 knows no exports map; no supported version of Node resolves so.
  const isOld = (problem: object) => "resolutionKind" in problem && problem.resolutionKind === "node10";
  assert.deepEqual(
    analysis.problems.filter((problem) => !isOld(problem)),
    [],
  );
  assert.ok(Object.keys(analysis.entrypoints).length > 20);
});

test("K-056 the package has no dependency, no install script, nothing native, and is small", (t) => {
  const json: Record<string, unknown> = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
  for (const kind of ["dependencies", "peerDependencies", "optionalDependencies", "bundledDependencies"]) {
    assert.equal(json[kind], undefined);
  }
  const { scripts = {} } = json;
  for (const script of ["preinstall", "install", "postinstall", "prepare"])
    assert.ok(!Object.hasOwn(Object(scripts), script));
  assert.equal(json.sideEffects, false);
  const files = globSync("**/*", { cwd: installed }).filter((file) => statSync(join(installed, file)).isFile());
  const size = files.reduce((sum, file) => sum + statSync(join(installed, file)).size, 0);
  t.diagnostic(`installed: ${files.length} files, ${size} bytes`);
  assert.ok(size <= 660_000, `${size} bytes`);
  assert.ok(files.includes("README.md"));
  for (const file of files)
    assert.match(
      file,
      /^((esm|cjs)\/.+\.(js|js\.map|d\.ts)|src\/.+\.ts|cjs\/package\.json|README\.md|LICENSE|package\.json)$/,
    );
  assert.deepEqual(
    execFileSync("ls", [join(folder, "node_modules")], { encoding: "utf8" })
      .trim()
      .split("\n"),
    ["atoma-sdk"],
    "one package is installed",
  );
});

for (const [name, node] of [
  ["Node 24", process.execPath],
  ["Node 20", await node20()],
] as const) {
  test(`stacks name the classes as they are, and with source maps the sources, on ${name}`, async () => {
    const program = (load: string) =>
      `${load}
       const sdk = new AtomaSDK({ serverURL: "http://127.0.0.1:1" });
       const show = (error) => console.log(error.stack);
       sdk.images.generate({}).catch(show).then(() => sdk.images.edit({ prompt: "x", image: [] })).catch(show)
         .then(() => sdk.images.generate({ prompt: "x" }, { retries: { strategy: "none" } })).catch(show);`;
    writeFileSync(join(folder, "stack.mjs"), program(`import { AtomaSDK } from "atoma-sdk";`));
    writeFileSync(join(folder, "stack.cjs"), program(`const { AtomaSDK } = require("atoma-sdk");`));
    for (const file of ["stack.mjs", "stack.cjs"]) {
      const plain = await run(node, [file], { cwd: folder });
      assert.match(
        plain.stdout,
        /^SDKValidationError: Input[\s\S]*^SDKValidationError: Input[\s\S]*^ConnectionError: No/m,
      );
      assert.doesNotMatch(plain.stdout, /\b_[A-Z]/);
      const mapped = await run(node, ["--enable-source-maps", file], { cwd: folder });
      const places = [...mapped.stdout.matchAll(/\/atoma-sdk\/(\S+?):(\d+):\d+/g)];
      assert.ok(places.length >= 8, mapped.stdout);
      for (const [, path = "", line] of places) {
        assert.match(path, /^src\/(lib|funcs|sdk)\/.+\.ts$/, mapped.stdout);
        const text = readFileSync(join(installed, path), "utf8").split("\n")[Number(line) - 1];
        assert.match(text ?? "", /throw|new |await|\(/, `${path}:${line}`);
      }
    }
  });
}

test("no class of the built package has another name than in its source", () => {
  for (const file of globSync("**/*.js", { cwd: installed })) {
    assert.doesNotMatch(readFileSync(join(installed, file), "utf8"), /\bclass _/, file);
  }
});

test("packing the folder of the repository gives a package that works too", async () => {
  const place = beside("from-repository");
  await run("npm", ["pack", "--pack-destination", place], { cwd: ROOT });
  const [name = ""] = globSync("*.tgz", { cwd: place });
  const { stdout } = await run("tar", ["-tzf", name], { cwd: place });
  const files = stdout.trim().split("\n");
  assert.deepEqual(
    files.filter((file) => !/^package\/(dist\/(esm|cjs|src)\/|package\.json$|README\.md$)/.test(file)),
    [],
  );
  await run("tar", ["-xzf", name], { cwd: place });
  const program = `for (const { ImageData } of [await import("./dist/esm/models/components/index.js"), require("atoma-sdk/models/components")])
    if (typeof ImageData !== "function") throw new Error("no ImageData");
    if (typeof (await import("atoma-sdk")).AtomaSDK !== "function") throw new Error("no AtomaSDK");`;
  const flags = ["--input-type=module", "--eval"];
  const prelude = `import { createRequire } from "node:module"; const require = createRequire(process.cwd() + "/x.js");`;
  await run(process.execPath, [...flags, prelude + program], { cwd: join(place, "package") });
});

test("K-057 it works where there is no process, Buffer, Deno or require", async (t) => {
  const server = await serve(t, (response) => json(response, ANSWER));
  const { text } = await bundle(
    `${FUNCTION} import { AtomaSDKCore } from "atoma-sdk/core.js"; import { imagesGenerate } from "atoma-sdk/funcs/imagesGenerate.js";
     globalThis.run = async (serverURL) => {
       const result = await imagesGenerate(new AtomaSDKCore({ serverURL }), { prompt: "x" }, { timeoutMs: 9000 });
       const [image] = result.value.data;
       const failed = await imagesGenerate(new AtomaSDKCore({ serverURL: "http://127.0.0.1:1" }), { prompt: "x" }, { retries: { strategy: "none" } });
       return [(await image.bytes()).length, await image.dataUrl(), failed.error.name, await image.save("x").catch((e) => e.name)];
     };`,
  );
  const {
    fetch,
    URL,
    AbortController,
    AbortSignal,
    Response,
    Request,
    Headers,
    Blob,
    TextDecoder,
    crypto,
    performance,
    atob,
    btoa,
  } = globalThis;
  const global: Record<string, unknown> = {
    ...{ fetch, URL, AbortController, AbortSignal, Response, Request, Headers, Blob, TextDecoder, crypto, performance },
    ...{ atob, btoa, setTimeout, clearTimeout },
  };
  runInNewContext(text.replace(/export\s*\{[^}]*\};?/g, ""), global);
  assert.ok(typeof global.run === "function");
  const [length, dataUrl, failed, saved] = await global.run(server.url);
  assert.deepEqual([length, failed, saved], [70, "ConnectionError", "InvalidRequestError"]);
  assert.match(dataUrl, /^data:image\/png;base64,iVBOR/);
  assert.equal(server.seen[0]?.headers["user-agent"], "node", "fetch's own");
});
