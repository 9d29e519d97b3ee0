import { randomUUID } from "node:crypto";
import { type Account, accountIdFrom, type Ledger, LedgerInputError } from "@atoma/ledger";
import { usageOf } from "../command-help.ts";
import { printJson, readJsonOption } from "../json-option.ts";
import { table } from "../table.ts";
import { UsageError } from "../usage-error.ts";

const BY = { actor: "atoma accounts" };
const PAGE = 1000;

function units(text: string | undefined): number {
  const value = Number(text);
  if (text === undefined || !/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < 1) {
    throw new UsageError("expected compute units: a whole number of at least 1");
  }
  return value;
}

/** As the admin API has it. */
function toWire({ id, name, createdAt, credits, posted, pending, available }: Account) {
  return { id, name, created_at: createdAt, credits, posted, pending, available };
}

function show(accounts: readonly Account[]): string {
  const rows = accounts.map(({ id, name, available, posted, pending }) => [id, name, available, posted, pending]);
  return table(["ACCOUNT", "NAME", "AVAILABLE", "POSTED", "PENDING"], rows);
}

async function all(ledger: Ledger): Promise<Account[]> {
  const accounts: Account[] = [];
  for (;;) {
    const page = await ledger.listAccounts({ limit: PAGE, after: accounts.at(-1)?.id });
    accounts.push(...page);
    if (page.length < PAGE) return accounts;
  }
}

async function grant(ledger: Ledger, [id, amount, reference = randomUUID()]: readonly string[]) {
  if (!id) throw new UsageError(usageOf("accounts"));
  const { account, alreadyGranted } = await ledger.grant(accountIdFrom(id), units(amount), { reference, ...BY });
  if (alreadyGranted) process.stderr.write(`already granted under ${reference}: nothing was added\n`);
  return { account, alreadyGranted };
}

/** `atoma accounts create NAME | list | grant ACCOUNT UNITS [REFERENCE]` */
export async function accounts(ledger: Ledger, args: readonly string[]): Promise<void> {
  const { json, positionals } = readJsonOption("accounts", args);
  const [action, ...rest] = positionals;
  try {
    switch (action) {
      case "create": {
        const [name] = rest;
        if (!name) throw new UsageError(usageOf("accounts"));
        const account = await ledger.createAccount({ name, ...BY });
        return json ? printJson(toWire(account)) : void process.stdout.write(show([account]));
      }
      case "list": {
        const known = await all(ledger);
        return json ? printJson(known.map(toWire)) : void process.stdout.write(show(known));
      }
      case "grant": {
        const { account, alreadyGranted } = await grant(ledger, rest);
        if (json) return printJson({ ...toWire(account), already_granted: alreadyGranted });
        return void process.stdout.write(show([account]));
      }
      default:
        throw new UsageError(usageOf("accounts"));
    }
  } catch (error) {
    throw error instanceof LedgerInputError ? new UsageError(error.message) : error;
  }
}
