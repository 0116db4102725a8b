/**
 * One way to write what a component asks for, of the several that mean the same.
 *
 * Two specs that ask for the same compare as equal afterwards, whoever wrote them: an operator, or
 * a runtime that tells what it has made. What an image brings is not known here.
 *
 * @module
 */

import { distinct } from "./canonical_texts.ts";
import { type FieldName, fieldNames, rowOf } from "./component_fields.ts";
import type { ComponentSpec } from "./component_spec.ts";

/**
 * The spec, written in the one way.
 *
 * @example
 * ```ts
 * import { deepStrictEqual } from "node:assert/strict";
 * import { canonicalSpec } from "./canonical_spec.ts";
 * import { componentDefaults } from "./component_spec.ts";
 *
 * const web = { ...componentDefaults, name: "web", image: "registry.example/web:v1" };
 * deepStrictEqual(
 *   canonicalSpec({ ...web, memory: "1024m", tmpfs: ["/tmp:rw"] }),
 *   canonicalSpec({ ...web, memory: "1g", tmpfs: ["/tmp"] }),
 * );
 * ```
 */
export function canonicalSpec(spec: ComponentSpec): ComponentSpec {
  const canonical = Object.fromEntries(
    fieldNames.map((field) => [field, canonicalValue(field, spec[field])]),
  ) as unknown as ComponentSpec;
  return {
    ...canonical,
    // Where there is no network of its own, nothing is published.
    ports: withoutPorts.includes(spec.network) ? [] : canonical.ports,
    secrets: [...spec.secrets].sort(({ name: one }, { name: other }) =>
      one < other ? -1 : one > other ? 1 : 0
    ),
    // A runtime counts in hundred-thousandths of a core.
    cpus: Math.floor(spec.cpus * 100_000 + 1e-6) / 100_000,
  };
}

/** Modes in which a port of the container is the node's, or nobody's. */
const withoutPorts = ["host", "none"];

function canonicalValue(field: FieldName, value: unknown): unknown {
  const { type, spelling = (text) => text, canonical = spelling } = rowOf(field);
  switch (type) {
    case "text":
    case "memory":
      return canonical(value as string);
    case "set":
      return distinct((value as readonly string[]).map(canonical));
    case "table":
      return Object.fromEntries(
        Object.entries(value as Readonly<Record<string, string>>)
          .map(([name, text]) => [name, canonical(text)]),
      );
    case "duration":
      // A runtime takes whole seconds.
      return value === undefined ? undefined : Math.ceil(value as number / 1000) * 1000;
    default:
      return value;
  }
}
