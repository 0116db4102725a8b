/**
 * GetServiceSpec: what was declared, and what the containers were really made from.
 *
 * @module
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import { requireName } from "../../../lib/domain/names.ts";
import { McpError } from "../../../lib/errors.ts";
import { specToWire } from "../../../lib/wire/specs.ts";
import type {
  GetServiceSpecRequest,
  GetServiceSpecResponseSchema,
} from "../../../proto/gen/mcp/v1/mcp_pb.ts";
import { getService } from "../../registry/services.ts";
import type { Rooms } from "./rooms.ts";

/** Both specs of one service. */
// deno-lint-ignore require-await -- an RPC that happens to need no waiting
export async function getServiceSpec(
  { registry }: Rooms,
  request: GetServiceSpecRequest,
): Promise<MessageInitShape<typeof GetServiceSpecResponseSchema>> {
  const name = requireName("service", request.name);
  const service = getService(registry, name);
  const managed = service?.components.filter(({ desired }) => desired !== "ignore") ?? [];
  if (service === undefined || managed.length === 0) {
    throw new McpError("not_found", `There is no service "${name}" on this node`, {
      hint: "Run `mcp list` for those there are",
    });
  }
  const { active } = service;
  const deployed = managed.flatMap(({ deployment }) => deployment?.spec ?? []);
  return {
    declared: specToWire({ name, active, components: managed.map(({ spec }) => spec) }),
    deployed: specToWire({ name, active, components: deployed }),
  };
}
