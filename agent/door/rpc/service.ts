/**
 * The list of RPCs: what each needs of its caller, which service it is about, who answers.
 *
 * Reading this file is reading what the agent can be asked to do.
 *
 * @module
 */

import type {
  DescMethodServerStreaming,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import { McpAgent } from "../../../proto/gen/mcp/v1/mcp_pb.ts";
import type { Call, Handler } from "../../../lib/rpc/call.ts";
import { type Capability, requireCapability } from "../auth/caller.ts";
import type { AuthenticatedCall } from "./call.ts";
import { adoptContainer } from "./adopt_container.ts";
import { attachRollOut } from "./attach_roll_out.ts";
import { deploy } from "./deploy.ts";
import { getRevision } from "./get_revision.ts";
import { diagnose } from "./diagnose.ts";
import { getServiceSpec } from "./get_service_spec.ts";
import { getServiceStatus } from "./get_service_status.ts";
import { listAudit } from "./list_audit.ts";
import { listEvents } from "./list_events.ts";
import { listRevisions } from "./list_revisions.ts";
import { listServices } from "./list_services.ts";
import { liveCheck } from "./live_check.ts";
import { nodeStatus } from "./node_status.ts";
import { planDeploy } from "./plan_deploy.ts";
import { pruneImages } from "./prune_images.ts";
import { pullFile } from "./pull_file.ts";
import { pushFile } from "./push_file.ts";
import { rollOut } from "./roll_out.ts";
import { removeService } from "./remove_service.ts";
import type { Rooms } from "./rooms.ts";
import { restartService, startService, stopService } from "./service_lifecycle.ts";
import { streamLogs } from "./stream_logs.ts";
import { syncDesiredState } from "./sync_desired_state.ts";
import { watchEvents } from "./watch_events.ts";

/** Answers one RPC. */
interface Rpc<Method extends DescMethodUnary> {
  readonly needs: Capability;
  /** The service the request is about; undefined = the whole node. */
  readonly about: (request: MessageShape<Method["input"]>) => string | undefined;
  readonly answer: (
    rooms: Rooms,
    request: MessageShape<Method["input"]>,
    call: AuthenticatedCall,
  ) => Promise<MessageInitShape<Method["output"]>>;
}

/** Answers one RPC with a stream. */
interface StreamingRpc<Method extends DescMethodServerStreaming> {
  readonly needs: Capability;
  readonly about: (request: MessageShape<Method["input"]>) => string | undefined;
  /** Resolves when the stream is over; each message is sent when there is room for it. */
  readonly send: (
    rooms: Rooms,
    request: MessageShape<Method["input"]>,
    call: AuthenticatedCall,
    send: (message: MessageInitShape<Method["output"]>) => Promise<void>,
  ) => Promise<void>;
}

type Rpcs = {
  readonly [Name in keyof typeof McpAgent.method]: (typeof McpAgent.method)[Name] extends
    infer Method ? Method extends DescMethodUnary ? Rpc<Method>
    : Method extends DescMethodServerStreaming ? StreamingRpc<Method>
    : never
    : never;
};

const rpcs: Rpcs = {
  deploy: {
    needs: "service:deploy",
    about: ({ service }) => service?.name,
    answer: deploy,
  },
  planDeploy: {
    // What it fetches stays on the node: it is not for those who may only look.
    needs: "service:deploy",
    about: ({ service }) => service?.name,
    answer: planDeploy,
  },
  rollOut: {
    needs: "service:deploy",
    about: ({ service }) => service?.name,
    send: rollOut,
  },
  attachRollOut: {
    needs: "service:read",
    about: ({ service }) => service,
    send: attachRollOut,
  },
  stopService: { needs: "service:control", about: ({ name }) => name, answer: stopService },
  startService: { needs: "service:control", about: ({ name }) => name, answer: startService },
  restartService: { needs: "service:control", about: ({ name }) => name, answer: restartService },
  syncDesiredState: {
    needs: "service:sync",
    about: () => undefined,
    answer: syncDesiredState,
  },
  listServices: { needs: "service:read", about: () => undefined, answer: listServices },
  getServiceStatus: {
    needs: "service:read",
    about: ({ name }) => name,
    answer: getServiceStatus,
  },
  liveCheck: { needs: "service:read", about: () => undefined, answer: liveCheck },
  listEvents: {
    needs: "service:read",
    about: ({ service }) => service,
    answer: listEvents,
  },
  watchEvents: {
    needs: "service:read",
    about: ({ service }) => service,
    send: watchEvents,
  },
  listAudit: { needs: "node:read", about: () => undefined, answer: listAudit },
  getServiceSpec: { needs: "service:read", about: ({ name }) => name, answer: getServiceSpec },
  adoptContainer: {
    needs: "service:adopt",
    about: ({ service }) => service,
    answer: adoptContainer,
  },
  pushFile: { needs: "files:write", about: ({ service }) => service, answer: pushFile },
  pullFile: { needs: "files:read", about: ({ service }) => service, answer: pullFile },
  listRevisions: {
    needs: "service:read",
    about: ({ service }) => service,
    answer: listRevisions,
  },
  getRevision: { needs: "service:read", about: ({ service }) => service, answer: getRevision },
  removeService: { needs: "service:remove", about: ({ name }) => name, answer: removeService },
  pruneImages: { needs: "node:prune", about: () => undefined, answer: pruneImages },
  streamLogs: { needs: "logs:read", about: ({ service }) => service, send: streamLogs },
  nodeStatus: { needs: "node:read", about: () => undefined, answer: nodeStatus },
  diagnose: { needs: "node:read", about: () => undefined, answer: diagnose },
};

/** The service that a call is about, for the audit; empty = the whole node. */
export function serviceOf(call: Call): string {
  const rpc = rpcs[call.method.localName as keyof Rpcs] as unknown as Rpc<DescMethodUnary>;
  return rpc.about(call.request) ?? "";
}

/** Whether a call only reads; what changes something is audited before it is answered. */
export function onlyReads(call: Call): boolean {
  return rpcs[call.method.localName as keyof Rpcs].needs.endsWith(":read");
}

/** The innermost layer: checks the capability, then hands the call to its room. */
export function dispatch(rooms: Rooms): Handler<AuthenticatedCall> {
  return async (call) => {
    const name = call.method.localName as keyof Rpcs;
    // The method and its entry are of one name, and so of one type; the table's type has it.
    const rpc = rpcs[name] as unknown as
      | Rpc<DescMethodUnary>
      | StreamingRpc<DescMethodServerStreaming>;
    requireCapability(call.caller, rpc.needs, rpc.about(call.request));
    const { output } = call.method;
    if ("answer" in rpc) return create(output, await rpc.answer(rooms, call.request, call));
    return await rpc.send(
      rooms,
      call.request,
      call,
      (message) => call.send(create(output, message)),
    );
  };
}
