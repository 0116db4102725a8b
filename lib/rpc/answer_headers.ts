/**
 * What the headers and trailers of an answer say of how the call went.
 *
 * Pure.
 *
 * @module
 */

import type { Headers } from "./header_block.ts";
import { type Status, status } from "./status.ts";

/** What somebody in between means who answers instead of a node (gRPC's own table). */
const codeOfHttp: ReadonlyMap<number, number> = new Map([
  [400, status.INTERNAL],
  [401, status.UNAUTHENTICATED],
  [403, status.PERMISSION_DENIED],
  [404, status.UNIMPLEMENTED],
  [429, status.UNAVAILABLE],
  [502, status.UNAVAILABLE],
  [503, status.UNAVAILABLE],
  [504, status.UNAVAILABLE],
]);

/** What a stream is reset with that says more than that it went wrong (RFC 9113, 7). */
const resets: ReadonlyMap<number, readonly [code: number, why: string]> = new Map([
  [0x7, [status.UNAVAILABLE, "it was refused"]],
  [0x8, [status.CANCELLED, "it was called off"]],
  [0xb, [status.RESOURCE_EXHAUSTED, "too much is asked of it"]],
  [0xc, [status.PERMISSION_DENIED, "the connection is not safe enough for it"]],
]);

/** Why an answer that begins like this is none of gRPC; undefined when it is one. */
export function strangerIn(headers: Headers): Status | undefined {
  const http = Number(headers.get(":status"));
  const type = headers.get("content-type") ?? "";
  const isGrpc = /^application\/grpc(?:[+;]|$)/.test(type);
  if (http === 200 && isGrpc) return undefined;
  // A gRPC status says more, whatever stands around it.
  if (headers.has("grpc-status")) return undefined;
  const code = http === 200 ? status.UNKNOWN : codeOfHttp.get(http) ?? status.UNKNOWN;
  const what = isGrpc || type === "" ? "" : ` and ${JSON.stringify(type.slice(0, 100))}`;
  return {
    code,
    details: `Whoever answered speaks HTTP and not gRPC: it said ${http}${what}`,
    metadata: [],
  };
}

/** The status in trailers, or in headers that are all there is; undefined when they have none. */
export function statusIn(headers: Headers): Status | undefined {
  const text = headers.get("grpc-status");
  if (text === undefined) return undefined;
  return {
    code: /^\d{1,3}$/.test(text) ? Number(text) : status.UNKNOWN,
    details: percentDecoded(headers.get("grpc-message") ?? ""),
    metadata: [...headers].flatMap(([key, value]) =>
      key.endsWith("-bin")
        ? value.split(",").flatMap((each) => {
          const bytes = base64Decoded(each.trim());
          return bytes === undefined ? [] : [[key, bytes] as const];
        })
        : []
    ),
  };
}

/** How a call went whose stream was reset without a status. */
export function statusOfReset(errorCode: number): Status {
  const [code, why] = resets.get(errorCode) ?? [status.INTERNAL, `error ${errorCode} of HTTP/2`];
  return { code, details: `The call was ended without a status: ${why}`, metadata: [] };
}

/** Text that is no percent encoding is told as it is: better an odd sentence than none. */
function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Undefined for what is none: it is only beside the message. */
function base64Decoded(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.fromBase64(text);
  } catch {
    return undefined;
  }
}
