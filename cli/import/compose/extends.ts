/**
 * `extends`: a service that begins as another one, of the same file or of one beside it.
 *
 * @module
 */

import type { Findings } from "../findings.ts";
import { beside, type Sources } from "../sources.ts";
import { isNull, type Place, placeOf, type Reader } from "./place.ts";
import { type Entry, type MapValue, parseYaml, type ScalarValue, type Value } from "./yaml.ts";

/** What following an `extends` needs. */
interface ExtendsDeps {
  readonly reader: Reader;
  readonly findings: Findings;
  readonly sources: Sources;
  /** What was extended already, by file and name: chains share their beginnings. */
  readonly done: Map<string, Place>;
}

/** Longer than this no chain is that a person follows. */
const longestChain = 30;

/** The service with everything that it extends merged in. */
export function extended(
  deps: ExtendsDeps,
  services: Place,
  service: Place,
  seen: ReadonlySet<string> = new Set(),
): Place {
  const { reader, findings } = deps;
  const clause = reader.said(service, "extends");
  if (clause === undefined) return service;
  const isTable = clause.value.kind === "map";
  const name = isTable ? reader.textOf(clause, "service") : reader.text(clause);
  const path = reader.textOf(clause, "file");
  if (name === undefined) {
    findings.mistake(clause.origin, "there is no service to extend");
    return service;
  }
  const from = path === undefined ? services : servicesOf(deps, clause, path);
  const base = from && reader.entry(from, name);
  if (from === undefined || base === undefined) {
    if (from !== undefined) {
      findings.mistake(clause.origin, `there is no service ${JSON.stringify(name)} to extend`);
    }
    return service;
  }
  const key = JSON.stringify([base.origin.file, name]);
  if (seen.has(key) || seen.size > longestChain) {
    const why = seen.has(key)
      ? `${JSON.stringify(name)} extends itself in the end`
      : `more than ${longestChain} services extend each other`;
    findings.mistake(clause.origin, why);
    return service;
  }
  const whole = deps.done.get(key) ?? extended(deps, from, base, new Set([...seen, key]));
  deps.done.set(key, whole);
  if (whole.value.kind !== "map" || service.value.kind !== "map") return service;
  return { value: mergedService(whole.value, service.value), origin: service.origin };
}

function servicesOf(
  { reader, findings, sources }: ExtendsDeps,
  clause: Place,
  path: string,
): Place | undefined {
  const file = beside(clause.origin, path);
  const text = sources.get(file);
  if (text === undefined) {
    findings.mistake(clause.origin, `there is no file ${file}`);
    return undefined;
  }
  const root = parseYaml(text, file);
  const services = reader.entry(placeOf(root, { file, line: 1 }, ""), "services");
  if (services === undefined) findings.mistake(clause.origin, `${file} has no services`);
  return services;
}

/** Fields that one service says as a whole. */
const replaced = new Set(["command", "entrypoint", "test"]);
/** Fields that are tables, or lists of "name=value" that mean one. */
const tables = new Set(["environment", "labels", "annotations", "sysctls", "extra_hosts", "args"]);
/** Fields that are tables, or lists of names that mean one. */
const sets = new Set(["depends_on", "networks"]);

function mergedService(base: MapValue, over: MapValue): MapValue {
  const entries = new Map<string, Entry>(base.entries);
  // What the base extended is in it already.
  entries.delete("extends");
  for (const [key, entry] of over.entries) {
    if (key === "extends") continue;
    const before = entries.get(key);
    entries.set(
      key,
      before === undefined
        ? entry
        : { at: entry.at, value: mergedValue(key, before.value, entry.value) },
    );
  }
  return { kind: "map", at: over.at, entries };
}

function mergedValue(key: string, before: Value, over: Value): Value {
  if (isNull(over)) return before;
  if (replaced.has(key)) return over;
  if (tables.has(key)) return mergedMaps(asTable(before, "="), asTable(over, "="), over);
  if (sets.has(key) && before.kind !== over.kind) {
    return mergedMaps(asTable(before), asTable(over), over);
  }
  if (before.kind === "map" && over.kind === "map") return mergedMaps(before, over, over);
  const isListed = key === "env_file" || key === "tmpfs" || key === "dns";
  const [first, second] = [before, over].map((value) =>
    value.kind === "list" ? value.items : isListed ? [value] : undefined
  );
  if (first === undefined || second === undefined) return over;
  // Where only one may be mounted, the first one is.
  const items = key === "volumes" ? [...second, ...first] : [...first, ...second];
  return { kind: "list", at: over.at, items };
}

function mergedMaps(before: Value, over: Value, fallback: Value): Value {
  if (before.kind !== "map" || over.kind !== "map") return fallback;
  return mergedService(before, over);
}

/** A list of names, or of "name=value", as the table it means. */
function asTable(value: Value, separator?: string): Value {
  if (value.kind !== "list") return value;
  const entries = new Map<string, Entry>();
  for (const item of value.items) {
    if (item.kind !== "scalar") return value;
    const text = typeof item.value === "string" ? item.value : item.written;
    const at = separator === undefined ? -1 : text.indexOf(separator);
    const inner: ScalarValue = {
      kind: "scalar",
      at: item.at,
      value: at < 0 ? null : text.slice(at + 1),
      written: at < 0 ? "" : text.slice(at + 1),
    };
    entries.set(at < 0 ? text : text.slice(0, at), { at: item.at, value: inner });
  }
  return { kind: "map", at: value.at, entries };
}
