import { join } from "node:path";
import { type NodeOptions, type RunningNode, startNode } from "../src/index.ts";

export const TINY = join(import.meta.dirname, "../../../models/tiny");
export const MODEL = "tiny";
export const JSON_HEADERS = { "content-type": "application/json" };

/** A node with the tiny model, loaded; closed when the `using` block ends. */
/** What the tiny model draws for a square picture of any size, before it is resampled. */
export const NATIVE_PIXELS = 384 * 384;

export async function loadedNode(options: Partial<NodeOptions> = {}): Promise<RunningNode & AsyncDisposable> {
  const node = await startNode({ models: [{ path: TINY, id: MODEL }], threads: 1, ...options });
  await node.ready;
  return {
    url: node.url,
    port: node.port,
    ready: node.ready,
    get modelPids() {
      return node.modelPids;
    },
    close: node.close,
    [Symbol.asyncDispose]: () => node.close(0),
  };
}

export interface PostOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** Posts a generation request: small and quick unless the body says otherwise; a string is sent as it is. */
export function post(node: RunningNode, body: object | string = {}, { headers, signal }: PostOptions = {}) {
  const quick = { prompt: "a red circle", size: "256x256", steps: 2 };
  return fetch(`${node.url}/v1/images/generations`, {
    method: "POST",
    headers: { ...JSON_HEADERS, ...headers },
    body: typeof body === "string" ? body : JSON.stringify({ ...quick, ...body }),
    ...(signal && { signal }),
  });
}

export interface Envelope {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string | null;
  };
}

/** The body as JSON of a shape that the test goes on to check. */
export async function json<T>(response: Response): Promise<T> {
  // What is read here is asserted by its reader.
  return (await response.json()) as T;
}

/** Asks `/v1/load` until it satisfies, for at most ten seconds. */
export async function untilLoad(node: RunningNode, satisfied: (load: Load) => boolean): Promise<Load> {
  const end = performance.now() + 10_000;
  for (;;) {
    const load = await json<Load>(await fetch(`${node.url}/v1/load`));
    if (satisfied(load)) return load;
    if (performance.now() > end) throw new Error(`the load stayed ${JSON.stringify(load)}`);
  }
}

export interface Load {
  readonly running: number;
  readonly queued: number;
  readonly concurrency: number;
  readonly pending_pixel_steps: number;
  readonly seconds_per_pixel_step: number | null;
  readonly models: readonly unknown[];
}
