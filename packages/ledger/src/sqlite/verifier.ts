import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { VERIFY_MAX_MS } from "../admin/verify.ts";
import { LedgerUnavailableError } from "../errors.ts";
import type { Discrepancy } from "../ledger.ts";

/** What the process says of a file: what differs, or why it cannot tell. */
export type Verdict = { readonly discrepancies: Discrepancy[] } | { readonly failed: string };

export interface Verifier {
  verify(): Promise<Discrepancy[]>;
  /** Ends what is under way. */
  stop(): void;
}

const PROGRAM = fileURLToPath(new URL("./verify-file.ts", import.meta.url));

const unavailable = (message: string) => new LedgerUnavailableError("connection", message);

/**
 * Recomputes the books of a file in a process of its own, which can be ended at any time: SQLite works where it is called, and
 * millions of holds would stop the event loop for a minute.
 */
export function openVerifier(file: string): Verifier {
  const children = new Set<ChildProcess>();

  return {
    async verify() {
      const child = fork(PROGRAM, [file], { serialization: "advanced", timeout: VERIFY_MAX_MS, killSignal: "SIGKILL" });
      children.add(child);
      try {
        const [verdict] = (await Promise.race([once(child, "message"), once(child, "exit")])) as [
          Verdict | number | null,
        ];
        if (verdict === null || typeof verdict === "number")
          throw unavailable("the books were not recomputed to the end");
        if ("failed" in verdict) throw unavailable(verdict.failed);
        return verdict.discrepancies;
      } finally {
        children.delete(child);
        child.kill("SIGKILL");
      }
    },
    stop() {
      for (const child of children) child.kill("SIGKILL");
    },
  };
}
