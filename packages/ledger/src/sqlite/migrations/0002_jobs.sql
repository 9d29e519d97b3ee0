-- Asynchronous generations. `request` says what is to be made, prompt included: it goes when the job ends.
CREATE TABLE jobs (
  id TEXT PRIMARY KEY,
  hold_id TEXT NOT NULL UNIQUE,
  account_id TEXT NOT NULL,
  key_id TEXT NOT NULL,
  request_id TEXT NOT NULL,
  model TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
  request TEXT,
  created_at INTEGER NOT NULL,
  deadline INTEGER NOT NULL,
  not_before INTEGER NOT NULL,
  owner TEXT,
  lease_until INTEGER,
  cancel_at INTEGER,
  started_at INTEGER,
  ended_at INTEGER,
  expires_at INTEGER,
  result TEXT,
  error TEXT,
  webhook_at INTEGER,
  webhook_attempts INTEGER NOT NULL DEFAULT 0,
  CHECK ((state IN ('queued', 'running')) = (ended_at IS NULL)),
  CHECK ((state IN ('queued', 'running')) = (request IS NOT NULL)),
  CHECK ((state = 'running') = (owner IS NOT NULL AND lease_until IS NOT NULL)),
  CHECK ((state = 'failed') = (error IS NOT NULL)),
  CHECK (state <> 'succeeded' OR result IS NOT NULL)
) STRICT, WITHOUT ROWID;

CREATE INDEX jobs_queued ON jobs (not_before) WHERE state = 'queued';
CREATE INDEX jobs_running ON jobs (lease_until) WHERE state = 'running';
CREATE INDEX jobs_open_by_account ON jobs (account_id, state) WHERE state IN ('queued', 'running');
CREATE INDEX jobs_by_expiry ON jobs (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX jobs_by_webhook ON jobs (webhook_at) WHERE webhook_at IS NOT NULL;

-- Where a key wants to be told that a job has ended. The secret signs, so it is kept as it is.
CREATE TABLE webhooks (
  key_id TEXT PRIMARY KEY REFERENCES keys (id),
  url TEXT NOT NULL,
  secret TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
