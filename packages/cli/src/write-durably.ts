import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

function flushFolder(folder: string): void {
  // Windows opens no folders.
  if (process.platform === "win32") return;
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/**
 * Writes a file whole or not at all, also through a power cut: beside its place, flushed, and renamed into it, which is flushed too.
 *
 * @param mode permissions of the file
 */
export function writeDurably(path: string, text: string, mode: number): void {
  const part = `${path}.part`;
  // One that a killed process left may have other permissions.
  rmSync(part, { force: true });
  try {
    writeFileSync(part, text, { mode, flag: "wx", flush: true });
    renameSync(part, path);
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  }
  flushFolder(dirname(path));
}
