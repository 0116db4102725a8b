/**
 * How the agent finds out whether a component does its work, and which ways make no sense.
 *
 * The agent asks by itself, from the node: fast while a component is being rolled out, slowly
 * afterwards. A port is the container's own, and must be published: from the node, nothing else of a
 * rootless container can be reached.
 *
 * @module
 */

import type { Complaint, KeyPath } from "./complaint.ts";

/** What is asked. */
export type Probe =
  /** GET; an answer from 200 to 399 is good. With "https" whatever certificate is shown will do. */
  | { readonly kind: "http" | "https"; readonly port: number; readonly path: string }
  /** Connects, and is not hung up on: the forwarder accepts, and then finds that nobody listens. */
  | { readonly kind: "tcp"; readonly port: number }
  /** Runs in the container; exit code 0 is good. */
  | { readonly kind: "exec"; readonly command: readonly string[] };

/** A probe, and how often it is asked. */
export interface HealthCheck {
  readonly probe: Probe;
  /** Between two probes, once the component has been healthy. */
  readonly intervalMs: number;
  /** How long an answer may take. */
  readonly timeoutMs: number;
  /** So many failures in a row make a component unhealthy that was healthy. */
  readonly retries: number;
  /** How long a component may take from its start to its first good answer. */
  readonly startPeriodMs: number;
}

/** What is meant by what a health check leaves out. */
export const healthCheckDefaults: Omit<HealthCheck, "probe"> = {
  intervalMs: 30_000,
  timeoutMs: 5_000,
  retries: 3,
  startPeriodMs: 30_000,
};

// deno-lint-ignore no-control-regex -- control characters are what is looked for
const pathPattern = /^\/[^\s\u0000-\u001f\u007f#]{0,1023}$/;
const longestMs = 24 * 3_600_000;

/**
 * Everything about a health check that can never work.
 *
 * @param publishedPorts The container's ports that the node can reach by TCP.
 */
export function complaintsAboutHealthCheck(
  check: HealthCheck,
  publishedPorts: readonly number[],
  path: KeyPath,
): Complaint[] {
  const complaints: Complaint[] = [];
  const require = (ok: boolean, key: string, expected: string, found: string) => {
    if (!ok) complaints.push({ path: [...path, key], expected, found });
  };
  const { probe } = check;
  const kinds = ["http", "https", "tcp", "exec"];
  if (!kinds.includes(probe.kind)) {
    return [{ path, expected: `one of ${kinds.join(", ")}`, found: JSON.stringify(probe.kind) }];
  }
  if (probe.kind === "exec") {
    require(
      probe.command.length > 0 && probe.command[0] !== "" &&
        probe.command.every((word) => !word.includes("\0")),
      "exec",
      "a command and its arguments",
      probe.command.length === 0 ? "nothing" : JSON.stringify(probe.command),
    );
  } else {
    require(
      publishedPorts.includes(probe.port),
      "port",
      publishedPorts.length === 0
        ? "a port of the container that `ports` publishes, and it publishes none"
        : `a port of the container that \`ports\` publishes (${publishedPorts.join(", ")})`,
      String(probe.port),
    );
    if (probe.kind !== "tcp") {
      require(
        pathPattern.test(probe.path),
        probe.kind,
        'a path like "/healthz"',
        JSON.stringify(probe.path),
      );
    }
  }
  const time = (ms: number, key: string, least: number) =>
    require(
      ms >= least && ms <= longestMs,
      key,
      least === 0 ? "at most a day" : "between 100 ms and a day",
      `${ms} ms`,
    );
  time(check.intervalMs, "interval", 100);
  time(check.timeoutMs, "timeout", 100);
  time(check.startPeriodMs, "start_period", 0);
  require(
    Number.isInteger(check.retries) && check.retries >= 1 && check.retries <= 100,
    "retries",
    "a whole number from 1 to 100",
    String(check.retries),
  );
  return complaints;
}
