/**
 * Error kinds as gRPC statuses and back: the only place that knows both.
 *
 * The hint and the details travel beside the message, in trailing metadata that
 * clients of other makes ignore.
 *
 * @module
 */

import { errorChain, type ErrorKind, errorKind, McpError } from "../errors.ts";

/** The statuses of gRPC, by their names on the wire. */
export const status = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

type StatusName = keyof typeof status;

const statusOfKind: Readonly<Record<ErrorKind, StatusName>> = {
  invalid: "INVALID_ARGUMENT",
  not_found: "NOT_FOUND",
  conflict: "FAILED_PRECONDITION",
  unauthenticated: "UNAUTHENTICATED",
  forbidden: "PERMISSION_DENIED",
  unavailable: "UNAVAILABLE",
  unimplemented: "UNIMPLEMENTED",
  internal: "INTERNAL",
};

const kindOfStatus: ReadonlyMap<number, ErrorKind> = new Map<number, ErrorKind>([
  ...Object.entries(statusOfKind).map(([kind, name]) => [status[name], kind as ErrorKind] as const),
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
  return statusOfKind[errorKind(error)];
}

/** A status that is not OK, with what travels beside it. */
export interface Status {
  readonly code: number;
  readonly details: string;
  /** Trailing metadata, a key as often as it has values. */
  readonly metadata: readonly (readonly [key: string, value: Uint8Array<ArrayBuffer>])[];
}

/**
 * An error as it is sent. A defect keeps its chain to itself: that is for the log.
 *
 * Clients of other makes take no more than 8 KiB of headers (gRPC for Java, Python), and past
 * that the whole status is lost: what is too long is cut, and says so.
 */
export function toStatus(error: unknown): Status {
  const code = status[statusOfKind[errorKind(error)]];
  if (!(error instanceof McpError)) {
    const details = "A defect in mcp-agent ended the call; its log says more";
    return { code, details, metadata: [] };
  }
  const { hint } = error;
  const texts = [
    ...(hint === undefined ? [] : [[hintKey, cut(hint, maxHintBytes)] as const]),
    ...fitting(error.details).map((detail) => [detailKey, detail] as const),
  ];
  return {
    code,
    details: cut(errorChain(error), maxSentenceBytes),
    metadata: texts.map(([key, text]) => [key, new TextEncoder().encode(text)]),
  };
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
export function fromStatus({ code, details, metadata }: Status): McpError {
  const kind = kindOfStatus.get(code) ?? "internal";
  const texts = (key: string) =>
    metadata.filter(([each]) => each === key).map(([, value]) => new TextDecoder().decode(value));
  return new McpError(kind, details, { hint: texts(hintKey)[0], details: texts(detailKey) });
}
