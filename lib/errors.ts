/**
 * The one error type that leaves a room, and how a chain of causes is read.
 *
 * Three things are kept apart: an *outcome* is data (a component that would not
 * start), an *error* ends an operation (`McpError`), and a *defect* is a broken
 * assumption, which becomes `internal` at the edge and is logged with its chain.
 *
 * @module
 */

/** Why an operation did not happen, in terms its caller can act on. */
export type ErrorKind =
  /** The caller's input can never work. */
  | "invalid"
  /** The named service, component, node or file does not exist. */
  | "not_found"
  /** The right request in the wrong state of things. */
  | "conflict"
  /** No token, or one that the identity provider does not accept. */
  | "unauthenticated"
  /** A valid token whose holder may not do this. */
  | "forbidden"
  /** A node, the identity provider or podman could not be reached; retrying may help. */
  | "unavailable"
  /** The program does not do this yet. */
  | "unimplemented"
  /** A defect in MCP itself. */
  | "internal";

/** What an {@link McpError} may carry besides its kind and its sentence. */
interface McpErrorOptions {
  /** The next command to run or the file to look at. */
  readonly hint?: string | undefined;
  /** One line per mistake, when there are several. */
  readonly details?: readonly string[];
  /** What went wrong below; its text is never repeated in the message. */
  readonly cause?: unknown;
  /** Whether it was given up because nothing had come of it in time. */
  readonly isTimeout?: boolean;
}

/**
 * An operation ended without doing what it was asked.
 *
 * The message says what was attempted and what happened, sentence case, without
 * a full stop and without the cause's text: {@link errorChain} joins them where
 * a person reads. Secrets, tokens and file contents never enter a message.
 */
export class McpError extends Error {
  override readonly name = "McpError";
  readonly kind: ErrorKind;
  readonly hint: string | undefined;
  readonly details: readonly string[];
  readonly isTimeout: boolean;

  constructor(kind: ErrorKind, message: string, options: McpErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.kind = kind;
    this.hint = options.hint;
    this.details = options.details ?? [];
    this.isTimeout = options.isTimeout ?? false;
  }
}

/**
 * The messages of an error and its causes, outermost first, joined by ": ".
 *
 * @example
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { errorChain, McpError } from "./errors.ts";
 *
 * const cause = new Error("connection refused");
 * strictEqual(
 *   errorChain(new McpError("unavailable", 'Cannot reach node "rift"', { cause })),
 *   'Cannot reach node "rift": connection refused',
 * );
 * ```
 */
export function errorChain(error: unknown): string {
  const messages: string[] = [];
  const seen = new Set<unknown>();
  for (let link = error; link !== undefined && link !== null && !seen.has(link);) {
    seen.add(link);
    messages.push(link instanceof Error ? link.message : String(link));
    link = link instanceof Error ? link.cause : undefined;
  }
  return messages.filter((message) => message !== "").join(": ");
}

/** The kind of any thrown value; what is not an {@link McpError} is a defect. */
export function errorKind(error: unknown): ErrorKind {
  return error instanceof McpError ? error.kind : "internal";
}
