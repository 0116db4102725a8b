/**
 * What finding out about a boot needs.
 *
 * @module
 */

export const boot = `
-- When the agent last began, by the wall clock and by the machine's uptime: one row.
CREATE TABLE last_start (
  id        INTEGER PRIMARY KEY CHECK (id = 1),
  timestamp TEXT NOT NULL,
  uptime_ms INTEGER NOT NULL
);
`;
