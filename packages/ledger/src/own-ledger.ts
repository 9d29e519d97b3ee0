import { existsSync, realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { LedgerInUseError, LedgerUnavailableError } from "./errors.ts";
import { fileProblem } from "./file-problem.ts";
import type { HoldId } from "./ids.ts";
import type { Ledger } from "./ledger.ts";
import { FileLockedError, lockFile } from "./lock-file.ts";
import { makeFolder } from "./make-folder.ts";
import { type OpenLedgerOptions, openLedger } from "./open-ledger.ts";

/** The file of a SQLite ledger; undefined for one in memory, and for PostgreSQL. */
function fileOf(url: string): string | undefined {
  const path = url.startsWith("sqlite:") ? url.slice("sqlite:".length) : "";
  return path === "" || path === ":memory:" ? undefined : resolve(path);
}

/** The path without links, so that two names of a file have one lock. */
function withoutLinks(file: string): string {
  if (existsSync(file)) return realpathSync(file);
  return join(realpathSync(dirname(file)), basename(file));
}

function lockLedger(file: string): Disposable {
  try {
    makeFolder(dirname(file));
    return lockFile(`${withoutLinks(file)}.lock`);
  } catch (error) {
    if (error instanceof FileLockedError) throw new LedgerInUseError(file, error.pid);
    const problem = fileProblem(error) ?? (error instanceof Error ? error.message : "unknown");
    throw new LedgerUnavailableError("connection", `the ledger's file ${file} cannot be locked: ${problem}`, {
      cause: error,
    });
  }
}

/**
 * Voids what a gateway that is dead held, and lets asynchronous generations that it ran be taken up again: what they hold
 * stays. Only for the one owner of a ledger. Returns how many holds it voided.
 */
async function voidOrphans(ledger: Ledger): Promise<number> {
  await ledger.jobs.endLeases();
  let voided = 0;
  let before: HoldId | undefined;
  do {
    const { holds, next } = await ledger.listHolds({ state: "held", withoutJob: true, limit: 1000, before });
    await Promise.all(holds.map(({ id }) => ledger.void({ holdId: id })));
    voided += holds.length;
    before = next ?? undefined;
  } while (before !== undefined);
  return voided;
}

/**
 * Opens the ledger for a gateway. A SQLite file has one gateway at a time: its lock is beside it, in `<file>.lock`, and the
 * system releases it when its owner ends, however it ends. Whatever is still held then belongs to a dead gateway, so it is voided. On
 * PostgreSQL any number of gateways may be at work, and this is the same as `openLedger`.
 *
 * @throws LedgerInUseError when another gateway has the SQLite file.
 * @throws what `openLedger` throws.
 */
export async function ownLedger(url: string, options: OpenLedgerOptions = {}): Promise<Ledger> {
  const file = fileOf(url);
  if (file === undefined) return openLedger(url, options);
  const lock = lockLedger(file);
  let ledger: Ledger | undefined;
  try {
    ledger = await openLedger(url, options);
    const voided = await voidOrphans(ledger);
    if (voided > 0) options.logger?.warn({ holds: voided }, "holds of a gateway that ended without warning are void");
  } catch (error) {
    await ledger?.close();
    lock[Symbol.dispose]();
    throw error;
  }
  const { close } = ledger;
  let closing: Promise<void> | undefined;
  return {
    ...ledger,
    close() {
      closing ??= close().finally(() => lock[Symbol.dispose]());
      return closing;
    },
  };
}
