-- Units are compute units, times are milliseconds since the epoch.

CREATE TABLE accounts (
  id text COLLATE "C" PRIMARY KEY,
  name text NOT NULL,
  created_at bigint NOT NULL,
  credits bigint NOT NULL DEFAULT 0 CHECK (credits BETWEEN 0 AND 9007199254740991),
  posted bigint NOT NULL DEFAULT 0 CHECK (posted >= 0),
  pending bigint NOT NULL DEFAULT 0 CHECK (pending >= 0),
  CHECK (credits - posted - pending >= 0)
) WITH (fillfactor = 50);

CREATE TABLE keys (
  id text COLLATE "C" PRIMARY KEY,
  account_id text COLLATE "C" NOT NULL REFERENCES accounts (id),
  name text NOT NULL,
  secret_hash bytea NOT NULL CHECK (length(secret_hash) = 32),
  last_four text NOT NULL,
  created_at bigint NOT NULL,
  expires_at bigint,
  disabled_at bigint,
  revoked_at bigint,
  last_used_at bigint,
  allowed_models text,
  requests_per_minute bigint,
  images_per_minute bigint,
  concurrent_requests bigint
);

CREATE INDEX keys_by_account ON keys (account_id, id);

-- No foreign keys here: the batch functions read account and key under the account's lock, and `verify` checks it all.
CREATE TABLE holds (
  id text COLLATE "C" PRIMARY KEY,
  account_id text COLLATE "C" NOT NULL,
  key_id text COLLATE "C" NOT NULL,
  request_id text NOT NULL,
  model text NOT NULL,
  images bigint NOT NULL CHECK (images > 0),
  units bigint NOT NULL CHECK (units > 0),
  price text NOT NULL,
  created_at bigint NOT NULL,
  deadline bigint NOT NULL,
  idempotency_key text COLLATE "C",
  state text COLLATE "C" NOT NULL CHECK (state IN ('held', 'posted', 'voided', 'expired')),
  posted_units bigint NOT NULL CHECK (posted_units BETWEEN 0 AND units),
  resolved_at bigint,
  CHECK ((state = 'held') = (resolved_at IS NULL)),
  CHECK ((state = 'posted') = (posted_units > 0))
) WITH (fillfactor = 70);

-- No index by account: it would dirty a page for every account of a batch. See listHolds in admin/holds.ts.
CREATE INDEX holds_held_by_key ON holds (key_id, deadline) WHERE state = 'held';
CREATE INDEX holds_held_by_deadline ON holds (deadline) WHERE state = 'held';

-- One row moves units from the debited to the credited account, so the two entries of a transaction sum to 0.
CREATE TABLE journal (
  id text COLLATE "C" PRIMARY KEY,
  kind text COLLATE "C" NOT NULL CHECK (kind IN ('grant', 'post')),
  debit text COLLATE "C" NOT NULL,
  credit text COLLATE "C" NOT NULL CHECK (credit <> debit),
  units bigint NOT NULL CHECK (units > 0),
  at bigint NOT NULL
);

CREATE VIEW journal_entries AS
  SELECT id, kind, debit AS account, -units AS units, at FROM journal
  UNION ALL
  SELECT id, kind, credit AS account, units, at FROM journal;

CREATE TABLE grants (
  account_id text COLLATE "C" NOT NULL REFERENCES accounts (id),
  reference text COLLATE "C" NOT NULL,
  units bigint NOT NULL,
  memo text NOT NULL,
  at bigint NOT NULL,
  PRIMARY KEY (account_id, reference)
);

CREATE TABLE idempotency (
  account_id text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  fingerprint text NOT NULL,
  hold_id text COLLATE "C" NOT NULL,
  response text,
  created_at bigint NOT NULL,
  expires_at bigint,
  PRIMARY KEY (account_id, key)
);

CREATE INDEX idempotency_by_expiry ON idempotency (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE rate_windows (
  key_id text COLLATE "C" NOT NULL,
  second bigint NOT NULL,
  requests bigint NOT NULL,
  images bigint NOT NULL,
  last_at bigint NOT NULL,
  PRIMARY KEY (key_id, second)
);

CREATE INDEX rate_windows_by_age ON rate_windows (last_at);

CREATE TABLE usage_days (
  day text COLLATE "C" NOT NULL,
  account_id text COLLATE "C" NOT NULL,
  key_id text COLLATE "C" NOT NULL,
  model text COLLATE "C" NOT NULL,
  requests bigint NOT NULL,
  images bigint NOT NULL,
  units bigint NOT NULL,
  PRIMARY KEY (day, account_id, key_id, model)
) WITH (fillfactor = 50);

CREATE TABLE audit_log (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at bigint NOT NULL,
  actor text NOT NULL,
  action text NOT NULL,
  subject text NOT NULL,
  details text NOT NULL
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$;

CREATE TRIGGER journal_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON journal
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_log_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER holds_stay BEFORE DELETE OR TRUNCATE ON holds
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
