-- Asynchronous generations. `request` says what is to be made, prompt included: it goes when the job ends.
CREATE TABLE jobs (
  id text COLLATE "C" PRIMARY KEY,
  hold_id text COLLATE "C" NOT NULL UNIQUE,
  account_id text COLLATE "C" NOT NULL,
  key_id text COLLATE "C" NOT NULL,
  request_id text NOT NULL,
  model text NOT NULL,
  state text COLLATE "C" NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
  request text,
  created_at bigint NOT NULL,
  deadline bigint NOT NULL,
  not_before bigint NOT NULL,
  owner text COLLATE "C",
  lease_until bigint,
  cancel_at bigint,
  started_at bigint,
  ended_at bigint,
  expires_at bigint,
  result text,
  error text,
  webhook_at bigint,
  webhook_attempts bigint NOT NULL DEFAULT 0,
  CHECK ((state IN ('queued', 'running')) = (ended_at IS NULL)),
  CHECK ((state IN ('queued', 'running')) = (request IS NOT NULL)),
  CHECK ((state = 'running') = (owner IS NOT NULL AND lease_until IS NOT NULL)),
  CHECK ((state = 'failed') = (error IS NOT NULL)),
  CHECK (state <> 'succeeded' OR result IS NOT NULL)
);

CREATE INDEX jobs_queued ON jobs (not_before) WHERE state = 'queued';
CREATE INDEX jobs_running ON jobs (lease_until) WHERE state = 'running';
CREATE INDEX jobs_open_by_account ON jobs (account_id, state) WHERE state IN ('queued', 'running');
CREATE INDEX jobs_by_expiry ON jobs (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX jobs_by_webhook ON jobs (webhook_at) WHERE webhook_at IS NOT NULL;

-- Where a key wants to be told that a job has ended. The secret signs, so it is kept as it is.
CREATE TABLE webhooks (
  key_id text COLLATE "C" PRIMARY KEY REFERENCES keys (id),
  url text NOT NULL,
  secret text NOT NULL,
  created_at bigint NOT NULL
);
