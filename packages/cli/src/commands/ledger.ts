import type { Discrepancy, Ledger } from "@atoma/ledger";
import { UsageError } from "../usage-error.ts";

const LEDGER_HELP = `usage: atoma ledger verify

  verify   recomputes every balance from the journal and the holds, compares, and prints what differs.
           Exit code 0: the books are right; 1: they are not. It changes nothing; the gateways may go on working.
`;

/** What each kind of difference means. */
const MEANING: Readonly<Record<string, string>> = {
  credits: "the account's credits against the grants in the journal",
  posted: "the account's charges against the journal",
  pending: "the account's held units against its holds",
  overdrawn: "the account's available units are below 0",
  journal_sides: "an entry of the journal that is neither granted nor consumed by the system's accounts",
  usage: "the usage by day against the journal",
  hold_journal: "a hold's charge against its journal entry",
  journal_hold: "a charge in the journal that no hold stands behind",
  hold_places: "a hold that is held, charged and given back at once, or none of them",
  overcharged: "a hold that more was charged for than it held",
  hold_account: "a hold of an account that does not exist",
  grant_journal: "a grant against its journal entry",
};

/** The differences in columns as wide as what is in them. */
function table(discrepancies: readonly Discrepancy[]): string {
  const head = ["what", "subject", "expected", "found", "difference", ""];
  const rows = discrepancies.map(({ what, subject, expected, found }) => [
    what,
    subject,
    String(expected),
    String(found),
    String(found - expected),
    MEANING[what] ?? "",
  ]);
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => row[i]?.length ?? 0)));
  return [head, ...rows]
    .map((row) =>
      row.map((cell, i) => (i >= 2 && i <= 4 ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0))),
    )
    .map((cells) => `${cells.join("  ").trimEnd()}\n`)
    .join("");
}

/** `atoma ledger verify`. Resolves with the exit code. */
export async function ledger(books: Ledger, [action, ...rest]: readonly string[]): Promise<0 | 1> {
  if (action === undefined || action === "help") {
    process.stdout.write(LEDGER_HELP);
    return 0;
  }
  if (action !== "verify" || rest.length > 0) throw new UsageError(LEDGER_HELP);
  const discrepancies = await books.verify();
  if (discrepancies.length === 0) {
    process.stdout.write("the books are right: every balance is what the journal and the holds say\n");
    return 0;
  }
  process.stdout.write(table(discrepancies));
  const { length } = discrepancies;
  process.stdout.write(`\n${length} difference${length === 1 ? "" : "s"}${length === 1_000 ? " or more" : ""}\n`);
  return 1;
}
