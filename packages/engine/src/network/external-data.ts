import { readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** A file of weights beside a graph, as ONNX Runtime's WebAssembly build wants it told; the native one finds it by itself. */
export interface ExternalData {
  /** As the graph names it. */
  readonly path: string;
  /** Where it is. */
  readonly data: string;
}

/** Files beside a graph that hold no graph and no configuration: `model.onnx_data`, `weights.pb` and the like. */
export function externalData(file: string): ExternalData[] {
  const folder = dirname(file);
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== basename(file) && !/\.(json|txt|onnx|md)$/i.test(entry.name))
    .map(({ name }) => ({ path: name, data: join(folder, name) }));
}
