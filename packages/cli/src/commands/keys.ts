import { accountIdFrom, type KeyRecord, keyIdFrom, type Ledger, LedgerInputError } from "@atoma/ledger";
import { usageOf } from "../command-help.ts";
import type { Config } from "../config.ts";
import { printJson, readJsonOption } from "../json-option.ts";
import { table } from "../table.ts";
import { UsageError } from "../usage-error.ts";

const BY = { actor: "atoma keys" };
const PAGE = 1000;

function state(key: KeyRecord): string {
  if (key.revokedAt !== null) return "revoked";
  if (key.disabledAt !== null) return "disabled";
  return key.expiresAt !== null && key.expiresAt <= Date.now() ? "expired" : "active";
}

/** As the admin API has it; never the secret or its hash. */
function toWire(key: KeyRecord) {
  return {
    id: key.id,
    account_id: key.accountId,
    name: key.name,
    last_four: key.lastFour,
    state: state(key),
    created_at: key.createdAt,
    last_used_at: key.lastUsedAt,
    expires_at: key.expiresAt,
    allowed_models: key.allowedModels,
    limits: {
      requests_per_minute: key.limits.requestsPerMinute,
      images_per_minute: key.limits.imagesPerMinute,
      concurrent_requests: key.limits.concurrentRequests,
    },
  };
}

const day = (at: number | null): string =>
  at === null ? "-" : new Date(at).toISOString().slice(0, 16).replace("T", " ");

function show(keys: readonly KeyRecord[]): string {
  const rows = keys.map((key) => [
    key.id,
    key.accountId,
    key.name,
    `…${key.lastFour}`,
    state(key),
    day(key.lastUsedAt),
    day(key.expiresAt),
  ]);
  return table(["KEY", "ACCOUNT", "NAME", "ENDS IN", "STATE", "LAST USED (UTC)", "EXPIRES (UTC)"], rows);
}

async function all(ledger: Ledger): Promise<KeyRecord[]> {
  const keys: KeyRecord[] = [];
  for (;;) {
    const page = await ledger.listKeys({ limit: PAGE, after: keys.at(-1)?.id });
    keys.push(...page);
    if (page.length < PAGE) return keys;
  }
}

/** Sets or takes away where a key is told that an asynchronous generation has ended. */
async function webhook(
  ledger: Ledger,
  id: string,
  url: string,
  targets: Config["webhook_targets"],
  json: boolean,
): Promise<void> {
  const keyId = keyIdFrom(id);
  if (url === "none") {
    const removed = await ledger.removeWebhook(keyId, BY);
    if (json) return printJson({ id, removed });
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
  if (json) return printJson({ id, url, secret });
  process.stdout.write(`${secret}\nThis secret verifies the webhook's signatures. It is shown once.\n`);
}

async function create(ledger: Ledger, id: string, name: string, json: boolean): Promise<void> {
  const { key, record } = await ledger.createKey({ accountId: accountIdFrom(id), name, ...BY });
  if (json) return printJson({ key, ...toWire(record) });
  process.stdout.write(`${key}\nThis key is shown once.\n`);
}

/** `atoma keys create ACCOUNT [NAME] | list | revoke KEY | webhook KEY URL|none` */
export async function keys(ledger: Ledger, args: readonly string[], targets: Config["webhook_targets"]): Promise<void> {
  const { json, positionals } = readJsonOption("keys", args);
  const [action, id, name] = positionals;
  try {
    if (action === "list") {
      const known = await all(ledger);
      return json ? printJson(known.map(toWire)) : void process.stdout.write(show(known));
    }
    if (!id) throw new UsageError(usageOf("keys"));
    switch (action) {
      case "create":
        return await create(ledger, id, name ?? "cli", json);
      case "revoke": {
        const record = await ledger.revokeKey(keyIdFrom(id), BY);
        return json ? printJson(toWire(record)) : void process.stdout.write(`${id} revoked\n`);
      }
      case "webhook":
        if (!name) throw new UsageError(usageOf("keys"));
        return await webhook(ledger, id, name, targets, json);
      default:
        throw new UsageError(usageOf("keys"));
    }
  } catch (error) {
    throw error instanceof LedgerInputError ? new UsageError(error.message) : error;
  }
}
