/**
 * What watching needs: who caused a transition, since when a state holds, alerts, the audit.
 *
 * @module
 */

export const watch = `
-- Who caused the transition through MCP; empty = it happened by itself.
ALTER TABLE events ADD COLUMN actor TEXT NOT NULL DEFAULT '';
CREATE INDEX idx_events_time ON events(timestamp);

-- Since when observed_state has been what it is; NULL = not known.
ALTER TABLE components ADD COLUMN state_since TEXT;

-- "deploy", or "adopt" for a container that somebody else made: no deploy ever removes such a one.
ALTER TABLE revisions ADD COLUMN origin TEXT NOT NULL DEFAULT 'deploy';

-- Alerts that were raised; the latest of a component tells whether to keep quiet about it.
CREATE TABLE alerts (
  id        INTEGER PRIMARY KEY AUTOINCREMENT,
  service   TEXT NOT NULL,
  component TEXT NOT NULL,
  -- drift, flapping or recovered
  kind      TEXT NOT NULL,
  timestamp TEXT NOT NULL
);
CREATE INDEX idx_alerts_component ON alerts(service, component, id);

-- Every call, answered or refused.
CREATE TABLE audit (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  method      TEXT NOT NULL,
  -- Whom the token spoke for; empty = nobody known.
  caller      TEXT NOT NULL,
  peer        TEXT NOT NULL,
  -- The service that the call was about; empty = the whole node.
  service     TEXT NOT NULL,
  timestamp   TEXT NOT NULL,
  -- Name of the gRPC status, and the sentence that went with it.
  outcome     TEXT NOT NULL,
  reason      TEXT NOT NULL,
  duration_ms INTEGER NOT NULL
);
CREATE INDEX idx_audit_time ON audit(timestamp);
`;
