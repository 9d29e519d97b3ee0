-- Units are compute units, times are milliseconds since the epoch.

CREATE TABLE accounts (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  credits INTEGER NOT NULL DEFAULT 0 CHECK (credits BETWEEN 0 AND 9007199254740991),
  posted INTEGER NOT NULL DEFAULT 0 CHECK (posted >= 0),
  pending INTEGER NOT NULL DEFAULT 0 CHECK (pending >= 0),
  CHECK (credits - posted - pending >= 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE keys (
  id TEXT PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES accounts (id),
  name TEXT NOT NULL,
  secret_hash BLOB NOT NULL CHECK (length(secret_hash) = 32),
  last_four TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  disabled_at INTEGER,
  revoked_at INTEGER,
  last_used_at INTEGER,
  allowed_models TEXT,
  requests_per_minute INTEGER,
  images_per_minute INTEGER,
  concurrent_requests INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX keys_by_account ON keys (account_id, id);

CREATE TABLE holds (
  id TEXT PRIMARY KEY,
  account_id TEXT NOT NULL,
  key_id TEXT NOT NULL,
  request_id TEXT NOT NULL,
  model TEXT NOT NULL,
  images INTEGER NOT NULL CHECK (images > 0),
  units INTEGER NOT NULL CHECK (units > 0),
  price TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  deadline INTEGER NOT NULL,
  idempotency_key TEXT,
  state TEXT NOT NULL CHECK (state IN ('held', 'posted', 'voided', 'expired')),
  posted_units INTEGER NOT NULL CHECK (posted_units BETWEEN 0 AND units),
  resolved_at INTEGER,
  CHECK ((state = 'held') = (resolved_at IS NULL)),
  CHECK ((state = 'posted') = (posted_units > 0))
) STRICT, WITHOUT ROWID;

-- No index by account: it would dirty a page for every account of a batch. See listHolds in admin/holds.ts.
CREATE INDEX holds_held_by_key ON holds (key_id, deadline) WHERE state = 'held';
CREATE INDEX holds_held_by_deadline ON holds (deadline) WHERE state = 'held';

CREATE TRIGGER holds_resolve_once BEFORE UPDATE ON holds WHEN old.state <> 'held'
BEGIN SELECT RAISE(ABORT, 'a hold resolves once'); END;
CREATE TRIGGER holds_stay BEFORE DELETE ON holds
BEGIN SELECT RAISE(ABORT, 'holds are never deleted'); END;

-- One row moves units from the debited to the credited account, so the two entries of a transaction sum to 0.
CREATE TABLE journal (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('grant', 'post')),
  debit TEXT NOT NULL,
  credit TEXT NOT NULL CHECK (credit <> debit),
  units INTEGER NOT NULL CHECK (units > 0),
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER journal_stays BEFORE UPDATE ON journal
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER journal_keeps BEFORE DELETE ON journal
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;

CREATE VIEW journal_entries AS
  SELECT id, kind, debit AS account, -units AS units, at FROM journal
  UNION ALL
  SELECT id, kind, credit AS account, units, at FROM journal;

CREATE TABLE grants (
  account_id TEXT NOT NULL REFERENCES accounts (id),
  reference TEXT NOT NULL,
  units INTEGER NOT NULL,
  memo TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (account_id, reference)
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency (
  account_id TEXT NOT NULL,
  key TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  hold_id TEXT NOT NULL,
  response TEXT,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  PRIMARY KEY (account_id, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_by_expiry ON idempotency (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE rate_windows (
  key_id TEXT NOT NULL,
  second INTEGER NOT NULL,
  requests INTEGER NOT NULL,
  images INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  PRIMARY KEY (key_id, second)
) STRICT, WITHOUT ROWID;

CREATE INDEX rate_windows_by_age ON rate_windows (last_at);

CREATE TABLE usage_days (
  day TEXT NOT NULL,
  account_id TEXT NOT NULL,
  key_id TEXT NOT NULL,
  model TEXT NOT NULL,
  requests INTEGER NOT NULL,
  images INTEGER NOT NULL,
  units INTEGER NOT NULL,
  PRIMARY KEY (day, account_id, key_id, model)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit_log (
  seq INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  details TEXT NOT NULL
) STRICT;

CREATE TRIGGER audit_log_stays BEFORE UPDATE ON audit_log
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_log_keeps BEFORE DELETE ON audit_log
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
