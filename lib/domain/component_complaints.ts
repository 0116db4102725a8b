/**
 * Which components make no sense: values that break the rules of `component_fields.ts`, and those that
 * do not go together.
 *
 * @module
 */

import type { Complaint, KeyPath } from "./complaint.ts";
import { type FieldName, fieldNames, isDefault, keyOf, rowOf } from "./component_fields.ts";
import type { ComponentSpec } from "./component_spec.ts";
import type { Rule } from "./field_rules.ts";
import { complaintsAboutHealthCheck } from "./health_check.ts";
import { parsePort, parseVolume } from "./mappings.ts";
import { complaintsAboutSecrets } from "./secret_mount.ts";

const maxEnvironmentBytes = 128 * 1024;

/**
 * Everything about one component that can never work.
 *
 * @param path Where the component stands in its document, e.g. `["components", 0]`.
 */
export function complaintsAboutComponent(spec: ComponentSpec, path: KeyPath): Complaint[] {
  const complaints = fieldNames
    .filter((field) => ["name", "image"].includes(field) || !isDefault(field, spec[field]))
    .flatMap((field) => complaintsAboutField(field, spec[field], [...path, keyOf(field)]));
  const check = (isOk: boolean, key: KeyPath, expected: string, found: string) => {
    if (!isOk) complaints.push({ path: [...path, ...key], expected, found });
  };
  check(
    spec.kind !== "job" || /^(no|on-failure)/.test(spec.restart),
    ["restart"],
    '"no" or "on-failure" for a job, which is to end',
    shown(spec.restart),
  );
  const envBytes = Object.entries(spec.env).reduce(
    (sum, [name, value]) => sum + name.length + value.length,
    0,
  );
  check(
    envBytes <= maxEnvironmentBytes,
    ["env"],
    `at most ${maxEnvironmentBytes} characters in all`,
    `${envBytes}`,
  );
  complaints.push(...complaintsAboutSecrets(spec.secrets, [...path, "secrets"]));
  const mounted = new Set([
    ...spec.volumes.map((text) => parseVolume(text)?.target),
    ...spec.tmpfs.map((text) => text.split(":")[0]),
  ]);
  // podman takes both, and one of them is not seen.
  spec.secrets.forEach(({ target }, at) =>
    check(
      !mounted.has(target),
      ["secrets", at, "target"],
      "a path that nothing else is mounted on",
      shown(target),
    )
  );
  if (spec.healthcheck !== undefined) {
    const published = spec.ports.flatMap((text) => parsePort(text) ?? [])
      .filter(({ protocol }) => protocol === "tcp")
      .map(({ containerPort }) => containerPort);
    complaints.push(
      ...complaintsAboutHealthCheck(spec.healthcheck, published, [...path, "healthcheck"]),
    );
    check(
      spec.kind === "service",
      ["healthcheck"],
      "no health check of a job: its exit code tells",
      shown("one"),
    );
  }
  return complaints;
}

/** What the field's own row says of its values. */
function complaintsAboutField(field: FieldName, value: unknown, path: KeyPath): Complaint[] {
  const { type, of, names, rule = oneOf(of) } = rowOf(field);
  const complaintsOf = (rule: Rule<never> | undefined, each: unknown, key: KeyPath, at = 0) =>
    rule === undefined || rule.isOk(each as never, at) ? [] : [{
      path: [...path, ...key],
      expected: rule.expected,
      found: shown(rule.found ?? each),
    }];
  switch (type) {
    case "words":
    case "set":
      return (value as readonly string[]).flatMap((text, at) => complaintsOf(rule, text, [at], at));
    case "table":
      return Object.entries(value as Readonly<Record<string, string>>).flatMap(([name, text]) => [
        ...complaintsOf(names, name, [name]),
        ...complaintsOf(rule, text, [name]),
      ]);
    case "count":
      return complaintsOf(rule, Number.isInteger(value) ? value : NaN, [])
        .map((complaint) => ({ ...complaint, found: shown(value) }));
    case "duration":
      return complaintsOf(rule, value, [])
        .map((complaint) => ({ ...complaint, found: shown(`${value} ms`) }));
    default:
      return complaintsOf(rule, value, []);
  }
}

/** `"a", "b" or "c"`, and nothing else. */
function oneOf(words: readonly string[] | undefined): Rule<string> | undefined {
  if (words === undefined) return undefined;
  const quoted = words.map((word) => JSON.stringify(word));
  return {
    isOk: (text) => words.includes(text),
    expected: `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}`,
  };
}

function shown(value: unknown): string {
  return value === "" ? "nothing" : JSON.stringify(value);
}
