/**
 * The largest file that is moved to or from a node.
 *
 * @module
 */

/** In bytes: a file travels as one message. */
export const maxFileBytes = 4 * 1024 * 1024;
