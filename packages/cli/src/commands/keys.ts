import { accountIdFrom, type KeyRecord, keyIdFrom, type Ledger, LedgerInputError } from "@atoma/ledger";
import { UsageError } from "../usage-error.ts";

const BY = { actor: "atoma keys" };

function state(key: KeyRecord): string {
  if (key.revokedAt !== null) return "revoked";
  if (key.disabledAt !== null) return "disabled";
  return key.expiresAt !== null && key.expiresAt <= Date.now() ? "expired" : "active";
}

/** `atoma keys create ACCOUNT [NAME] | list | revoke KEY` */
export async function keys(ledger: Ledger, [action, id, name]: readonly string[]): Promise<void> {
  try {
    switch (action) {
      case "create": {
        if (!id) throw new UsageError("usage: atoma keys create ACCOUNT [NAME]");
        const { key } = await ledger.createKey({ accountId: accountIdFrom(id), name: name ?? "cli", ...BY });
        process.stdout.write(`${key}\nThis key is shown once.\n`);
        return;
      }
      case "list":
        for (const key of await ledger.listKeys({ limit: 1000 })) {
          process.stdout.write(`${key.id}  ${key.accountId}  ${key.name}  …${key.lastFour}  ${state(key)}\n`);
        }
        return;
      case "revoke": {
        if (!id) throw new UsageError("usage: atoma keys revoke KEY");
        await ledger.revokeKey(keyIdFrom(id), BY);
        process.stdout.write(`${id} revoked\n`);
        return;
      }
      default:
        throw new UsageError("usage: atoma keys create|list|revoke");
    }
  } catch (error) {
    if (error instanceof LedgerInputError) throw new UsageError(error.message);
    throw error;
  }
}
