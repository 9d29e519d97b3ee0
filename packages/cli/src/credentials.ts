import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Account, Ledger } from "@atoma/ledger";
import type { Config } from "./config.ts";
import { databaseUrl } from "./data-folder.ts";
import { UsageError } from "./usage-error.ts";
import { writeDurably } from "./write-durably.ts";

/** What a first start makes and keeps, readable by its owner only. */
export interface Credentials {
  readonly apiKey: string;
  readonly adminKey: string;
  readonly nodeToken: string;
}

/** Compute units of the account that a first start makes: about 3.8 million pictures of 512 × 512. */
const FIRST_GRANT = 1_000_000_000_000;
const ACCOUNT_NAME = "default";
const KEY_NAME = "first start";
const BY = { actor: "atoma up" };

export function credentialsFile(config: Config): string {
  return join(resolve(config.data), "credentials.json");
}

/** Undefined before the first start has written them. Throws UsageError where the file is damaged. */
export function readCredentials(config: Config): Credentials | undefined {
  const path = credentialsFile(config);
  // An older version could leave an empty file when the power was cut.
  const text = existsSync(path) ? readFileSync(path, "utf8") : "";
  if (text === "") return undefined;
  try {
    // Written by ensureCredentials.
    return JSON.parse(text) as Credentials;
  } catch {
    // The parser's message quotes the file, which holds keys.
    throw new UsageError(`${path} cannot be read; without it a start makes new keys`);
  }
}

/**
 * The account of a first start that did not come to its end. Only of a SQLite ledger, which is this data folder's own: on
 * PostgreSQL it may be another machine's.
 */
async function accountBefore(config: Config, ledger: Ledger): Promise<Account | undefined> {
  if (!databaseUrl(config).startsWith("sqlite:")) return undefined;
  const [oldest] = await ledger.listAccounts({ limit: 1 });
  const isOurs = oldest?.name === ACCOUNT_NAME && [0, FIRST_GRANT].includes(oldest.credits);
  return isOurs ? oldest : undefined;
}

async function ensureAccount(config: Config, ledger: Ledger): Promise<Account> {
  const account = (await accountBefore(config, ledger)) ?? (await ledger.createAccount({ name: ACCOUNT_NAME, ...BY }));
  await ledger.grant(account.id, FIRST_GRANT, { reference: "first-start", ...BY });
  return account;
}

/** A key whose secret a first start had no time to write down can never be used: it is revoked. */
async function revokeLostKeys(ledger: Ledger, account: Account): Promise<void> {
  const keys = await ledger.listKeys({ accountId: account.id, limit: 1000 });
  const lost = keys.filter((key) => key.name === KEY_NAME && key.lastUsedAt === null && key.revokedAt === null);
  for (const { id } of lost) await ledger.revokeKey(id, BY);
}

/** The credentials of the data folder; at a first start also an account with units and its API key. */
export async function ensureCredentials(config: Config, ledger: Ledger): Promise<Credentials> {
  const path = credentialsFile(config);
  const known = readCredentials(config);
  if (known) {
    chmodSync(path, 0o600);
    return known;
  }
  const account = await ensureAccount(config, ledger);
  await revokeLostKeys(ledger, account);
  const { key } = await ledger.createKey({ accountId: account.id, name: KEY_NAME, ...BY });
  const credentials: Credentials = {
    apiKey: key,
    adminKey: `sk-atoma-admin-${randomBytes(32).toString("hex")}`,
    nodeToken: randomBytes(32).toString("hex"),
  };
  writeDurably(path, `${JSON.stringify(credentials, null, 2)}\n`, 0o600);
  return credentials;
}
