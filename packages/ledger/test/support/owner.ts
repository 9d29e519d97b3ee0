// Owns a ledger until it is killed; says so, or why it may not, to its parent.
import { ownLedger } from "../../src/index.ts";

process.once("disconnect", () => process.exit());
try {
  await ownLedger(process.argv[2] ?? "");
  process.send?.("owns");
} catch (error) {
  process.send?.(String(error));
}
