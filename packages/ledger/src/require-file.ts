import { accessSync, closeSync, constants, existsSync, openSync } from "node:fs";

/**
 * Makes a file of SQLite's where it is missing, so that what is in the way has the system's error and not only SQLite's. One that is
 * there is not opened: closing it would release the locks that SQLite has on it for another connection of this process
 * (sqlite.org/howtocorrupt.html, 2.2). Throws the file system's error.
 *
 * @param mode permissions of a file that is made
 */
export function requireFile(file: string, mode: number): void {
  if (existsSync(file)) {
    accessSync(file, constants.R_OK | constants.W_OK);
    return;
  }
  try {
    closeSync(openSync(file, "wx", mode));
  } catch (error) {
    // Another process may have made it meanwhile.
    if (!existsSync(file)) throw error;
  }
}
