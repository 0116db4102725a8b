/**
 * A named set of components, active or not, and which sets make no sense.
 *
 * @module
 */

import type { Complaint } from "./complaint.ts";
import { complaintsAboutComponent } from "./component_complaints.ts";
import type { ComponentSpec } from "./component_spec.ts";
import { parsePort, type PortMapping } from "./mappings.ts";
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
  const published: { readonly port: PortMapping; readonly where: string }[] = [];
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
      const holder = published.find((other) => collide(port, other.port));
      if (holder !== undefined) {
        complaints.push({
          path: ["components", at, "ports", portAt],
          expected: "a host port of its own",
          found: `${JSON.stringify(text)}, which ${holder.where} publishes already`,
        });
      } else {
        published.push({ port, where: `components[${at}].ports[${portAt}]` });
      }
    });
  });
  complaints.push(...complaintsAboutDependencies(spec.components));
  return complaints;
}

/** Components that wait for none of the service's, for themselves, or for each other in a circle. */
function complaintsAboutDependencies(components: readonly ComponentSpec[]): Complaint[] {
  const complaints: Complaint[] = [];
  const byName = new Map(components.map((component) => [component.name, component]));
  const reaches = (from: string, to: string, seen: Set<string>): boolean =>
    byName.get(from)?.dependsOn.some((next) =>
      next === to || (!seen.has(next) && reaches(next, to, seen.add(next)))
    ) ?? false;
  components.forEach(({ name, dependsOn }, at) =>
    dependsOn.forEach((other, dependsAt) => {
      const complain = (expected: string) =>
        complaints.push({
          path: ["components", at, "depends_on", dependsAt],
          expected,
          found: JSON.stringify(other),
        });
      if (!byName.has(other)) complain("a component of this service");
      else if (other === name) complain("another component");
      else if (reaches(other, name, new Set())) {
        complain(`a component that does not wait for ${JSON.stringify(name)} itself`);
      }
    })
  );
  return complaints;
}

/** Whether two mappings want one port of the node; who listens on all addresses wants it on each. */
function collide(one: PortMapping, other: PortMapping): boolean {
  return one.hostPort === other.hostPort && one.protocol === other.protocol &&
    (one.ip === other.ip || covers(one.ip, other.ip) || covers(other.ip, one.ip));
}

function covers(wide: string, ip: string): boolean {
  if (wide === "") return true;
  return wide === (ip.startsWith("[") ? "[::]" : "0.0.0.0");
}
