/**
 * A call on its way in: what each interceptor has added to it, and what answers it in the end.
 *
 * @module
 */

import type { MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { Call } from "../../../lib/rpc/call.ts";
import type { McpAgent } from "../../../proto/gen/mcp/v1/mcp_pb.ts";
import type { Caller } from "../auth/caller.ts";
import type { Rooms } from "./rooms.ts";

/** A call that can be told who made it. */
export interface AuditedCall extends Call {
  identify(caller: Caller): void;
}

/** A call whose caller is known. */
export interface AuthenticatedCall extends Call {
  readonly caller: Caller;
}

type Methods = typeof McpAgent.method;

/** What an RPC is asked. */
export type Request<Name extends keyof Methods> = MessageShape<Methods[Name]["input"]>;

/** What an RPC answers; one message of its stream where it has one. */
export type Response<Name extends keyof Methods> = MessageInitShape<Methods[Name]["output"]>;

/** Answers the RPC of that name. */
export type Answer<Name extends keyof Methods> = (
  rooms: Rooms,
  request: Request<Name>,
  call: AuthenticatedCall,
) => Response<Name> | Promise<Response<Name>>;

/**
 * Answers the RPC of that name with a stream. Resolves when the stream is over; each message is
 * sent when there is room for it.
 */
export type Send<Name extends keyof Methods> = (
  rooms: Rooms,
  request: Request<Name>,
  call: AuthenticatedCall,
  send: (message: Response<Name>) => Promise<void>,
) => Promise<void>;
