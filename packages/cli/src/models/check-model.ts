import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { ModelFolderError, readModelFolder, startModelProcess } from "@atoma/engine";

/** What a folder holds, without loading its networks. */
export interface ModelSummary {
  readonly path: string;
  /** Undefined where the folder is right. */
  readonly problem: string | undefined;
  readonly lines: readonly string[];
}

function bytesIn(folder: string): number {
  return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(folder, entry.name);
    return sum + (entry.isDirectory() ? bytesIn(path) : statSync(path).size);
  }, 0);
}

const size = (bytes: number) => (bytes > 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${(bytes / 1e6).toFixed(1)} MB`);

/** Reads a model's files. */
export function summarize(path: string): ModelSummary {
  try {
    const { card, family, scheduler, parts } = readModelFolder(path);
    const { steps, guidanceScale } = card;
    const limit = guidanceScale.max === undefined ? "" : `, at most ${guidanceScale.max}`;
    const lines = [
      `id          ${card.id}`,
      `family      ${family}, ${size(existsSync(path) ? bytesIn(path) : 0)}`,
      `scheduler   ${scheduler.name}`,
      ...(card.schedulers?.length ? [`choices     ${card.schedulers.join(", ")}`] : []),
      `size        ${card.defaultSize}${card.sizes.kind === "range" ? `, multiples of ${card.sizes.multiple}` : ""}`,
      `steps       ${steps.default}, at most ${steps.max}`,
      `guidance    ${guidanceScale.default}${limit}; negative prompts: ${card.negativePrompts ? "yes" : "no"}`,
      `edits       ${card.edits ? "yes" : "no"}${parts.encoderRefused ? ` (${parts.encoderRefused})` : ""}`,
      `licence     ${card.licence ?? "not named in its README.md"}`,
    ];
    return { path, problem: undefined, lines };
  } catch (error) {
    if (!(error instanceof ModelFolderError)) throw error;
    return { path, problem: error.message, lines: [] };
  }
}

/**
 * Loads a model as a node would, and draws one step. Gives the seconds that the step took; throws ModelFolderError where it
 * cannot be loaded.
 */
export async function tryModel(path: string, threads: number): Promise<number> {
  const process = startModelProcess({ path, threads });
  try {
    await process.ready;
    return (process.timings?.totalMs ?? 0) / 1000;
  } finally {
    await process.close();
  }
}
