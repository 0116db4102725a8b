/**
 * GetServiceSpec: what was declared, and what the containers were really made from.
 *
 * @module
 */

import { requireName } from "../../../lib/domain/names.ts";
import { specToWire } from "../../../lib/wire/specs.ts";
import { getService } from "../../registry/services.ts";
import type { Answer } from "./call.ts";
import { noSuchService } from "./known_service.ts";

/** Both specs of one service. */
export const getServiceSpec: Answer<"getServiceSpec"> = ({ registry }, request) => {
  const name = requireName("service", request.name);
  const service = getService(registry, name);
  const managed = service?.components.filter(({ desired }) => desired !== "ignore") ?? [];
  if (service === undefined || managed.length === 0) throw noSuchService(name);
  const { active } = service;
  const deployed = managed.flatMap(({ deployment }) => deployment?.spec ?? []);
  return {
    declared: specToWire({ name, active, components: managed.map(({ spec }) => spec) }),
    deployed: specToWire({ name, active, components: deployed }),
  };
};
