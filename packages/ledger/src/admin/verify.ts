import { CONSUMED, GRANTED } from "../core/types.ts";
import type { Discrepancy } from "../ledger.ts";
import { int, text } from "../sql/rows.ts";
import { query, type Script } from "../sql/script.ts";

// One statement, so that it sees one moment of the ledger.
const DISCREPANCIES = `
  WITH granted AS (
    SELECT credit AS account, SUM(units) AS units FROM journal WHERE kind = 'grant' GROUP BY credit
  ), consumed AS (
    SELECT debit AS account, SUM(units) AS units FROM journal WHERE kind = 'post' GROUP BY debit
  ), held AS (
    SELECT account_id, SUM(units) AS units FROM holds WHERE state = 'held' GROUP BY account_id
  ), expected AS (
    SELECT a.id, a.credits, a.posted, a.pending,
      COALESCE(g.units, 0) AS granted, COALESCE(c.units, 0) AS consumed, COALESCE(h.units, 0) AS held
    FROM accounts a
      LEFT JOIN granted g ON g.account = a.id
      LEFT JOIN consumed c ON c.account = a.id
      LEFT JOIN held h ON h.account_id = a.id
  ), suspects AS (
    SELECT h.id, h.units, h.posted_units, COALESCE(j.units, 0) AS journaled, a.id AS account
    FROM holds h LEFT JOIN journal j ON j.id = h.id LEFT JOIN accounts a ON a.id = h.account_id
    WHERE h.posted_units <> COALESCE(j.units, 0) OR h.posted_units > h.units OR a.id IS NULL
  ), used AS (
    SELECT account_id, SUM(units) AS units FROM usage_days GROUP BY account_id
  )
  SELECT 'credits' AS what, id AS subject, granted AS expected, credits AS found FROM expected WHERE credits <> granted
  UNION ALL
  SELECT 'posted', id, consumed, posted FROM expected WHERE posted <> consumed
  UNION ALL
  SELECT 'pending', id, held, pending FROM expected WHERE pending <> held
  UNION ALL
  SELECT 'overdrawn', id, 0, credits - posted - pending FROM expected WHERE credits - posted - pending < 0
  UNION ALL
  SELECT 'journal_sides', id, 0, units FROM journal
    WHERE (kind = 'grant' AND debit <> '${GRANTED}') OR (kind = 'post' AND credit <> '${CONSUMED}')
  UNION ALL
  SELECT 'usage', e.id, e.consumed, COALESCE(u.units, 0) FROM expected e
    LEFT JOIN used u ON u.account_id = e.id WHERE COALESCE(u.units, 0) <> e.consumed
  UNION ALL
  SELECT 'hold_journal', id, posted_units, journaled FROM suspects WHERE posted_units <> journaled
  UNION ALL
  SELECT 'journal_hold', j.id, 0, j.units FROM journal j
    WHERE j.kind = 'post' AND NOT EXISTS (SELECT 1 FROM holds h WHERE h.id = j.id AND h.account_id = j.debit)
  UNION ALL
  SELECT 'overcharged', id, units, posted_units FROM suspects WHERE posted_units > units
  UNION ALL
  SELECT 'hold_places', id, 1, places FROM hold_places WHERE places <> 1
  UNION ALL
  SELECT 'hold_account', id, 1, 0 FROM suspects WHERE account IS NULL
  UNION ALL
  SELECT 'grant_journal', g.account_id, g.units, COALESCE(j.units, 0) FROM grants g
    LEFT JOIN journal j ON j.id = 'grant:' || g.account_id || ':' || g.reference
    WHERE g.units <> COALESCE(j.units, 0)
  LIMIT 1000`;

/** How long it may take, over all the holds there are. */
export const VERIFY_MAX_MS = 30 * 60_000;

/** At most 1,000 differences between what the ledger shows and what its journal and holds say. */
export function* verify(): Script<Discrepancy[]> {
  return (yield query(DISCREPANCIES)).map((row) => ({
    what: text(row, "what"),
    subject: text(row, "subject"),
    expected: int(row, "expected"),
    found: int(row, "found"),
  }));
}
