/**
 * What rollouts that tell the truth need: images by digest, how long it took, health, operations.
 *
 * @module
 */

export const rollouts = `
-- Digest of the image's manifest, by which its image registry gives it again; empty = not known.
ALTER TABLE revision_components ADD COLUMN image_digest TEXT NOT NULL DEFAULT '';
-- From the stop of the old container to the proof of the new one; NULL = nothing was stopped.
ALTER TABLE revision_components ADD COLUMN downtime_ms INTEGER;

-- Of a component with a health check: healthy, unhealthy, starting, or empty while it does not run.
ALTER TABLE components ADD COLUMN health TEXT NOT NULL DEFAULT '';
-- What the last probe was answered when that was last written: at each change of health.
ALTER TABLE components ADD COLUMN last_probe TEXT NOT NULL DEFAULT '';

-- Rollouts by the id that their caller chose: the same again is answered with the first one's outcome.
CREATE TABLE operations (
  id         TEXT PRIMARY KEY,
  service    TEXT NOT NULL,
  -- Stands for what was asked.
  request    TEXT NOT NULL,
  revision   INTEGER NOT NULL,
  began_at   TEXT NOT NULL,
  -- NULL = it was never finished: the same may be asked again.
  ended_at   TEXT,
  -- What became of each component, as JSON.
  results    TEXT NOT NULL DEFAULT '[]'
);
CREATE INDEX idx_operations_began ON operations(began_at);
`;
