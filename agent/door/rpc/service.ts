/**
 * The list of RPCs: what each needs of its caller, which service it is about, who answers.
 *
 * Reading this file is reading what the agent can be asked to do. Those that only pass a question
 * on, and the answer back, are answered here; the others have a file of their own.
 *
 * @module
 */

import type {
  DescMessage,
  DescMethodServerStreaming,
  Message,
  MessageInitShape,
} from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { requireName } from "../../../lib/domain/names.ts";
import { McpError } from "../../../lib/errors.ts";
import type { Call, Handler } from "../../../lib/rpc/call.ts";
import { findingToWire } from "../../../lib/wire/findings.ts";
import { requireSpec } from "../../../lib/wire/specs.ts";
import { McpAgent } from "../../../proto/gen/mcp/v1/mcp_pb.ts";
import { requireServicePath } from "../../change/service_files/resolve.ts";
import { recentAudit } from "../../registry/audit.ts";
import { listServices } from "../../registry/services.ts";
import { type Capability, requireCapability } from "../auth/caller.ts";
import type { Answer, AuthenticatedCall, Request, Send } from "./call.ts";
import { deploy } from "./deploy.ts";
import { listEvents, watchEvents } from "./events.ts";
import { getServiceSpec } from "./get_service_spec.ts";
import { getServiceStatus } from "./get_service_status.ts";
import { requireKnownService } from "./known_service.ts";
import { liveCheck } from "./live_check.ts";
import { nodeStatus } from "./node_status.ts";
import { outcomesToWire, sendOperation } from "./outcomes.ts";
import { pageSize, pageStart } from "./page.ts";
import { planDeploy } from "./plan_deploy.ts";
import { getRevision, listRevisions } from "./revisions.ts";
import { rollOut } from "./roll_out.ts";
import type { Rooms } from "./rooms.ts";
import { servicesToWire } from "./service_info.ts";
import { streamLogs } from "./stream_logs.ts";

type Methods = typeof McpAgent.method;

type Rpc<Name extends keyof Methods> =
  & {
    readonly needs: Capability;
    /** The service the request is about; undefined = the whole node. */
    readonly about: (request: Request<Name>) => string | undefined;
  }
  & (Methods[Name] extends DescMethodServerStreaming ? { readonly send: Send<Name> }
    : { readonly answer: Answer<Name> });

type Rpcs = { readonly [Name in keyof Methods]: Rpc<Name> };

