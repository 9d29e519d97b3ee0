import type { InferenceSession } from "onnxruntime-common";
import { ModelFolderError } from "../folder/fields.ts";
import { batcher } from "./batch.ts";
import type { NetworkInput } from "./network-input.ts";
import type { Feeds, Outputs, Runner, RunQueue } from "./run-queue.ts";
import type { Runtime } from "./runtime.ts";

/** A loaded ONNX network. */
export interface Network {
  readonly file: string;
  input(name: string): NetworkInput | undefined;
  /** Throws ModelFolderError where the network has no such input. */
  requireInput(name: string): NetworkInput;
  /** Names of what it gives. */
  readonly outputs: readonly string[];
  /** Throws ModelFolderError when the network wants an input that is not among `names`, or lacks one of `outputs`. */
  expect(names: readonly string[], outputs: readonly string[]): void;
  /** Runs the network, in turn with those of other requests. It blocks the event loop until it is done. */
  run(feeds: Feeds): Promise<Outputs>;
  close(): Promise<void>;
}

/** Adds up how long networks ran, in milliseconds. */
export interface RunClock {
  runMs: number;
}

export interface NetworkOptions {
  readonly runtime: Runtime;
  readonly clock: RunClock;
  /** Where the requests of a process take turns. Default: each run begins at once. */
  readonly queue?: RunQueue;
  /** The input that holds a picture in each row, of a network whose runs may share a batch. */
  readonly pictures?: string;
}

function readInput(file: string, meta: InferenceSession.ValueMetadata): NetworkInput {
  if (!meta.isTensor) throw new ModelFolderError(`${file}: input ${meta.name} is not a tensor`);
  const { name, type, shape } = meta;
  if (type !== "float32" && type !== "float16" && type !== "int64" && type !== "int32") {
    throw new ModelFolderError(`${file}: input ${name} has type ${type}; supported are float32, float16, int64, int32`);
  }
  return { name, type, shape };
}

/** Loads an ONNX file, with its external data where it has some. Throws ModelFolderError naming the file. */
export async function loadNetwork(file: string, options: NetworkOptions): Promise<Network> {
  const { runtime, clock, queue, pictures } = options;
  const session = await runtime.open(file);
  const inputs = new Map(session.inputMetadata.map((meta) => [meta.name, readInput(file, meta)]));
  const run = async (feeds: Feeds): Promise<Outputs> => {
    const started = performance.now();
    try {
      return await session.run(feeds);
    } finally {
      clock.runMs += performance.now() - started;
    }
  };
  const together = pictures === undefined ? undefined : batcher(inputs, pictures);
  const runner: Runner = {
    run,
    ...(together && {
      batchKey: together.key,
      runTogether: async (feeds) => together.split(await run(together.join(feeds)), feeds),
    }),
  };
  return {
    file,
    input: (name) => inputs.get(name),
    outputs: session.outputNames,
    requireInput: (name) => {
      const input = inputs.get(name);
      if (!input) throw new ModelFolderError(`${file}: has no input ${name}; it has ${[...inputs.keys()].join(", ")}`);
      return input;
    },
    expect: (names, outputs) => {
      const unknown = [...inputs.keys()].find((name) => !names.includes(name));
      if (unknown !== undefined) throw new ModelFolderError(`${file}: wants input ${unknown}, which is not supported`);
      const missing = outputs.find((name) => !session.outputNames.includes(name));
      if (missing !== undefined) throw new ModelFolderError(`${file}: has no output ${missing}`);
    },
    run: (feeds) => (queue ? queue.run(runner, feeds) : run(feeds)),
    close: () => session.release(),
  };
}
