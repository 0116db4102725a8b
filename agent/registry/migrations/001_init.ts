/**
 * The registry's first schema. Never edited after release: changes are new migrations.
 *
 * Times are UTC text, "YYYY-MM-DD HH:MM:SS.SSS": they sort as they happened and
 * compare with SQLite's own `datetime()`.
 *
 * @module
 */

export const init = `
-- The services this node has been told of.
CREATE TABLE services (
  name       TEXT PRIMARY KEY,
  active     INTEGER NOT NULL DEFAULT 1,
  created_at TEXT NOT NULL DEFAULT (datetime('now')),
  updated_at TEXT NOT NULL DEFAULT (datetime('now'))
);

-- One row per component: its declared spec, what is wanted of it, what was last seen.
CREATE TABLE components (
  name           TEXT NOT NULL,
  service        TEXT NOT NULL REFERENCES services(name) ON DELETE CASCADE,
  image          TEXT NOT NULL,
  network        TEXT NOT NULL DEFAULT '',
  user_spec      TEXT NOT NULL DEFAULT '',
  restart        TEXT NOT NULL DEFAULT 'unless-stopped',
  desired_state  TEXT NOT NULL DEFAULT 'running',
  observed_state TEXT NOT NULL DEFAULT 'unknown',
  version        TEXT NOT NULL DEFAULT '',
  created_at     TEXT NOT NULL DEFAULT (datetime('now')),
  updated_at     TEXT NOT NULL DEFAULT (datetime('now')),
  -- When observed_state was really seen; NULL = never.
  observed_at    TEXT,
  -- When the container was last started, its exit code if it has ended.
  started_at     TEXT,
  exit_code      INTEGER,
  container      TEXT NOT NULL,
  PRIMARY KEY (service, name)
);
CREATE UNIQUE INDEX idx_components_container ON components(container);

CREATE TABLE component_ports (
  service   TEXT NOT NULL,
  component TEXT NOT NULL,
  position  INTEGER NOT NULL,
  mapping   TEXT NOT NULL,
  PRIMARY KEY (service, component, position),
  FOREIGN KEY (service, component) REFERENCES components(service, name) ON DELETE CASCADE
);

CREATE TABLE component_volumes (
  service   TEXT NOT NULL,
  component TEXT NOT NULL,
  position  INTEGER NOT NULL,
  mapping   TEXT NOT NULL,
  PRIMARY KEY (service, component, position),
  FOREIGN KEY (service, component) REFERENCES components(service, name) ON DELETE CASCADE
);

CREATE TABLE component_cmd (
  service   TEXT NOT NULL,
  component TEXT NOT NULL,
  position  INTEGER NOT NULL,
  arg       TEXT NOT NULL,
  PRIMARY KEY (service, component, position),
  FOREIGN KEY (service, component) REFERENCES components(service, name) ON DELETE CASCADE
);

-- Observed transitions, oldest first.
CREATE TABLE events (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  service    TEXT NOT NULL,
  component  TEXT NOT NULL,
  prev_state TEXT NOT NULL,
  new_state  TEXT NOT NULL,
  timestamp  TEXT NOT NULL DEFAULT (datetime('now')),
  cause      TEXT NOT NULL DEFAULT ''
);
CREATE INDEX idx_events_component_time ON events(service, component, timestamp);

-- Every deploy, whatever became of it. They outlive their service.
CREATE TABLE revisions (
  service     TEXT NOT NULL,
  number      INTEGER NOT NULL,
  -- The only component that was deployed; empty = all.
  component   TEXT NOT NULL DEFAULT '',
  actor       TEXT NOT NULL,
  started_at  TEXT NOT NULL,
  finished_at TEXT,
  -- running, succeeded, partial, failed or interrupted
  outcome     TEXT NOT NULL DEFAULT 'running',
  PRIMARY KEY (service, number)
);

-- What a revision meant for each component it deployed.
CREATE TABLE revision_components (
  service   TEXT NOT NULL,
  revision  INTEGER NOT NULL,
  component TEXT NOT NULL,
  -- The component's spec as JSON, immutable.
  spec      TEXT NOT NULL,
  -- The image that the reference meant at that time; empty while not known.
  image_id  TEXT NOT NULL DEFAULT '',
  -- running, succeeded, failed or interrupted
  outcome   TEXT NOT NULL DEFAULT 'running',
  error     TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (service, revision, component),
  FOREIGN KEY (service, revision) REFERENCES revisions(service, number) ON DELETE CASCADE
);

-- What the container of a component was really made from: its last successful revision.
CREATE TABLE deployments (
  service     TEXT NOT NULL,
  component   TEXT NOT NULL,
  revision    INTEGER NOT NULL,
  deployed_at TEXT NOT NULL,
  PRIMARY KEY (service, component),
  FOREIGN KEY (service, component) REFERENCES components(service, name) ON DELETE CASCADE,
  FOREIGN KEY (service, revision, component)
    REFERENCES revision_components(service, revision, component)
);

-- Tokens of the local identity provider. The token itself is nowhere.
CREATE TABLE tokens (
  id         TEXT PRIMARY KEY,
  subject    TEXT NOT NULL,
  role       TEXT NOT NULL,
  sha256     TEXT NOT NULL UNIQUE,
  created_at TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  revoked_at TEXT
);
`;
