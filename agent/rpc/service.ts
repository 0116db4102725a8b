/**
 * The list of RPCs: what each needs of its caller, which service it is about, who answers.
 *
 * Reading this file is reading what the agent can be asked to do.
 *
 * @module
 */

import type { DescMethodUnary, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import { McpAgent } from "../../proto/gen/mcp/v1/mcp_pb.ts";
import { McpError } from "../../lib/errors.ts";
import type { Handler } from "../../lib/rpc/call.ts";
import { type Capability, requireCapability } from "../auth/caller.ts";
import type { AuthenticatedCall } from "./interceptors/authenticate.ts";
import { deploy } from "./deploy.ts";
import { getServiceSpec } from "./get_service_spec.ts";
import { getServiceStatus } from "./get_service_status.ts";
import { listServices } from "./list_services.ts";
import { liveCheck } from "./live_check.ts";
import { nodeStatus } from "./node_status.ts";
import { pullFile } from "./pull_file.ts";
import { pushFile } from "./push_file.ts";
import type { Rooms } from "./rooms.ts";
import { restartService, startService, stopService } from "./service_lifecycle.ts";

/** Answers one RPC. */
export interface Rpc<Method extends DescMethodUnary> {
  readonly needs: Capability;
  /** The service the request is about; undefined = the whole node. */
  readonly about: (request: MessageShape<Method["input"]>) => string | undefined;
  readonly answer: (
    rooms: Rooms,
    request: MessageShape<Method["input"]>,
    call: AuthenticatedCall,
  ) => Promise<MessageInitShape<Method["output"]>>;
}

type Rpcs = {
  readonly [Name in keyof typeof McpAgent.method]: Rpc<(typeof McpAgent.method)[Name]>;
};

const rpcs: Rpcs = {
  deploy: {
    needs: "service:deploy",
    about: ({ service }) => service?.name,
    answer: deploy,
  },
  stopService: { needs: "service:control", about: ({ name }) => name, answer: stopService },
  startService: { needs: "service:control", about: ({ name }) => name, answer: startService },
  restartService: { needs: "service:control", about: ({ name }) => name, answer: restartService },
  syncDesiredState: {
    needs: "service:sync",
    about: () => undefined,
    answer: notYet("SyncDesiredState"),
  },
  listServices: { needs: "service:read", about: () => undefined, answer: listServices },
  getServiceStatus: {
    needs: "service:read",
    about: ({ name }) => name,
    answer: getServiceStatus,
  },
  liveCheck: { needs: "service:read", about: () => undefined, answer: liveCheck },
  getServiceSpec: { needs: "service:read", about: ({ name }) => name, answer: getServiceSpec },
  adoptContainer: {
    needs: "service:adopt",
    about: ({ service }) => service,
    answer: notYet("AdoptContainer"),
  },
  pushFile: { needs: "files:write", about: ({ service }) => service, answer: pushFile },
  pullFile: { needs: "files:read", about: ({ service }) => service, answer: pullFile },
  nodeStatus: { needs: "node:read", about: () => undefined, answer: nodeStatus },
};

/** The innermost layer: checks the capability, then hands the call to its room. */
export function dispatch(rooms: Rooms): Handler<AuthenticatedCall> {
  return async (call) => {
    const name = call.method.localName as keyof Rpcs;
    // The method and its entry are of one name, and so of one type; the table's type has it.
    const rpc = rpcs[name] as unknown as Rpc<DescMethodUnary>;
    requireCapability(call.caller, rpc.needs, rpc.about(call.request));
    return create(call.method.output, await rpc.answer(rooms, call.request, call));
  };
}

function notYet(name: string): () => Promise<never> {
  return () =>
    Promise.reject(
      new McpError("unimplemented", `This version of mcp-agent does not answer ${name} yet`),
    );
}
