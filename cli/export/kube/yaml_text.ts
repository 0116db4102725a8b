/**
 * Plain values as YAML that readers of version 1.1 and 1.2 take for the same: podman and Kubernetes
 * read the older one, where `no` is false and `1:30` a number.
 *
 * @module
 */

/** What can be written; what is undefined, or an empty list or map, is left out of maps. */
export type Yaml =
  | string
  | number
  | boolean
  | readonly Yaml[]
  | { readonly [key: string]: Yaml | undefined };

/** Words that some readers do not take for texts. */
const notTexts = /^(y|yes|n|no|on|off|true|false|null|nan|inf)$/i;
const needsNoQuotes = /^[A-Za-z/][A-Za-z0-9_./-]*(:[A-Za-z0-9_./-]+)*$/;

/**
 * The value as a document, without its head.
 *
 * @example
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { yamlText } from "./yaml_text.ts";
 *
 * strictEqual(
 *   yamlText({ kind: "Pod", args: ["-v", "no"], ports: [{ containerPort: 80, hostIP: undefined }] }),
 *   `kind: Pod
 * args:
 *   - "-v"
 *   - "no"
 * ports:
 *   - containerPort: 80
 * `,
 * );
 * ```
 */
export function yamlText(value: { readonly [key: string]: Yaml | undefined }): string {
  return mapLines(value).map((line) => `${line}\n`).join("");
}

function mapLines(map: { readonly [key: string]: Yaml | undefined }): string[] {
  return Object.entries(map).flatMap(([key, value]) => {
    if (value === undefined || isEmpty(value)) return [];
    if (typeof value !== "object") return [`${scalar(key)}: ${scalar(value)}`];
    const lines = isList(value) ? listLines(value) : mapLines(value);
    return [`${scalar(key)}:`, ...lines.map((line) => `  ${line}`)];
  });
}

function listLines(list: readonly Yaml[]): string[] {
  return list.flatMap((value) => {
    const lines = typeof value !== "object"
      ? [scalar(value)]
      : isList(value)
      ? listLines(value)
      : mapLines(value);
    return lines.map((line, at) => `${at === 0 ? "- " : "  "}${line}`);
  });
}

function isList(value: Yaml): value is readonly Yaml[] {
  return Array.isArray(value);
}

function isEmpty(value: Yaml): boolean {
  return typeof value === "object" &&
    (isList(value)
      ? value.length === 0
      : Object.values(value).every((each) => each === undefined || isEmpty(each)));
}

/** JSON's escapes are YAML's; YAML has more characters that may not stand there as they are. */
function scalar(value: string | number | boolean): string {
  if (typeof value !== "string") return String(value);
  if (needsNoQuotes.test(value) && !notTexts.test(value)) return value;
  return JSON.stringify(value.toWellFormed()).replace(
    /[\u007f-\u009f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
