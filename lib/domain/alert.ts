/**
 * What the operator is alerted about.
 *
 * @module
 */

/** What an alert can be about. */
export const alertKinds = ["drift", "flapping", "recovered"] as const;

/** One of {@link alertKinds}. */
export type AlertKind = (typeof alertKinds)[number];
