/**
 * What this build calls itself.
 *
 * @module
 */

/** Version of both programs; they are released together. */
export const version = "0.1.0";
