/**
 * Decides which containers look like a service's own, and are not.
 *
 * @module
 */

import type { DesiredState } from "../../../lib/domain/state.ts";
import { type ClaimCandidate, claimsOf } from "./claims.ts";
import { labels, originalOf } from "./ownership.ts";

/** A container that nobody declared. */
interface UnexpectedContainer {
  readonly service: string;
  readonly container: string;
}

/** A component that is known, by its container. */
export interface KnownContainer {
  readonly service: string;
  readonly component: string;
  readonly container: string;
  readonly desired: DesiredState;
}

/**
 * Containers that carry the label of a managed service, or are called like a component of it, and
 * that it does not have. One that a rollout has set aside is that rollout's.
 */
export function unexpectedContainers(
  known: readonly KnownContainer[],
  listing: readonly { readonly name: string; readonly labels: Readonly<Record<string, string>> }[],
): UnexpectedContainer[] {
  const managed = known.filter(({ desired }) => desired !== "ignore");
  const own = new Set(managed.map(({ container }) => container));
  const services = [...new Set(managed.map(({ service }) => service))];
  const strangers = listing.filter(({ name }) =>
    !own.has(name) && !own.has(originalOf(name) ?? "")
  );
  const records = new Map(known.map((component) => [component.container, component]));
  return services.flatMap((service) => {
    const candidates = strangers.map(({ name }): ClaimCandidate => {
      const record = records.get(name);
      return {
        container: name,
        service: record?.service ?? name,
        component: record?.component ?? name,
        desired: "ignore",
        exists: true,
      };
    });
    const claimed = claimsOf(service, candidates, services)
      .filter(({ refusal }) => refusal === undefined)
      .map(({ container }) => container);
    const labelled = strangers.filter((each) => each.labels[labels.service] === service)
      .map(({ name }) => name);
    return [...new Set([...claimed, ...labelled])].sort()
      .map((container) => ({ service, container }));
  });
}
