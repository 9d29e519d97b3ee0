import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type HoldId, type Ledger, openLedger } from "@atoma/ledger";
import type { Config } from "./config.ts";
import { UsageError } from "./usage-error.ts";

/** What a first start makes and keeps, readable by its owner only. */
export interface Credentials {
  readonly apiKey: string;
  readonly adminKey: string;
  readonly nodeToken: string;
}

/** Compute units of the account that a first start makes: about 3.8 million pictures of 512 × 512. */
const FIRST_GRANT = 1_000_000_000_000;

/** Makes the folder where it is missing. Throws UsageError where it cannot be made. */
export function dataFolder(config: Config): string {
  const folder = resolve(config.data);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o750 });
  } catch (error) {
    throw new UsageError(`--data: cannot make the folder ${folder}`, { cause: error });
  }
  return folder;
}

export function databaseUrl(config: Config): string {
  return config.database_url ?? `sqlite:${join(dataFolder(config), "ledger.db")}`;
}

/** Throws UsageError where opening the ledger would only make an empty one. */
export function requireLedger(config: Config): void {
  const file = databaseUrl(config).replace(/^sqlite:/, "");
  if (databaseUrl(config).startsWith("sqlite:") && !existsSync(file))
    throw new UsageError(`there is no ledger at ${file}`);
}

export function openConfiguredLedger(config: Config): Promise<Ledger> {
  return openLedger(databaseUrl(config));
}

/**
 * Voids the holds that a crash left behind, and says how many. Only where this process is the one that uses the ledger,
 * as with SQLite: elsewhere another gateway may still be at work on them, and they expire by themselves. What asynchronous
 * generations hold stays: they are taken up again.
 */
export async function voidOrphans(config: Config, ledger: Ledger): Promise<number> {
  if (!databaseUrl(config).startsWith("sqlite:")) return 0;
  await ledger.jobs.endLeases();
  let voided = 0;
  let before: HoldId | undefined;
  do {
    const { holds, next } = await ledger.listHolds({ state: "held", withoutJob: true, limit: 1000, before });
    await Promise.all(holds.map(({ id }) => ledger.void({ holdId: id })));
    voided += holds.length;
    before = next ?? undefined;
  } while (before !== undefined);
  return voided;
}

export function credentialsFile(config: Config): string {
  return join(resolve(config.data), "credentials.json");
}

/** Undefined before the first start. Throws UsageError where the file is damaged. */
export function readCredentials(config: Config): Credentials | undefined {
  const path = credentialsFile(config);
  if (!existsSync(path)) return undefined;
  try {
    // Written by ensureCredentials.
    return JSON.parse(readFileSync(path, "utf8")) as Credentials;
  } catch {
    // The parser's message quotes the file, which holds keys.
    throw new UsageError(`${path} cannot be read; without it a start makes an account and keys anew`);
  }
}

/** The credentials of the data folder; at a first start also an account with units and its API key. */
export async function ensureCredentials(config: Config, ledger: Ledger): Promise<Credentials> {
  const known = readCredentials(config);
  if (known) return known;
  const by = { actor: "atoma up" };
  const account = await ledger.createAccount({ name: "default", ...by });
  await ledger.grant(account.id, FIRST_GRANT, { reference: "first-start", ...by });
  const { key } = await ledger.createKey({ accountId: account.id, name: "default", ...by });
  const credentials: Credentials = {
    apiKey: key,
    adminKey: `sk-atoma-admin-${randomBytes(32).toString("hex")}`,
    nodeToken: randomBytes(32).toString("hex"),
  };
  const path = credentialsFile(config);
  writeFileSync(`${path}.part`, `${JSON.stringify(credentials, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${path}.part`, path);
  chmodSync(path, 0o600);
  return credentials;
}
