/**
 * What a registry with a million events needs: no question reads all of them.
 *
 * @module
 */

export const manyEvents = `
-- By service and id, since every index ends in the id: the latest of a service, and those after one.
CREATE INDEX idx_events_service ON events(service);

-- To forget the old ones without a look at the others.
CREATE INDEX idx_alerts_time ON alerts(timestamp);
`;
