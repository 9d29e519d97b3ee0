import { GRANTED } from "../core/types.ts";
import { LedgerInputError } from "../errors.ts";
import type { AccountId } from "../ids.ts";
import type { Account } from "../ledger.ts";
import { accountFrom } from "../sql/decode.ts";
import { int } from "../sql/rows.ts";
import { query, type Script } from "../sql/script.ts";
import { appendAudit, onlyRow } from "./audit.ts";

const COLUMNS = "id, name, created_at, credits, posted, pending";
const INSERT = `INSERT INTO accounts (id, name, created_at) VALUES ($1, $2, $3) RETURNING ${COLUMNS}`;
const FIND = `SELECT ${COLUMNS} FROM accounts WHERE id = $1`;
const LIST = `SELECT ${COLUMNS} FROM accounts WHERE id > $1 ORDER BY id LIMIT $2`;
// Changes nothing, but takes the row's lock in both databases: grants of one reference wait for one another here.
const LOCK = `UPDATE accounts SET name = name WHERE id = $1 RETURNING ${COLUMNS}`;
const ADD_CREDITS = `UPDATE accounts SET credits = credits + $2 WHERE id = $1 RETURNING ${COLUMNS}`;
const FIND_GRANT = "SELECT units FROM grants WHERE account_id = $1 AND reference = $2";
const INSERT_GRANT = "INSERT INTO grants (account_id, reference, units, memo, at) VALUES ($1, $2, $3, $4, $5)";
const INSERT_JOURNAL = "INSERT INTO journal (id, kind, debit, credit, units, at) VALUES ($1, 'grant', $2, $3, $4, $5)";

export function* createAccount(id: AccountId, name: string, actor: string, now: number): Script<Account> {
  const row = onlyRow(yield query(INSERT, id, name, now));
  yield* appendAudit({ actor, action: "account.create", subject: id, details: { name } }, now);
  return accountFrom(row);
}

export function* getAccount(id: AccountId): Script<Account | undefined> {
  const [row] = yield query(FIND, id);
  return row === undefined ? undefined : accountFrom(row);
}

export function* listAccounts(after: string, limit: number): Script<Account[]> {
  return (yield query(LIST, after, limit)).map(accountFrom);
}

export interface GrantRow {
  accountId: AccountId;
  units: number;
  reference: string;
  memo: string;
  actor: string;
}

export function* grant(row: GrantRow, now: number): Script<{ account: Account; alreadyGranted: boolean }> {
  const { accountId, units, reference, memo, actor } = row;
  const [locked] = yield query(LOCK, accountId);
  if (locked === undefined) throw new LedgerInputError("account_not_found", `there is no account ${accountId}`);
  const account = accountFrom(locked);

  const [earlier] = yield query(FIND_GRANT, accountId, reference);
  if (earlier !== undefined) {
    if (int(earlier, "units") === units) return { account, alreadyGranted: true };
    throw new LedgerInputError("grant_reference_reused", `reference ${reference} granted another number of units`);
  }
  if (units > Number.MAX_SAFE_INTEGER - account.credits) {
    throw new LedgerInputError("balance_overflow", `account ${accountId} cannot hold that many units`);
  }
  const granted = onlyRow(yield query(ADD_CREDITS, accountId, units));
  yield query(INSERT_GRANT, accountId, reference, units, memo, now);
  yield query(INSERT_JOURNAL, `grant:${accountId}:${reference}`, GRANTED, accountId, units, now);
  const details = { units, reference, memo };
  yield* appendAudit({ actor, action: "account.grant", subject: accountId, details }, now);
  return { account: accountFrom(granted), alreadyGranted: false };
}
