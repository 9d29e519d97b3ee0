-- Nodes that every gateway of this ledger uses. Their tokens authenticate the gateways there, so they are kept as they are.
-- A row without a url is a node that has not joined yet, or a mark on a node of a configuration file.
CREATE TABLE nodes (
  name TEXT PRIMARY KEY,
  url TEXT,
  dialect TEXT NOT NULL,
  token TEXT,
  models TEXT,
  max_concurrent INTEGER CHECK (max_concurrent > 0),
  draining INTEGER NOT NULL DEFAULT 0 CHECK (draining IN (0, 1)),
  leaving INTEGER NOT NULL DEFAULT 0 CHECK (leaving IN (0, 1)),
  join_hash BLOB UNIQUE CHECK (length(join_hash) = 32),
  expires_at INTEGER,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
