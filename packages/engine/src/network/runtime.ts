import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { InferenceSession, InferenceSessionFactory } from "onnxruntime-common";
import { ModelFolderError } from "../folder/fields.ts";
import { externalData } from "./external-data.ts";
import { loadError } from "./load-error.ts";

/** What networks can run on, the best first. `wasm` is ONNX Runtime's WebAssembly build, for machines without a native one. */
export const PROVIDERS = ["cuda", "coreml", "dml", "webgpu", "cpu", "wasm"] as const;
export type Provider = (typeof PROVIDERS)[number];
/** `auto`: the best that loads. */
export type ProviderChoice = Provider | "auto";

export function isProviderChoice(value: string): value is ProviderChoice {
  return value === "auto" || PROVIDERS.some((provider) => provider === value);
}

/** Opens networks on one execution provider. */
export interface Runtime {
  /** What the networks opened so far run on; undefined before the first. */
  readonly provider: Provider | undefined;
  /** Loads an ONNX file, with its external data. Throws ModelFolderError naming the file. */
  open(file: string): Promise<InferenceSession>;
}

/** A build of ONNX Runtime. */
interface Build {
  readonly InferenceSession: InferenceSessionFactory;
}

export interface RuntimeOptions {
  readonly provider: ProviderChoice;
  /** Threads within one operator: 1 or more. */
  readonly threads: number;
  /** Loads a build; by default the packages `onnxruntime-node` and `onnxruntime-web`. */
  readonly load?: { readonly native: () => Promise<Build>; readonly wasm: () => Promise<Build> };
}

/**
 * SkipLayerNormFusion of ONNX Runtime 1.30 takes the process down (SIGSEGV) while it loads some graphs that torch
 * exports, the tiny model's denoiser among them. Without it an addition before each layer norm stays unfused.
 */
const DISABLED_OPTIMIZERS = "SkipLayerNormFusion";

function sessionOptions(provider: Provider, threads: number): InferenceSession.SessionOptions {
  return {
    // ONNX Runtime itself gives the CPU what the provider cannot run. A list with "cpu" in it hides that one is missing.
    executionProviders: [provider],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    // Threads that spin for work take the core from each other on a busy machine.
    extra: {
      session: { intra_op: { allow_spinning: "0" }, inter_op: { allow_spinning: "0" } },
      optimization: { disable_specified_optimizers: DISABLED_OPTIMIZERS },
    },
  };
}

/** Whether it is worth while to try a provider: a vain try costs time and writes errors to the log. */
function isPlausible(provider: Provider): boolean {
  switch (provider) {
    case "cuda":
      return process.platform === "linux" && existsSync(join(nativeFolder(), "libonnxruntime_providers_cuda.so"));
    case "coreml":
      return process.platform === "darwin";
    case "dml":
      return process.platform === "win32";
    case "webgpu":
      return process.platform !== "linux" || existsSync("/dev/dri");
    case "cpu":
    case "wasm":
      return true;
  }
}

function nativeFolder(): string {
  const entry = createRequire(import.meta.url).resolve("onnxruntime-node");
  return join(dirname(entry), "../bin/napi-v6", process.platform, process.arch);
}

const BUILDS = {
  native: async (): Promise<Build> => (await import("onnxruntime-node")).default,
  wasm: async (): Promise<Build> => await import("onnxruntime-web"),
};

function reasonOf(error: unknown): string {
  return error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
}

/** A runtime for the networks of one process. The first network decides between providers, the others follow it. */
export function openRuntime({ provider: choice, threads, load = BUILDS }: RuntimeOptions): Runtime {
  const candidates = choice === "auto" ? PROVIDERS.filter(isPlausible) : [choice];
  let chosen: { readonly provider: Provider; readonly build: Build } | undefined;

  const create = (build: Build, provider: Provider, file: string) =>
    build.InferenceSession.create(file, {
      ...sessionOptions(provider, threads),
      ...(provider === "wasm" && { externalData: externalData(file) }),
    });

  async function choose(file: string): Promise<InferenceSession> {
    const failures: string[] = [];
    let native = true;
    for (const provider of candidates) {
      if (provider !== "wasm" && !native) continue;
      let build: Build;
      try {
        build = await (provider === "wasm" ? load.wasm() : load.native());
      } catch (error) {
        if (provider !== "wasm") native = false;
        failures.push(`${provider}: ${reasonOf(error)}`);
        continue;
      }
      try {
        const session = await create(build, provider, file);
        chosen = { provider, build };
        return session;
      } catch (error) {
        failures.push(`${provider}: ${reasonOf(error)}`);
        // A file that the CPU cannot load is wrong itself.
        const known = loadError(file, error);
        if (known) throw known;
        if (provider === "cpu") break;
      }
    }
    throw new ModelFolderError(`${file}: ONNX Runtime cannot load it (${failures.join("; ")})`);
  }

  return {
    get provider() {
      return chosen?.provider;
    },
    open: async (file) => {
      if (!chosen) return choose(file);
      const { build, provider } = chosen;
      try {
        return await create(build, provider, file);
      } catch (cause) {
        const reason = `${provider}: ${reasonOf(cause)}`;
        throw (
          loadError(file, cause) ?? new ModelFolderError(`${file}: ONNX Runtime cannot load it (${reason})`, { cause })
        );
      }
    },
  };
}
