/**
 * A service as the files of another tool: which formats there are, and who writes them.
 *
 * @module
 */

import type { ServiceSpec } from "../../lib/domain/service_spec.ts";
import type { Exported, Exporter, ForeignFormat } from "./exported.ts";
import { toKube } from "./kube/kube.ts";
import { toQuadlet } from "./quadlet/quadlet.ts";

const exporters: Readonly<Record<ForeignFormat, Exporter>> = { kube: toKube, quadlet: toQuadlet };

/**
 * Decides what the files say. Pure, and the same for the same spec: no version and no date is in them.
 *
 * @param spec Makes sense already; see `complaintsAbout`.
 */
export function exportService(spec: ServiceSpec, format: ForeignFormat): Exported {
  return exporters[format](spec);
}
