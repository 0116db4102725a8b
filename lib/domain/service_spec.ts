/**
 * A named set of components, active or not, and which sets make no sense.
 *
 * @module
 */

import type { Complaint } from "./complaint.ts";
import { complaintsAboutComponent, type ComponentSpec, parsePort } from "./component_spec.ts";
import { isName, nameRule } from "./names.ts";

/** A service as the operator asks for it, fully defaulted. */
export interface ServiceSpec {
  readonly name: string;
  /** False: every component should be stopped. */
  readonly active: boolean;
  readonly components: readonly ComponentSpec[];
}

/**
 * Everything about a service that can never work, in the order of its document.
 *
 * @example
 * ```ts
 * import { deepStrictEqual } from "node:assert/strict";
 * import { complaintsAbout } from "./service_spec.ts";
 *
 * deepStrictEqual(complaintsAbout({ name: "mcr", active: true, components: [] }), [
 *   { path: ["components"], expected: "at least one component", found: "none" },
 * ]);
 * ```
 */
export function complaintsAbout(spec: ServiceSpec): Complaint[] {
  const complaints: Complaint[] = [];
  if (!isName(spec.name)) {
    complaints.push({
      path: ["name"],
      expected: `a service name (${nameRule})`,
      found: spec.name === "" ? "nothing" : JSON.stringify(spec.name),
    });
  }
  if (spec.components.length === 0) {
    complaints.push({ path: ["components"], expected: "at least one component", found: "none" });
  }
  const names = new Map<string, number>();
  const ports = new Map<string, string>();
  spec.components.forEach((component, at) => {
    complaints.push(...complaintsAboutComponent(component, ["components", at]));
    const first = names.get(component.name);
    if (first !== undefined) {
      complaints.push({
        path: ["components", at, "name"],
        expected: "a name of its own",
        found: `${JSON.stringify(component.name)} again (see components[${first}])`,
      });
    } else {
      names.set(component.name, at);
    }
    component.ports.forEach((text, portAt) => {
      const port = parsePort(text);
      if (port === undefined) return;
      const key = `${port.ip}:${port.hostPort}/${port.protocol}`;
      const holder = ports.get(key);
      if (holder !== undefined) {
        complaints.push({
          path: ["components", at, "ports", portAt],
          expected: "a host port of its own",
          found: `${JSON.stringify(text)}, which ${holder} publishes already`,
        });
      } else {
        ports.set(key, `components[${at}].ports[${portAt}]`);
      }
    });
  });
  return complaints;
}
