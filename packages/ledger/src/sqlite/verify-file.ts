// The process in which the books of a file are recomputed: verifier.ts starts it, and gets its verdict.
import { verify } from "../admin/verify.ts";
import { openSqlite } from "./database.ts";
import type { Verdict } from "./verifier.ts";

const BUSY_TIMEOUT_MS = 2_000;

function verdictOn(file: string): Verdict {
  try {
    const database = openSqlite(file, BUSY_TIMEOUT_MS);
    try {
      return { discrepancies: database.run(verify()) };
    } finally {
      database.close();
    }
  } catch (error) {
    return { failed: error instanceof Error ? error.message : "unknown" };
  }
}

process.once("disconnect", () => process.exit());
process.send?.(verdictOn(process.argv[2] ?? ""));
