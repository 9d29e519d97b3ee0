-- Nodes that every gateway of this ledger uses. Their tokens authenticate the gateways there, so they are kept as they are.
-- A row without a url is a node that has not joined yet, or a mark on a node of a configuration file.
CREATE TABLE nodes (
  name text COLLATE "C" PRIMARY KEY,
  url text,
  dialect text NOT NULL,
  token text,
  models text,
  max_concurrent bigint CHECK (max_concurrent > 0),
  draining bigint NOT NULL DEFAULT 0 CHECK (draining IN (0, 1)),
  leaving bigint NOT NULL DEFAULT 0 CHECK (leaving IN (0, 1)),
  join_hash bytea UNIQUE CHECK (length(join_hash) = 32),
  expires_at bigint,
  created_at bigint NOT NULL
);
