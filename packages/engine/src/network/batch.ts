import { createHash } from "node:crypto";
import type { Tensor } from "onnxruntime-common";
import type { NetworkInput } from "./network-input.ts";
import type { Feeds, Outputs } from "./run-queue.ts";
import { joinRows, sliceRows } from "./tensor-data.ts";

/** Puts runs of one network together, along the dimension that its input `sample` has the pictures in. */
export interface Batcher {
  key(feeds: Feeds): string | undefined;
  join(feeds: readonly Feeds[]): Feeds;
  /** The outputs of each of the joined feeds. */
  split(outputs: Outputs, feeds: readonly Feeds[]): readonly Outputs[];
}

function digest(tensor: Tensor): string {
  const { data } = tensor;
  if (!ArrayBuffer.isView(data)) throw new TypeError(`${tensor.type} cannot be compared`);
  return createHash("sha1")
    .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    .digest("base64");
}

/**
 * Undefined where the network's batch has a fixed size. Inputs with one row for each picture are put behind each other. All
 * others, such as a timestep for the whole batch, must be equal in all runs.
 */
export function batcher(inputs: ReadonlyMap<string, NetworkInput>, sample: string): Batcher | undefined {
  const batch = inputs.get(sample)?.shape[0];
  if (typeof batch !== "string") return undefined;
  const isPerRow = (name: string, tensor: Tensor, rows: number) => {
    const [first] = inputs.get(name)?.shape ?? [];
    return tensor.dims[0] === rows && (first === batch || (typeof first === "string" && tensor.dims.length === 1));
  };
  const rowsOf = (feeds: Feeds) => feeds[sample]?.dims[0] ?? 0;

  return {
    key: (feeds) => {
      const rows = rowsOf(feeds);
      const parts = Object.entries(feeds).map(([name, tensor]) =>
        isPerRow(name, tensor, rows) ? `${name} ${tensor.dims.slice(1)}` : `${name} ${tensor.dims} ${digest(tensor)}`,
      );
      return [rows, ...parts].join("|");
    },
    join: (all) => {
      const [first] = all;
      if (!first) throw new RangeError("nothing to put together");
      const rows = rowsOf(first);
      return Object.fromEntries(
        Object.entries(first).map(([name, tensor]) => [
          name,
          isPerRow(name, tensor, rows) ? joinRows(all.flatMap((feeds) => feeds[name] ?? [])) : tensor,
        ]),
      );
    },
    split: (outputs, all) => {
      let from = 0;
      return all.map((feeds) => {
        const rows = rowsOf(feeds);
        const own = Object.entries(outputs).map(([name, tensor]) => [name, sliceRows(tensor, from, rows)] as const);
        from += rows;
        return Object.fromEntries(own);
      });
    },
  };
}
