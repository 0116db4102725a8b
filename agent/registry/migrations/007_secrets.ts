/**
 * What secrets need: which versions of them the runtime keeps, and what was made with which.
 *
 * @module
 */

export const secrets = `
-- A secret's versions; their values are with the container runtime, and nowhere here. One that is
-- gone keeps its row: its number is never given to another value.
CREATE TABLE secret_versions (
  service      TEXT NOT NULL,
  name         TEXT NOT NULL,
  version      INTEGER NOT NULL,
  -- What the runtime calls it; empty = it is gone.
  runtime_name TEXT NOT NULL,
  -- By a key that is in no snapshot of this registry; empty = the value was never known.
  hmac         TEXT NOT NULL,
  created_at   TEXT NOT NULL,
  PRIMARY KEY (service, name, version)
);

-- The version of each of its secrets, by the secret's name, as JSON.
ALTER TABLE revision_components ADD COLUMN secrets TEXT NOT NULL DEFAULT '{}';
`;
