/**
 * Decides which containers a service name claims.
 *
 * Ownership is decided by label first, then by registry, then by name: a name
 * prefix alone never takes a container that another service has a better claim
 * to, so `mcr` does not claim what belongs to `mcr-web`.
 *
 * @module
 */

import { isName } from "../../lib/domain/names.ts";
import type { DesiredState } from "../../lib/domain/state.ts";

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

/** The containers that the service claims, in their order; those it may not have, with why. */
export function planAdoption(
  service: string,
  candidates: readonly ClaimCandidate[],
  knownServices: readonly string[],
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
    const better = knownServices
      .filter((other) => other.length > service.length && componentFor(other, container))
      .find((other) => other !== container || other === candidate.service && other !== container);
    if (better !== undefined) {
      return [{ ...claim, refusal: `its name fits the service ${better} better` }];
    }
    if (!isName(component)) {
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
