/**
 * A component that is being put together, with where each of its fields comes from.
 *
 * @module
 */

import { type FieldName, type FieldOf, keyOf } from "../../lib/domain/component_fields.ts";
import { componentDefaults, type ComponentSpec } from "../../lib/domain/component_spec.ts";
import type { KeyPath } from "../../lib/domain/complaint.ts";
import type { SecretMount } from "../../lib/domain/secret_mount.ts";
import type { SecretOrigin } from "../definitions/sources.ts";
import type { Findings, Origin } from "./findings.ts";

type Writable<Type> = { -readonly [Key in keyof Type]: Type[Key] };
type ListField = FieldOf<"words" | "set">;
type TableField = FieldOf<"table">;

/** A file of variables that the definition will name, and what it says. */
interface NamedEnvFile {
  readonly path: string;
  readonly values: Readonly<Record<string, string>>;
}

/** One component on its way from another format to a definition. */
export class Draft {
  readonly spec: Writable<ComponentSpec>;
  /** Where the component begins. */
  readonly origin: Origin;
  /** In the order in which they are read. Until the end their variables stand in `env` as well. */
  readonly envFiles: NamedEnvFile[] = [];
  /** Where the values of its secrets are, by their names. */
  readonly secretOrigins = new Map<string, SecretOrigin>();
  readonly #findings: Findings;
  readonly #origins = new Map<string, Origin>();
  readonly #lists = new Map<ListField, string[]>();
  readonly #tables = new Map<TableField, Record<string, string>>();

  constructor(name: string, origin: Origin, findings: Findings) {
    // Neither Compose nor systemd brings a container back that says nothing about it.
    this.spec = { ...componentDefaults, name, image: "", restart: "no" };
    this.origin = origin;
    this.#findings = findings;
  }

  /** Says one thing about the component. */
  put<Field extends FieldName>(
    field: Field,
    value: ComponentSpec[Field],
    origin: Origin,
  ): void {
    this.spec[field] = value as Writable<ComponentSpec>[Field];
    this.#remember([keyOf(field)], origin);
  }

  /** Adds to a list. */
  push(field: ListField, value: string, origin: Origin): void {
    let list = this.#lists.get(field);
    if (list === undefined) {
      list = [];
      this.#lists.set(field, list);
      this.put(field, list as readonly string[] as ComponentSpec[typeof field], origin);
    }
    this.#remember([keyOf(field), list.length], origin);
    list.push(value);
  }

  /** Adds to a table, or replaces what it says under that name. */
  putIn(field: TableField, name: string, value: string, origin: Origin): void {
    let table = this.#tables.get(field);
    if (table === undefined) {
      table = {};
      this.#tables.set(field, table);
      this.put(field, table, origin);
    }
    this.#remember([keyOf(field), name], origin);
    // Assigned, "__proto__" would be no name like any other.
    const property = { value, writable: true, enumerable: true, configurable: true };
    Object.defineProperty(table, name, property);
  }

  /** Mounts a secret; undefined: nobody knows where its value is. */
  addSecret(secret: SecretMount, from: SecretOrigin | undefined, origin: Origin): void {
    const { secrets } = this.spec;
    this.put(
      "secrets",
      [...secrets, secret],
      secrets.length === 0 ? origin : this.originOf(["secrets"]),
    );
    this.#remember(["secrets", secrets.length], origin);
    if (from !== undefined) this.secretOrigins.set(secret.name, from);
  }

  /** Where what a definition has at that path comes from, or its nearest ancestor. */
  originOf(path: KeyPath): Origin {
    for (let length = path.length; length > 0; length--) {
      const origin = this.#origins.get(JSON.stringify(path.slice(0, length)));
      if (origin !== undefined) return origin;
    }
    return this.origin;
  }

  /** A definition cannot say it. */
  leftOut(origin: Origin, what: string, todo = ""): void {
    this.#findings.leftOut(origin, what, todo, this.spec.name);
  }

  /** It is said in another way. */
  changed(origin: Origin, what: string, todo = ""): void {
    this.#findings.changed(origin, what, todo, this.spec.name);
  }

  /** It works only when the operator does something. */
  needs(origin: Origin, what: string, todo: string): void {
    this.#findings.needs(origin, what, todo, this.spec.name);
  }

  /** The file itself cannot mean this. */
  mistake(origin: Origin, what: string): void {
    this.#findings.mistake(origin, what);
  }

  #remember(path: KeyPath, origin: Origin): void {
    this.#origins.set(JSON.stringify(path), origin);
  }
}
