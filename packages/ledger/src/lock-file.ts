import { readFileSync, statSync, truncateSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { requireFile } from "./require-file.ts";

/** Another process has the lock. */
export class FileLockedError extends Error {
  override readonly name = "FileLockedError";
  /** The process that has it, where the system tells. */
  readonly pid: number | undefined;

  constructor(path: string, pid: number | undefined) {
    super(`${path} is locked by ${pid === undefined ? "another process" : `process ${pid}`}`);
    this.pid = pid;
  }
}

const BUSY = 5;
/** The byte that SQLite locks first to write (sqlite.org/src, os.h: PENDING_BYTE). */
const PENDING_BYTE = 0x40000000;

const isBusy = (error: unknown): boolean =>
  error instanceof Error && "errcode" in error && (Number(error.errcode) & 0xff) === BUSY;

/** Linux lists who locks which bytes of which file: proc_locks(5). */
function lockingProcess(path: string): number | undefined {
  try {
    const { ino } = statSync(path);
    for (const line of readFileSync("/proc/locks", "utf8").split("\n")) {
      const [, , , kind, pid, file, first] = line.trim().split(/\s+/);
      if (kind !== "WRITE" || Number(first) !== PENDING_BYTE || Number(file?.split(":")[2]) !== ino) continue;
      return Number(pid) > 0 ? Number(pid) : undefined;
    }
  } catch {
    // Not Linux: the lock says the same without a number.
  }
  return undefined;
}

function lock(path: string): DatabaseSync {
  requireFile(path, 0o644);
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    // The file stays empty: nothing is ever written, so a full disk does not matter.
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function lockWhateverIsInIt(path: string): DatabaseSync {
  try {
    return lock(path);
  } catch (error) {
    const isEmpty = (statSync(path, { throwIfNoEntry: false })?.size ?? 0) === 0;
    if (isBusy(error) || isEmpty) throw error;
    // Emptied in place: removing it would leave two files of one name to two owners.
    truncateSync(path, 0);
    return lock(path);
  }
}

/**
 * Locks a file, made where it is missing, until it is disposed of or this process ends, however it ends: the system releases the
 * lock. It is SQLite's exclusive lock, so it also holds between containers that share a folder. What is in the file never
 * matters.
 *
 * @throws FileLockedError when another process has it; SQLite's or the file system's error when the file cannot be used.
 */
export function lockFile(path: string): Disposable {
  try {
    const database = lockWhateverIsInIt(path);
    return { [Symbol.dispose]: () => database.close() };
  } catch (error) {
    throw isBusy(error) ? new FileLockedError(path, lockingProcess(path)) : error;
  }
}
