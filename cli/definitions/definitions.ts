/**
 * What commands ask about service definitions; the other files here answer.
 *
 * @module
 */

import type { ServiceSpec } from "../../lib/domain/service_spec.ts";
import type { Node } from "../config.ts";

/** Where a spec was taken from. */
export type Origin =
  | { readonly kind: "file"; readonly file: string }
  /** No file exists: the spec of the last successful deploy, from the node's registry. */
  | { readonly kind: "agent" };

/** The definition a command means. */
export interface Located {
  readonly node: Node;
  readonly spec: ServiceSpec;
  readonly origin: Origin;
}

/** Where a service lives. */
export interface Home {
  readonly node: Node;
  /** Its definition in the services folder, when there is one. */
  readonly file: string | undefined;
}

/** Everything commands ask about definitions. */
export interface Definitions {
  /**
   * The definition that a deploy of the service means: `file` when given, else the
   * services folder, else the agent's copy.
   *
   * @throws {McpError} `invalid` with every mistake of the file, `not_found` when
   *   there is neither file nor copy, `conflict` when several nodes have a copy.
   */
  locate(
    service: string,
    options: { readonly file: string | undefined; readonly timeoutMs: number },
  ): Promise<Located>;
  /**
   * The node a service lives on: that of its definition, else the one that knows it.
   *
   * @throws {McpError} as {@link locate}.
   */
  homeOf(service: string, options: { readonly timeoutMs: number }): Promise<Home>;
  /** Writes `active` into a definition file; whether that changed it. */
  setActive(file: string, active: boolean): Promise<boolean>;
}
