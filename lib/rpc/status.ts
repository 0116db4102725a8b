/**
 * Error kinds as gRPC statuses and back: the only place that knows both.
 *
 * The hint and the details travel beside the message, in trailing metadata that
 * clients of other makes ignore.
 *
 * @module
 */

import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { Buffer } from "node:buffer";
import { errorChain, type ErrorKind, errorKind, McpError } from "../errors.ts";

const statusOfKind: Readonly<Record<ErrorKind, status>> = {
  invalid: status.INVALID_ARGUMENT,
  not_found: status.NOT_FOUND,
  conflict: status.FAILED_PRECONDITION,
  unauthenticated: status.UNAUTHENTICATED,
  forbidden: status.PERMISSION_DENIED,
  unavailable: status.UNAVAILABLE,
  unimplemented: status.UNIMPLEMENTED,
  internal: status.INTERNAL,
};

const kindOfStatus: ReadonlyMap<status, ErrorKind> = new Map<status, ErrorKind>([
  ...Object.entries(statusOfKind).map(([kind, code]) => [code, kind as ErrorKind] as const),
  [status.DEADLINE_EXCEEDED, "unavailable"],
  [status.CANCELLED, "unavailable"],
  [status.RESOURCE_EXHAUSTED, "invalid"],
  [status.ALREADY_EXISTS, "conflict"],
  [status.ABORTED, "conflict"],
  [status.OUT_OF_RANGE, "invalid"],
]);

const hintKey = "mcp-hint-bin";
const detailKey = "mcp-detail-bin";

/** The name of a kind's status on the wire, e.g. "INVALID_ARGUMENT"; what the audit says. */
export function statusName(error: unknown): string {
  return status[statusOfKind[errorKind(error)]];
}

/** An error as grpc-js sends it. A defect keeps its chain to itself: that is for the log. */
export function toStatus(error: unknown) {
  const kind = errorKind(error);
  const metadata = new Metadata();
  if (error instanceof McpError) {
    if (error.hint !== undefined) metadata.add(hintKey, Buffer.from(error.hint));
    for (const detail of error.details) metadata.add(detailKey, Buffer.from(detail));
  }
  const details = error instanceof McpError
    ? errorChain(error)
    : "A defect in mcp-agent ended the call; its log says more";
  return { code: statusOfKind[kind], details, metadata };
}

/** A status received from a node as an error of ours. */
export function fromStatus(error: ServiceError): McpError {
  const kind = kindOfStatus.get(error.code) ?? "internal";
  const texts = (key: string) => error.metadata?.get(key).map((value) => value.toString()) ?? [];
  return new McpError(kind, error.details, { hint: texts(hintKey)[0], details: texts(detailKey) });
}
