import assert from "node:assert/strict";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { AtomaSDKCore } from "../../src/core.ts";
import { imagesGenerate } from "../../src/funcs/imagesGenerate.ts";
import type { RequestOptions } from "../../src/lib/client.ts";
import type { Clock } from "../../src/lib/clock.ts";
import type { SDKOptions } from "../../src/lib/config.ts";
import type { Result } from "../../src/types/fp.ts";

export const KEY = "sk-secret-0123456789";

/** Why a test that loads source files by path is skipped, on a Node that does not run TypeScript. */
export const NO_TYPESCRIPT = !process.features.typescript && "this Node does not run TypeScript";

/** A PNG of one pixel. */
export const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/** An answer with one picture. */
export const ANSWER = { created: 1713833628, data: [{ b64_json: PNG }] };

export const NONE = { strategy: "none" } as const;

export function core(server: { url: string }, options: SDKOptions = {}, clock?: Clock): AtomaSDKCore {
  return new AtomaSDKCore({ serverURL: server.url, bearerAuth: KEY, ...options }, clock);
}

/** One call of the function that most cases are about. */
export function generate(server: { url: string }, options: RequestOptions = {}, sdk: SDKOptions = {}, clock?: Clock) {
  return imagesGenerate(core(server, sdk, clock), { prompt: "a cat" }, options);
}

/** Options of a client, and a promise that the headers of its next answer have come. */
export function untilHeaders(): { sdk: SDKOptions; headers: Promise<void> } {
  let come = () => {};
  const headers = new Promise<void>((resolve) => {
    come = resolve;
  });
  const log = (line: unknown) => {
    if (String(line).startsWith("<")) come();
  };
  return { sdk: { debugLogger: { log, group() {}, groupEnd() {} } }, headers };
}

export function successOf<T>(result: Result<T, unknown>): T {
  if (!result.ok) assert.fail(`the call failed: ${result.error}`);
  return result.value;
}

type ErrorClass<E> = abstract new (...args: never[]) => E;

/** The error of a result, which must be of the class. */
export function errorOf<E extends Error>(result: Result<unknown, Error>, errorClass: ErrorClass<E>): E {
  assert.ok(!result.ok, "the call should have failed");
  const { error } = result;
  if (!(error instanceof errorClass)) assert.fail(`expected ${errorClass.name}, got ${error.name}: ${error.message}`);
  return error;
}

/** Forces a garbage collection. */
export function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  const gc: () => void = runInNewContext("gc");
  for (let i = 0; i < 3; i++) gc();
}
