/**
 * What commands ask about service definitions; the other files here answer.
 *
 * @module
 */

import type { ServiceSpec } from "../../lib/domain/service_spec.ts";
import type { Node } from "../settings/config.ts";
import type { SecretValue } from "./secret_values.ts";
import type { Sources } from "./sources.ts";

/** Where a spec was taken from. */
export type Origin =
  | { readonly kind: "file"; readonly file: string }
  /** No file exists: the spec of the last successful deploy, from the node's registry. */
  | { readonly kind: "agent" };

/** The definition a command means. */
export interface Located {
  readonly node: Node;
  /** With the variables of its files. */
  readonly spec: ServiceSpec;
  /** Where its secrets come from; undefined = it has none, or they are taken as they are on the node. */
  readonly sources?: Sources | undefined;
  readonly origin: Origin;
}

/** A definition of the services folder. */
export interface FiledDefinition {
  readonly node: Node;
  readonly spec: ServiceSpec;
  readonly sources?: Sources | undefined;
  readonly file: string;
}

/** What a node remembers of a service. */
export interface AgentsCopy {
  readonly node: Node;
  /** As last pushed by deploy, sync or adopt; undefined when it never was. */
  readonly declared: ServiceSpec | undefined;
  /** What the containers were really made from; undefined when none was. */
  readonly deployed: ServiceSpec | undefined;
}

/** How nodes are asked about a service. */
export interface LookUpOptions {
  readonly timeoutMs: number;
  /** Name of the only node to ask. */
  readonly node?: string | undefined;
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
  homeOf(service: string, options: LookUpOptions): Promise<Home>;
  /**
   * The agent's copy of a service, whatever a definition says. When several nodes
   * have one, it is that of the node which the definition names.
   *
   * @throws {McpError} `not_found` when no node knows the service, `conflict` when several do.
   */
  copyOf(service: string, options: LookUpOptions): Promise<AgentsCopy>;
  /**
   * The definition in the services folder, when there is one; no node is asked, and no file of
   * variables is read.
   *
   * @throws {McpError} `invalid` with every mistake of the file.
   */
  inFolder(service: string): Promise<FiledDefinition | undefined>;
  /**
   * Every definition in the services folder.
   *
   * @throws {McpError} `invalid` with every mistake of every file.
   */
  all(): Promise<readonly FiledDefinition[]>;
  /**
   * The values of its secrets, for a deploy or a plan, and for nothing else: commands are run, and
   * the operator may be asked to unlock a key.
   *
   * @param component Only those that this one mounts; undefined = all.
   * @throws {McpError} `invalid` with every secret that cannot be read.
   */
  secretValues(
    definition: Pick<Located, "sources">,
    component: string | undefined,
  ): Promise<SecretValue[]>;
  /** Where the definition of a service is, or would be. */
  pathOf(service: string): Promise<string>;
  /** Writes `active` into a definition file; whether that changed it. */
  setActive(file: string, active: boolean): Promise<boolean>;
}
