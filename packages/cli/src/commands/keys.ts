import { accountIdFrom, type KeyRecord, keyIdFrom, type Ledger, LedgerInputError } from "@atoma/ledger";
import type { Config } from "../config.ts";
import { UsageError } from "../usage-error.ts";

const BY = { actor: "atoma keys" };

function state(key: KeyRecord): string {
  if (key.revokedAt !== null) return "revoked";
  if (key.disabledAt !== null) return "disabled";
  return key.expiresAt !== null && key.expiresAt <= Date.now() ? "expired" : "active";
}

/** Sets or takes away where a key is told that an asynchronous generation has ended. */
async function webhook(ledger: Ledger, id: string, url: string, targets: Config["webhook_targets"]): Promise<void> {
  const keyId = keyIdFrom(id);
  if (url === "none") {
    const removed = await ledger.removeWebhook(keyId, BY);
    process.stdout.write(removed ? `${id} has no webhook any more\n` : `${id} had no webhook\n`);
    return;
  }
  const { checkTarget, ForbiddenTarget } = await import("@atoma/gateway");
  try {
    checkTarget(url, targets);
  } catch (error) {
    throw error instanceof ForbiddenTarget ? new UsageError(`URL: ${error.message}`) : error;
  }
  const { secret } = await ledger.setWebhook(keyId, url, BY);
  process.stdout.write(`${secret}\nThis secret verifies the webhook's signatures. It is shown once.\n`);
}

/** `atoma keys create ACCOUNT [NAME] | list | revoke KEY | webhook KEY URL|none` */
export async function keys(
  ledger: Ledger,
  [action, id, name]: readonly string[],
  targets: Config["webhook_targets"],
): Promise<void> {
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
      case "webhook":
        if (!id || !name) throw new UsageError("usage: atoma keys webhook KEY URL|none");
        return await webhook(ledger, id, name, targets);
      default:
        throw new UsageError("usage: atoma keys create|list|revoke|webhook");
    }
  } catch (error) {
    if (error instanceof LedgerInputError) throw new UsageError(error.message);
    throw error;
  }
}
