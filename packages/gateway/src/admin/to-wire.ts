import type { Account, Hold, KeyRecord, StoredAuditEntry, UsageRow, Webhook } from "@atoma/ledger";

/** What the admin API shows. Times are ms since the epoch, as the ledger keeps them; no secrets, no hashes. */
export const accountToWire = (a: Account) => ({
  id: a.id,
  name: a.name,
  created_at: a.createdAt,
  credits: a.credits,
  posted: a.posted,
  pending: a.pending,
  available: a.available,
});

export const keyToWire = (k: KeyRecord) => ({
  id: k.id,
  account_id: k.accountId,
  name: k.name,
  last_four: k.lastFour,
  created_at: k.createdAt,
  last_used_at: k.lastUsedAt,
  expires_at: k.expiresAt,
  disabled_at: k.disabledAt,
  revoked_at: k.revokedAt,
  allowed_models: k.allowedModels,
  response_format: k.responseFormat,
  requests_per_minute: k.limits.requestsPerMinute,
  images_per_minute: k.limits.imagesPerMinute,
  concurrent_requests: k.limits.concurrentRequests,
});

export const webhookToWire = (w: Webhook) => ({ url: w.url, created_at: w.createdAt });

export const holdToWire = (h: Hold) => ({
  id: h.id,
  account_id: h.accountId,
  key_id: h.keyId,
  request_id: h.requestId,
  model: h.model,
  images: h.images,
  units: h.units,
  price: h.price,
  created_at: h.createdAt,
  deadline: h.deadline,
  state: h.state,
  posted_units: h.postedUnits,
  resolved_at: h.resolvedAt,
});

export const auditToWire = (e: StoredAuditEntry) => ({ ...e });

export const usageToWire = (u: UsageRow) => ({
  day: u.day,
  account_id: u.accountId,
  key_id: u.keyId,
  model: u.model,
  requests: u.requests,
  images: u.images,
  units: u.units,
});
