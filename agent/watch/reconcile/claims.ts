/**
 * Which containers a service name claims; `mcp adopt` takes them.
 *
 * Ownership is decided by label first, then by registry, then by name: a name
 * prefix alone never takes a container that another service has a better claim
 * to, so `mcr` does not claim what belongs to `mcr-web`. Labels have been read when the container
 * was found: one whose service is not called like itself was recorded by them.
 *
 * @module
 */

import { containerName, isName } from "../../../lib/domain/names.ts";
import type { DesiredState } from "../../../lib/domain/state.ts";

/** A container that is known to the registry, with whose it is. */
export interface ClaimCandidate {
  readonly container: string;
  /** The service and component it is recorded as. */
  readonly service: string;
  readonly component: string;
  readonly desired: DesiredState;
  /** Whether it is there now; a container that is gone cannot be adopted. */
  readonly exists: boolean;
}

/** One container that a service name matches. */
export type Claim =
  | { readonly container: string; readonly component: string; readonly refusal?: undefined }
  | { readonly container: string; readonly component: string; readonly refusal: string };

/**
 * The containers that the service claims, in their order; those it may not have, with why.
 *
 * @param managedServices Services that have a better claim to a container that fits their names.
 */
export function claimsOf(
  service: string,
  candidates: readonly ClaimCandidate[],
  managedServices: readonly string[],
): Claim[] {
  return candidates.flatMap((candidate): Claim[] => {
    const { container } = candidate;
    const component = componentFor(service, container);
    if (component === undefined || !candidate.exists) return [];
    const claim = { container, component };
    if (candidate.desired !== "ignore") {
      // Already the service's own: adopting twice is no mistake, and changes nothing.
      if (candidate.service === service) return [];
      return [{ ...claim, refusal: `it belongs to ${candidate.service}/${candidate.component}` }];
    }
    if (candidate.service !== container && candidate.service !== service) {
      const owner = `${candidate.service}/${candidate.component}`;
      return [{ ...claim, refusal: `its labels say that it belongs to ${owner}` }];
    }
    const better = managedServices.find((other) =>
      other.length > service.length && componentFor(other, container) !== undefined
    );
    if (better !== undefined) {
      return [{ ...claim, refusal: `its name fits the service ${better} better` }];
    }
    // "mcr-mcr" would be the component "mcr" of "mcr", whose container is "mcr".
    if (!isName(component) || containerName(service, component) !== container) {
      return [{ ...claim, refusal: `${JSON.stringify(component)} cannot name a component` }];
    }
    return [claim];
  });
}

/** The component that a container would be in a service, by its name. */
function componentFor(service: string, container: string): string | undefined {
  if (container === service) return service;
  return container.startsWith(`${service}-`) ? container.slice(service.length + 1) : undefined;
}