const theNode = () => undefined;

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
  /** The steps of a rollout from its first, then those that are still taken; disturbs nothing. */
  attachRollOut: {
    needs: "service:read",
    about: ({ service }) => service,
    async send({ operations }, { operationId, service }, { signal }, send) {
      await sendOperation(await operations.find(operationId, service), signal, send);
    },
  },
  /** Wants every component stopped, then stops it. */
  stopService: {
    needs: "service:control",
    about: ({ name }) => name,
    async answer({ rollout }, { name }, { caller }) {
      return { results: outcomesToWire(await rollout.stop(requireName("service", name), caller)) };
    },
  },
  /** Wants every component running, then starts it. */
  startService: {
    needs: "service:control",
    about: ({ name }) => name,
    async answer({ rollout }, { name }, { caller }) {
      return { results: outcomesToWire(await rollout.start(requireName("service", name), caller)) };
    },
  },
  /** Restarts what should be running; changes no desired state. */
  restartService: {
    needs: "service:control",
    about: ({ name }) => name,
    async answer({ rollout }, { name }, { caller }) {
      const outcomes = await rollout.restart(requireName("service", name), caller);
      return { results: outcomesToWire(outcomes) };
    },
  },
  /** The operator's intent for the whole node: all of it is checked before the first is taken. */
  syncDesiredState: {
    needs: "service:sync",
    about: theNode,
    async answer({ synchronization }, { services }, { caller }) {
      const specs = services.map(requireSpec);
      const names = specs.map(({ name }) => name);
      const twice = names.find((name, at) => names.indexOf(name) !== at);
      if (twice !== undefined) {
        throw new McpError("invalid", `Cannot sync: the service "${twice}" is in it twice`);
      }
      const outcomes = await synchronization.sync(specs, caller);
      return { results: outcomes.map(({ service, ...rest }) => ({ name: service, ...rest })) };
    },
  },
  /** The registry as it stands, with the states that were last seen; the runtime is not asked. */
  listServices: {
    needs: "service:read",
    about: theNode,
    answer: ({ registry }) => ({ services: servicesToWire(listServices(registry)) }),
  },
  getServiceStatus: {
    needs: "service:read",
    about: ({ name }) => name,
    answer: getServiceStatus,
  },
  liveCheck: { needs: "service:read", about: theNode, answer: liveCheck },
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
  /** Who called what and how it ended, newest first; this call is not among them yet. */
  listAudit: {
    needs: "node:read",
    about: theNode,
    answer({ registry, auditTrail }, request) {
      auditTrail.flush();
      const since = pageStart(request.since);
      const entries = recentAudit(registry, { since, limit: pageSize(request.limit) });
      return {
        entries: entries.map((entry) => ({
          method: entry.method,
          caller: entry.caller,
          peer: entry.peer,
          service: entry.service,
          timestamp: timestampFromDate(entry.at),
          outcome: entry.outcome,
          durationMs: entry.durationMs,
        })),
      };
    },
  },
  getServiceSpec: { needs: "service:read", about: ({ name }) => name, answer: getServiceSpec },
  /** Gives containers that MCP did not make to a service: one result per container of the name. */
  adoptContainer: {
    needs: "service:adopt",
    about: ({ service }) => service,
    async answer({ adoption }, { service, dryRun }, { caller }) {
      const outcomes = await adoption.adopt(requireName("service", service), {
        dryRun,
        actor: caller.subject,
      });
      return {
        results: outcomes.map(({ container, component, error, unexpressed }) => ({
          container,
          component,
          success: error === "",
          error,
          unexpressed: [...unexpressed],
        })),
      };
    },
  },
  /** Writes one file into a service's folder, whole or not at all. */
  pushFile: {
    needs: "files:write",
    about: ({ service }) => service,
    async answer({ registry, pushedFiles }, { service, path, content, mode }) {
      const place = requireServicePath(service, path);
      requireKnownService(registry, service);
      await pushedFiles.push(place, { content, mode });
      return { success: true };
    },
  },
  /** Reads one file out of a service's folder. */
  pullFile: {
    needs: "files:read",
    about: ({ service }) => service,
    async answer({ registry, pushedFiles }, { service, path }) {
      const place = requireServicePath(service, path);
      requireKnownService(registry, service);
      return await pushedFiles.pull(place);
    },
  },
  listRevisions: {
    needs: "service:read",
    about: ({ service }) => service,
    answer: listRevisions,
  },
  getRevision: { needs: "service:read", about: ({ service }) => service, answer: getRevision },
  /** Containers and what is remembered of a service go; its data where that is asked. */
  removeService: {
    needs: "service:remove",
    about: ({ name }) => name,
    async answer({ removal }, { name, purgeData, dryRun }, { caller: actor }) {
      const service = requireName("service", name);
      const { outcomes, removed, kept } = await removal.remove({
        service,
        purgeData,
        dryRun,
        actor,
      });
      return {
        results: outcomes.map(({ component, error }) => ({
          name: component,
          success: error === "",
          error,
          summary: error === "" && !dryRun ? "removed" : "",
          verdict: error === "" ? "removed" : "failed",
        })),
        removed: [...removed],
        kept: [...kept],
      };
    },
  },
  /** Removes images that nobody runs, declares or can go back to, and such versions of secrets. */
  pruneImages: {
    needs: "node:prune",
    about: theNode,
    async answer({ images, secrets }, { dryRun }) {
      const pruned = await images.prune({ dryRun });
      if (!dryRun) await secrets.prune();
      return {
        images: pruned.map(({ image: { id, names, bytes }, error }) => ({
          id,
          names: [...names],
          bytes: BigInt(bytes),
          error,
        })),
      };
    },
  },
  streamLogs: { needs: "logs:read", about: ({ service }) => service, send: streamLogs },
  nodeStatus: { needs: "node:read", about: theNode, answer: nodeStatus },
  /** What is wrong with the node as far as its agent can see, and the agent's clock around it. */
  diagnose: {
    needs: "node:read",
    about: theNode,
    async answer({ doctor, clock }) {
      const askedAt = timestampFromDate(clock.now());
      const findings = await doctor.diagnose();
      const answeredAt = timestampFromDate(clock.now());
      return { findings: findings.map(findingToWire), askedAt, answeredAt };
    },
  },
};

/** An entry whose method is known by its name only. */
interface AnyRpc {
  readonly needs: Capability;
  readonly about: (request: Message) => string | undefined;
  readonly answer?: (rooms: Rooms, request: Message, call: AuthenticatedCall) => Promise<AnyInit>;
  readonly send?: (
    rooms: Rooms,
    request: Message,
    call: AuthenticatedCall,
    send: (message: AnyInit) => Promise<void>,
  ) => Promise<void>;
}

type AnyInit = MessageInitShape<DescMessage>;

/** The entry of the called method; they are of one name, and so of one type. */
function rpcOf(call: Call): AnyRpc {
  return rpcs[call.method.localName as keyof Rpcs] as unknown as AnyRpc;
}

/** The service that a call is about, for the audit; empty = the whole node. */
export function serviceOf(call: Call): string {
  return rpcOf(call).about(call.request) ?? "";
}

/** Whether a call only reads; what changes something is audited before it is answered. */
export function onlyReads(call: Call): boolean {
  return rpcOf(call).needs.endsWith(":read");
}

/** The innermost layer: checks the capability, then hands the call to its room. */
export function dispatch(rooms: Rooms): Handler<AuthenticatedCall> {
  return async (call) => {
    const rpc = rpcOf(call);
    requireCapability(call.caller, rpc.needs, rpc.about(call.request));
    const { output } = call.method;
    if (rpc.answer) return create(output, await rpc.answer(rooms, call.request, call));
    return await rpc.send?.(
      rooms,
      call.request,
      call,
      (message) => call.send(create(output, message)),
    );
  };
}
