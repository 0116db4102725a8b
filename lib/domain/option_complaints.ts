/**
 * Rules for what a component may say of its container beside image, ports and volumes.
 *
 * Names become part of podman's argv and must not read as anything else there; values stand behind
 * `--flag=name=` and are free but for NUL.
 *
 * @module
 */

import type { Complaint, KeyPath } from "./complaint.ts";
import type { ComponentSpec } from "./component_spec.ts";
import { parseMemory } from "./memory_size.ts";
import { isName, nameRule } from "./names.ts";

const variablePattern = /^[a-zA-Z_][a-zA-Z0-9_.-]{0,254}$/;
const labelPattern = /^[a-zA-Z0-9][a-zA-Z0-9._/@:[\]-]{0,254}$/;
const hostnamePattern = /^[a-zA-Z0-9]([a-zA-Z0-9.-]{0,62}[a-zA-Z0-9])?$/;
// deno-lint-ignore no-control-regex -- control characters are what is looked for
const pathPattern = /^\/[^\u0000-\u001f\u007f:,]{0,1023}$/;
const ulimitName =
  /^(core|cpu|data|fsize|locks|memlock|msgqueue|nice|nofile|nproc|rss|rtprio|rttime|sigpending|stack)$/;
const ulimitValue = /^(-1|\d{1,18})(:(-1|\d{1,18}))?$/;
const capabilityPattern = /^[A-Z][A-Z_]{1,30}$/;
const tmpfsOption =
  /^(size=\d{1,12}[kmg]?|mode=[0-7]{3,4}|ro|rw|exec|noexec|suid|nosuid|dev|nodev)$/;
const devicePattern =
  /^\/dev\/[a-zA-Z0-9._/-]{1,200}(:\/dev\/[a-zA-Z0-9._/-]{1,200})?(:[rwm]{1,3})?$/;
const signalPattern = /^(SIG)?[A-Z][A-Z0-9+]{1,11}$/;

const maxEnvironmentBytes = 128 * 1024;
const longestStopMs = 3_600_000;
/** Labels by which MCP knows its own containers. */
const ownLabels = "mcp.";

/** Everything about a container's options that can never work. */
export function complaintsAboutOptions(spec: ComponentSpec, path: KeyPath): Complaint[] {
  const complaints: Complaint[] = [];
  const check = (ok: boolean, key: KeyPath, expected: string, found: unknown) => {
    if (!ok) {
      complaints.push({
        path: [...path, ...key],
        expected,
        found: found === "" ? "nothing" : JSON.stringify(found),
      });
    }
  };
  for (const [name, value] of Object.entries(spec.env)) {
    check(variablePattern.test(name), ["env", name], "a variable's name", name);
    // The value is not shown: it may be a secret that should not be here.
    check(!value.includes("\0"), ["env", name], "a text without NUL", "a text with NUL");
  }
  const envBytes = Object.entries(spec.env).reduce(
    (sum, [name, value]) => sum + name.length + value.length,
    0,
  );
  check(
    envBytes <= maxEnvironmentBytes,
    ["env"],
    `at most ${maxEnvironmentBytes} characters in all`,
    envBytes,
  );
  for (const [name, value] of Object.entries(spec.labels)) {
    check(
      labelPattern.test(name) && !name.startsWith(ownLabels),
      ["labels", name],
      `a label's name that does not begin with "${ownLabels}"`,
      name,
    );
    check(!value.includes("\0"), ["labels", name], "a text without NUL", "a text with NUL");
  }
  spec.entrypoint.forEach((word, at) =>
    check(
      !word.includes("\0") && (at > 0 || word !== ""),
      ["entrypoint", at],
      "a word without NUL",
      word,
    )
  );
  check(
    spec.workdir === "" || pathPattern.test(spec.workdir),
    ["workdir"],
    "an absolute path",
    spec.workdir,
  );
  check(
    spec.hostname === "" || hostnamePattern.test(spec.hostname),
    ["hostname"],
    "a host name",
    spec.hostname,
  );
  check(
    spec.memory === "" || (parseMemory(spec.memory) ?? 0) >= 4 * 1024 ** 2,
    ["memory"],
    'an amount of memory from "4m" on, like "512m" or "2g"',
    spec.memory,
  );
  check(
    spec.cpus === 0 || (spec.cpus >= 0.01 && spec.cpus <= 1024),
    ["cpus"],
    "a number of cores from 0.01 on",
    spec.cpus,
  );
  check(
    Number.isInteger(spec.pids) && spec.pids >= 0 && spec.pids <= 4_194_304,
    ["pids"],
    "a number of processes",
    spec.pids,
  );
  for (const [name, value] of Object.entries(spec.ulimits)) {
    check(ulimitName.test(name), ["ulimits", name], "the name of a limit, like nofile", name);
    check(ulimitValue.test(value), ["ulimits", name], '"soft" or "soft:hard"', value);
  }
  for (const [key, names] of [["cap_add", spec.capAdd], ["cap_drop", spec.capDrop]] as const) {
    names.forEach((name, at) =>
      check(
        capabilityPattern.test(name) && !name.startsWith("CAP_"),
        [key, at],
        'a capability like "NET_BIND_SERVICE"',
        name,
      )
    );
  }
  spec.tmpfs.forEach((text, at) => {
    const [target = "", options, ...rest] = text.split(":");
    check(
      pathPattern.test(target) && rest.length === 0 &&
        (options ?? "rw").split(",").every((option) => tmpfsOption.test(option)),
      ["tmpfs", at],
      '"path" or "path:options", like "/tmp:size=64m"',
      text,
    );
  });
  spec.devices.forEach((text, at) =>
    check(
      devicePattern.test(text) && !text.includes("/../") && !text.includes("/./"),
      ["devices", at],
      'a device like "/dev/dri/renderD128" or "/dev/ttyUSB0:/dev/ttyS0:rw"',
      text,
    )
  );
  spec.dependsOn.forEach((name, at) =>
    check(isName(name), ["depends_on", at], `a component's name (${nameRule})`, name)
  );
  check(
    ["always", "missing", "never"].includes(spec.pull),
    ["pull"],
    '"always", "missing" or "never"',
    spec.pull,
  );
  spec.hostNamespaces.forEach((name, at) =>
    check(
      ["pid", "ipc", "uts"].includes(name),
      ["host_namespaces", at],
      '"pid", "ipc" or "uts"',
      name,
    )
  );
  check(
    spec.stopSignal === "" || signalPattern.test(spec.stopSignal),
    ["stop_signal"],
    'a signal like "SIGQUIT"',
    spec.stopSignal,
  );
  check(
    spec.stopTimeoutMs === undefined ||
      (spec.stopTimeoutMs >= 0 && spec.stopTimeoutMs <= longestStopMs),
    ["stop_timeout"],
    "at most an hour",
    `${spec.stopTimeoutMs} ms`,
  );
  return complaints;
}
