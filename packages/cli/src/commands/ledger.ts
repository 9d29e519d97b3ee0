import type { Discrepancy, Ledger } from "@atoma/ledger";
import { usageOf } from "../command-help.ts";
import { printJson, readJsonOption } from "../json-option.ts";
import { table } from "../table.ts";
import { UsageError } from "../usage-error.ts";

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
function show(discrepancies: readonly Discrepancy[]): string {
  const rows = discrepancies.map(({ what, subject, expected, found }) => [
    what,
    subject,
    expected,
    found,
    found - expected,
    MEANING[what] ?? "",
  ]);
  return table(["WHAT", "SUBJECT", "EXPECTED", "FOUND", "DIFFERENCE", ""], rows);
}

/** `atoma ledger verify`. Resolves with the exit code. */
export async function ledger(books: Ledger, args: readonly string[]): Promise<0 | 1> {
  const { json, positionals } = readJsonOption("ledger", args);
  if (positionals[0] !== "verify" || positionals.length > 1) throw new UsageError(usageOf("ledger"));
  const discrepancies = await books.verify();
  const { length } = discrepancies;
  if (json) printJson(discrepancies);
  else if (length === 0)
    process.stdout.write("the books are right: every balance is what the journal and the holds say\n");
  else {
    const summary = `${length} difference${length === 1 ? "" : "s"}${length === 1_000 ? " or more" : ""}`;
    process.stdout.write(`${show(discrepancies)}\n${summary}\n`);
  }
  return length === 0 ? 0 : 1;
}
