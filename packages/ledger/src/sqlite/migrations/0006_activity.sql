-- Ended requests by hour, for charts. Gateways add their counts every few seconds; the books are usage_days and the holds.
CREATE TABLE activity_hours (
  hour INTEGER NOT NULL,
  account_id TEXT NOT NULL,
  key_id TEXT NOT NULL,
  model TEXT NOT NULL,
  outcome TEXT NOT NULL,
  latency INTEGER NOT NULL,
  requests INTEGER NOT NULL,
  images INTEGER NOT NULL,
  units INTEGER NOT NULL,
  PRIMARY KEY (hour, account_id, key_id, model, outcome, latency)
) STRICT, WITHOUT ROWID;

-- Sessions of browsers that began at this time or before are over, whatever they bear.
CREATE TABLE session_ends (
  realm TEXT PRIMARY KEY,
  ended_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
