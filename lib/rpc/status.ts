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

/** Limits, in bytes on the wire. */
const maxSentenceBytes = 2_048;
const maxHintBytes = 512;
const maxDetailBytes = 1_024;
const maxDetailsBytes = 4_096;
/** What a header counts besides its value: its name, and 32 bytes by RFC 9113. */
const headerBytes = detailKey.length + 32;

/** The name of a kind's status on the wire, e.g. "INVALID_ARGUMENT"; what the audit says. */
export function statusName(error: unknown): string {
  return status[statusOfKind[errorKind(error)]];
}

/**
 * An error as grpc-js sends it. A defect keeps its chain to itself: that is for the log.
 *
 * Clients of other makes take no more than 8 KiB of headers (gRPC for Java, Python), and past
 * that the whole status is lost: what is too long is cut, and says so.
 */
export function toStatus(error: unknown) {
  const code = statusOfKind[errorKind(error)];
  const metadata = new Metadata();
  if (!(error instanceof McpError)) {
    const details = "A defect in mcp-agent ended the call; its log says more";
    return { code, details, metadata };
  }
  if (error.hint !== undefined) metadata.add(hintKey, Buffer.from(cut(error.hint, maxHintBytes)));
  for (const detail of fitting(error.details)) metadata.add(detailKey, Buffer.from(detail));
  return { code, details: cut(errorChain(error), maxSentenceBytes), metadata };
}

/** As many of the details as there is room for, and how many there are besides. */
function fitting(details: readonly string[]): string[] {
  const kept: string[] = [];
  let bytes = 0;
  for (const detail of details) {
    const text = cut(detail, maxDetailBytes);
    bytes += sizeOnWire(text) + headerBytes;
    if (bytes > maxDetailsBytes) {
      kept.push(`… and ${details.length - kept.length} more`);
      break;
    }
    kept.push(text);
  }
  return kept;
}

function cut(text: string, maxBytes: number): string {
  const whole = text.toWellFormed();
  if (sizeOnWire(whole) <= maxBytes) return whole;
  let kept = "";
  let bytes = sizeOnWire("…");
  for (const character of whole) {
    bytes += sizeOnWire(character);
    if (bytes > maxBytes) break;
    kept += character;
  }
  return `${kept}…`;
}

/** Bytes of a text in the status message, where each byte that is not plain takes three. */
function sizeOnWire(text: string): number {
  return encodeURI(text).length;
}

/** A status received from a node as an error of ours. */
export function fromStatus(error: ServiceError): McpError {
  const kind = kindOfStatus.get(error.code) ?? "internal";
  const texts = (key: string) => error.metadata?.get(key).map((value) => value.toString()) ?? [];
  return new McpError(kind, error.details, { hint: texts(hintKey)[0], details: texts(detailKey) });
}
