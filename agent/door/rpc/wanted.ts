/**
 * What a deploy is asked for, checked whole before anything moves.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { ServiceSpec } from "../../../lib/domain/service_spec.ts";
import { McpError } from "../../../lib/errors.ts";
import { requireSpec } from "../../../lib/wire/specs.ts";
import type { ServiceSpec as WireServiceSpec } from "../../../proto/gen/mcp/v1/mcp_pb.ts";
import type { TransferOptions } from "../../change/service_files/transfer.ts";
import { requireNoOwnVolumes } from "../../change/service_files/volumes.ts";

/** What is to be deployed. */
interface Wanted {
  readonly spec: ServiceSpec;
  /** The only component that is meant; undefined = all. */
  readonly only: string | undefined;
}

/**
 * A spec that makes sense, and a component of it.
 *
 * @throws {McpError} `invalid`, with all that is wrong.
 */
export async function requireWanted(
  service: WireServiceSpec | undefined,
  component: string,
  files: TransferOptions,
): Promise<Wanted> {
  const spec = requireSpec(service);
  const only = component === "" ? undefined : component;
  const names = spec.components.map(({ name }) => name);
  if (only !== undefined && !names.includes(only)) {
    throw new McpError(
      "invalid",
      `Cannot deploy "${spec.name}/${only}": the spec has no such component`,
      { hint: `Its components are ${names.join(", ")}` },
    );
  }
  await requireNoOwnVolumes(spec, files);
  return { spec, only };
}

/** Stands for what is asked; equal questions have equal ones. No secret's value is part of it. */
export function fingerprintOf(...asked: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(asked)).digest("hex");
}
