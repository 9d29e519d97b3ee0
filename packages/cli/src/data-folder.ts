import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { FileLockedError, fileProblem, type Ledger, lockFile, makeFolder, openLedger } from "@atoma/ledger";
import type { Config } from "./config.ts";
import { UsageError } from "./usage-error.ts";

/** The data folder cannot be used now; the message is all that the user needs. */
export class DataFolderError extends Error {
  override readonly name = "DataFolderError";
}

/** Makes the folder where it is missing. Throws DataFolderError where it cannot be made. */
export function dataFolder(config: Config): string {
  const folder = resolve(config.data);
  try {
    makeFolder(folder, 0o750);
    return folder;
  } catch (error) {
    throw new DataFolderError(`--data: cannot make the folder ${folder}: ${fileProblem(error) ?? error}`, {
      cause: error,
    });
  }
}

/**
 * Keeps a second `atoma up` off the data folder, until it is disposed of or this process ends. Throws DataFolderError when one is
 * running, and where the folder cannot be written to.
 */
export function lockDataFolder(config: Config): Disposable {
  const folder = dataFolder(config);
  try {
    return lockFile(join(folder, "up.lock"));
  } catch (error) {
    if (error instanceof FileLockedError) {
      const process = error.pid === undefined ? "" : ` (process ${error.pid})`;
      const message = `another atoma${process} uses the data folder ${folder}; choose one with --data`;
      throw new DataFolderError(message, { cause: error });
    }
    const reason = fileProblem(error) ?? (error instanceof Error ? error.message : "unknown");
    throw new DataFolderError(`the data folder ${folder} cannot be used: ${reason}`, { cause: error });
  }
}

export function databaseUrl(config: Config): string {
  return config.database_url ?? `sqlite:${join(dataFolder(config), "ledger.db")}`;
}

/** Throws UsageError where opening the ledger would only make an empty one. */
export function requireLedger(config: Config): void {
  const file = databaseUrl(config).replace(/^sqlite:/, "");
  if (databaseUrl(config).startsWith("sqlite:") && !existsSync(file))
    throw new UsageError(`there is no ledger at ${file}`);
}

export function openConfiguredLedger(config: Config): Promise<Ledger> {
  return openLedger(databaseUrl(config));
}

/** Opens the ledger for as long as the work takes. */
export async function withLedger<Result>(config: Config, work: (ledger: Ledger) => Promise<Result>): Promise<Result> {
  const ledger = await openConfiguredLedger(config);
  try {
    return await work(ledger);
  } finally {
    await ledger.close();
  }
}
