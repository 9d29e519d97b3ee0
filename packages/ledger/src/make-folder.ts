import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";

/** The folders of a path that are missing, the outermost first. */
function missingFolders(path: string): string[] {
  const missing: string[] = [];
  for (let folder = path; !existsSync(folder) && dirname(folder) !== folder; folder = dirname(folder)) {
    missing.unshift(folder);
  }
  return missing;
}

/**
 * Makes a folder and those above it that are missing. Node's own `mkdir` with `recursive` never ends below a folder that
 * says ENOENT to everybody who makes one, such as /proc. Throws the file system's error.
 *
 * @param mode permissions of each folder that is made
 */
export function makeFolder(path: string, mode = 0o777): void {
  const folder = resolve(path);
  for (const missing of missingFolders(folder)) {
    try {
      mkdirSync(missing, { mode });
    } catch (error) {
      // Another process may have made it meanwhile.
      if (!existsSync(missing)) throw error;
    }
  }
  if (statSync(folder).isDirectory()) return;
  const error = new Error(`ENOTDIR: not a directory, '${folder}'`);
  throw Object.assign(error, { code: "ENOTDIR", path: folder });
}
