/**
 * What a component may say beside image, network, user, restart, ports, volumes and command.
 *
 * @module
 */

export const options = `
-- The rest of the declared spec as JSON; what is left out has its default.
ALTER TABLE components ADD COLUMN options TEXT NOT NULL DEFAULT '{}';
`;
