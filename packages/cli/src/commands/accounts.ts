import { randomUUID } from "node:crypto";
import { accountIdFrom, type Ledger, LedgerInputError } from "@atoma/ledger";
import { UsageError } from "../usage-error.ts";

const BY = { actor: "atoma accounts" };

function units(text: string | undefined): number {
  const value = Number(text);
  if (text === undefined || !/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < 1) {
    throw new UsageError("expected compute units: a whole number of at least 1");
  }
  return value;
}

/** `atoma accounts create NAME | list | grant ACCOUNT UNITS [REFERENCE]` */
export async function accounts(ledger: Ledger, [action, ...args]: readonly string[]): Promise<void> {
  const print = (account: { id: string; name: string; available: number; posted: number; pending: number }) =>
    process.stdout.write(
      `${account.id}  ${account.name}  available ${account.available}  posted ${account.posted}  pending ${account.pending}\n`,
    );
  switch (action) {
    case "create": {
      const [name] = args;
      if (!name) throw new UsageError("usage: atoma accounts create NAME");
      return void print(await ledger.createAccount({ name, ...BY }));
    }
    case "list":
      for (const account of await ledger.listAccounts({ limit: 1000 })) print(account);
      return;
    case "grant": {
      const [id, amount, reference = randomUUID()] = args;
      if (!id) throw new UsageError("usage: atoma accounts grant ACCOUNT UNITS [REFERENCE]");
      try {
        const granted = await ledger.grant(accountIdFrom(id), units(amount), { reference, ...BY });
        if (granted.alreadyGranted) process.stdout.write(`already granted under ${reference}\n`);
        return void print(granted.account);
      } catch (error) {
        if (error instanceof LedgerInputError) throw new UsageError(error.message);
        throw error;
      }
    }
    default:
      throw new UsageError("usage: atoma accounts create|list|grant");
  }
}
