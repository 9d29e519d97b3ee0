import { available, type HoldFacts, type HoldState, type KeyRights, type StoredHold } from "../core/types.ts";
import { accountIdFrom, holdIdFrom, keyIdFrom } from "../ids.ts";
import type { Account, Hold, KeyRecord, PriceSnapshot, StoredAuditEntry, UsageRow } from "../ledger.ts";
import { RESPONSE_DEFAULTS, type ResponseDefault } from "../response-default.ts";
import { bytes, int, intOrNull, jsonObject, type Row, stringsOrNull, text, textOrNull } from "./rows.ts";

export function accountFrom(row: Row): Account {
  const balance = { credits: int(row, "credits"), posted: int(row, "posted"), pending: int(row, "pending") };
  return {
    id: accountIdFrom(text(row, "id")),
    name: text(row, "name"),
    createdAt: int(row, "created_at"),
    ...balance,
    available: available(balance),
  };
}

export function keyRightsFrom(row: Row): KeyRights {
  return {
    accountId: accountIdFrom(text(row, "account_id")),
    expiresAt: intOrNull(row, "expires_at"),
    disabledAt: intOrNull(row, "disabled_at"),
    revokedAt: intOrNull(row, "revoked_at"),
    allowedModels: stringsOrNull(row, "allowed_models"),
    limits: {
      requestsPerMinute: intOrNull(row, "requests_per_minute"),
      imagesPerMinute: intOrNull(row, "images_per_minute"),
      concurrentRequests: intOrNull(row, "concurrent_requests"),
    },
  };
}

function responseDefaultFrom(row: Row): ResponseDefault | null {
  const format = textOrNull(row, "response_format");
  if (format === null) return null;
  const known = RESPONSE_DEFAULTS.find((value) => value === format);
  if (known === undefined) throw new Error(`the database gave the response format ${format}`);
  return known;
}

export function keyFrom(row: Row): KeyRecord {
  return {
    id: keyIdFrom(text(row, "id")),
    name: text(row, "name"),
    secretHash: bytes(row, "secret_hash"),
    lastFour: text(row, "last_four"),
    createdAt: int(row, "created_at"),
    lastUsedAt: intOrNull(row, "last_used_at"),
    responseFormat: responseDefaultFrom(row),
    ...keyRightsFrom(row),
  };
}

function holdStateFrom(row: Row): HoldState {
  const state = text(row, "state");
  if (state === "held" || state === "posted" || state === "voided" || state === "expired") return state;
  throw new Error(`the database gave the hold state ${state}`);
}

export function holdFactsFrom(row: Row): HoldFacts {
  return {
    id: holdIdFrom(text(row, "id")),
    accountId: accountIdFrom(text(row, "account_id")),
    keyId: keyIdFrom(text(row, "key_id")),
    model: text(row, "model"),
    images: int(row, "images"),
    units: int(row, "units"),
    createdAt: int(row, "created_at"),
    deadline: int(row, "deadline"),
    idempotencyKey: textOrNull(row, "idempotency_key"),
    state: holdStateFrom(row),
    postedUnits: int(row, "posted_units"),
  };
}

function storedHoldFrom(row: Row): StoredHold {
  return {
    ...holdFactsFrom(row),
    requestId: text(row, "request_id"),
    price: text(row, "price"),
    resolvedAt: intOrNull(row, "resolved_at"),
  };
}

function priceFrom(row: Row): PriceSnapshot {
  const price: Record<string, string | number | boolean | null> = {};
  for (const [name, value] of Object.entries(jsonObject(row, "price"))) {
    const plain =
      value === null || typeof value === "string" || typeof value === "number" || typeof value === "boolean";
    if (plain) price[name] = value;
  }
  return price;
}

export const holdFrom = (row: Row): Hold => ({ ...storedHoldFrom(row), price: priceFrom(row) });

export function usageFrom(row: Row): UsageRow {
  return {
    day: text(row, "day"),
    accountId: accountIdFrom(text(row, "account_id")),
    keyId: keyIdFrom(text(row, "key_id")),
    model: text(row, "model"),
    requests: int(row, "requests"),
    images: int(row, "images"),
    units: int(row, "units"),
  };
}

export function auditFrom(row: Row): StoredAuditEntry {
  return {
    seq: int(row, "seq"),
    at: int(row, "at"),
    actor: text(row, "actor"),
    action: text(row, "action"),
    subject: text(row, "subject"),
    details: jsonObject(row, "details"),
  };
}
