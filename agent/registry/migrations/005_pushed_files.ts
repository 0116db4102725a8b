/**
 * What finding out about changed files needs.
 *
 * @module
 */

export const pushedFiles = `
-- The files that were pushed, or pulled since, as they were then.
CREATE TABLE pushed_files (
  service   TEXT NOT NULL REFERENCES services(name) ON DELETE CASCADE,
  -- Below the service's folder, as it was asked for.
  path      TEXT NOT NULL,
  sha256    TEXT NOT NULL,
  mode      INTEGER NOT NULL,
  size      INTEGER NOT NULL,
  -- Of the file itself, in milliseconds since 1970: while they are the same, it is not read.
  modified  INTEGER NOT NULL,
  changed   INTEGER NOT NULL,
  timestamp TEXT NOT NULL,
  PRIMARY KEY (service, path)
);
`;
