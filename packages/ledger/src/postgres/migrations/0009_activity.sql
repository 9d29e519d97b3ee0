-- Ended requests by hour, for charts. Gateways add their counts every few seconds; the books are usage_days and the holds.
CREATE TABLE activity_hours (
  hour bigint NOT NULL,
  account_id text COLLATE "C" NOT NULL,
  key_id text COLLATE "C" NOT NULL,
  model text COLLATE "C" NOT NULL,
  outcome text COLLATE "C" NOT NULL,
  latency bigint NOT NULL,
  requests bigint NOT NULL,
  images bigint NOT NULL,
  units bigint NOT NULL,
  PRIMARY KEY (hour, account_id, key_id, model, outcome, latency)
) WITH (fillfactor = 70);

-- Sessions of browsers that began at this time or before are over, whatever they bear.
CREATE TABLE session_ends (
  realm text COLLATE "C" PRIMARY KEY,
  ended_at bigint NOT NULL
);
