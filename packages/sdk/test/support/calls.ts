import assert from "node:assert/strict";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { AtomaSDKCore } from "../../src/core.ts";
import { imagesGenerate } from "../../src/funcs/imagesGenerate.ts";
import type { RequestOptions } from "../../src/lib/client.ts";
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

export function core(server: { url: string }, options: SDKOptions = {}): AtomaSDKCore {
  return new AtomaSDKCore({ serverURL: server.url, bearerAuth: KEY, ...options });
}

/** One call of the function that most cases are about. */
export function generate(server: { url: string }, options: RequestOptions = {}, sdk: SDKOptions = {}) {
  return imagesGenerate(core(server, sdk), { prompt: "a cat" }, options);
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

/** How long something took, ms. */
export async function timed<T>(work: Promise<T>): Promise<[value: T, ms: number]> {
  const start = performance.now();
  const value = await work;
  return [value, performance.now() - start];
}

/** Forces a garbage collection. */
export function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  const gc: () => void = runInNewContext("gc");
  for (let i = 0; i < 3; i++) gc();
}
