/**
 * StreamLogs: what the containers of a service print, in the order of time.
 *
 * @module
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { requireName } from "../../../lib/domain/names.ts";
import { McpError } from "../../../lib/errors.ts";
import type { LogLineSchema } from "../../../proto/gen/mcp/v1/mcp_pb.ts";
import type { LogTarget, ToldLine } from "../../watch/logs/logs.ts";
import type { Send } from "./call.ts";
import { blocksOf } from "./log_blocks.ts";
import { requireKnownService } from "./known_service.ts";
import { pageStart } from "./page.ts";
import { unlessOver } from "./until_over.ts";

/** Sends the lines; ends when there are no more, or with the call. */
export const streamLogs: Send<"streamLogs"> = async (
  { registry, logs, stopping },
  request,
  call,
  send,
) => {
  const service = requireName("service", request.service);
  const components = requireKnownService(registry, service).components;
  const targets = components
    .map(({ spec, container }): LogTarget => ({ component: spec.name, container }))
    .filter(({ component }) => request.component === "" || component === request.component);
  if (targets.length === 0) {
    const names = components.map(({ spec }) => spec.name).join(", ");
    throw new McpError(
      "not_found",
      `Service "${service}" has no component "${request.component}"`,
      { hint: `Its components are ${names}` },
    );
  }
  const signal = AbortSignal.any([call.signal, stopping]);
  await logs.read({
    service,
    targets,
    follow: request.follow,
    since: nanoseconds(request.since),
    until: nanoseconds(request.until),
    tail: request.tail,
    signal,
    // A reader that does not read keeps nobody from stopping.
    tell: (lines) =>
      unlessOver(
        send(request.blocks ? { blocks: blocksOf(lines) } : { lines: lines.map(lineToWire) }),
        signal,
      ),
  });
  if (stopping.aborted && !call.signal.aborted) {
    throw new McpError("unavailable", "The agent is stopping");
  }
};

function lineToWire(line: ToldLine): MessageInitShape<typeof LogLineSchema> {
  const { component, at } = line;
  const seconds = at / 1_000_000_000n;
  const timestamp = { seconds, nanos: Number(at - seconds * 1_000_000_000n) };
  return "skipped" in line
    ? { component, timestamp, skipped: line.skipped }
    : { component, timestamp, stderr: line.isStderr, text: line.text };
}

/** @throws {McpError} `invalid` when it is no time that a clock can show. */
function nanoseconds(at: Timestamp | undefined): bigint | undefined {
  if (at === undefined || pageStart(at) === undefined) return undefined;
  // Nothing that runs was printed before 1970.
  return at.seconds < 0n ? 0n : at.seconds * 1_000_000_000n + BigInt(at.nanos);
}
