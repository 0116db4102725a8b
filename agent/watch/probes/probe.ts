/**
 * Asks a component once whether it does its work.
 *
 * The agent asks by itself: podman's own health checks need a timer of systemd for each container,
 * and tell nobody.
 *
 * @module
 */

import type { ComponentSpec } from "../../../lib/domain/component_spec.ts";
import type { HealthCheck } from "../../../lib/domain/health_check.ts";
import { parsePort } from "../../../lib/domain/mappings.ts";
import { errorChain, McpError } from "../../../lib/errors.ts";
import type { ContainerRuntime } from "../../runtime/runtime.ts";
import type { Answer, Target } from "./answer.ts";
import { askHttp } from "./http.ts";
import { askTcp } from "./tcp.ts";

/** Asks; never throws but for a defect or when it is called off. */
export type ProbeOnce = (
  container: string,
  spec: Pick<ComponentSpec, "ports">,
  check: HealthCheck,
  signal?: AbortSignal,
) => Promise<Answer>;

/** {@link ProbeOnce} over the network, and by commands in containers. */
export function probeWith(runtime: Pick<ContainerRuntime, "exec">): ProbeOnce {
  return async (container, spec, { probe, timeoutMs }, signal) => {
    if (probe.kind === "exec") {
      return await askByCommand(runtime, container, probe.command, timeoutMs, signal);
    }
    const target = targetOf(spec, probe.port);
    if (target === undefined) {
      return { isGood: false, isAnswered: true, text: `port ${probe.port} is not published` };
    }
    return probe.kind === "tcp"
      ? await askTcp({ ...target, timeoutMs, signal })
      : await askHttp({ ...target, scheme: probe.kind, path: probe.path, timeoutMs, signal });
  };
}

/**
 * Where a container's port is published; undefined when it is not.
 *
 * @example
 * ```ts
 * import { deepStrictEqual } from "node:assert/strict";
 * import { targetOf } from "./probe.ts";
 *
 * deepStrictEqual(targetOf({ ports: ["18443:8443"] }, 8443), { host: "127.0.0.1", port: 18443 });
 * deepStrictEqual(targetOf({ ports: ["[::]:18443:8443"] }, 8443), { host: "::1", port: 18443 });
 * ```
 */
export function targetOf(spec: Pick<ComponentSpec, "ports">, port: number): Target | undefined {
  const mapping = spec.ports.flatMap((text) => parsePort(text) ?? [])
    .find(({ containerPort, protocol }) => containerPort === port && protocol === "tcp");
  if (mapping === undefined) return undefined;
  const ip = mapping.ip.replace(/^\[|\]$/g, "");
  const host = ip === "" || ip === "0.0.0.0" ? "127.0.0.1" : ip === "::" ? "::1" : ip;
  return { host, port: mapping.hostPort };
}

async function askByCommand(
  runtime: Pick<ContainerRuntime, "exec">,
  container: string,
  command: readonly string[],
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<Answer> {
  try {
    const { code, output } = await runtime.exec(container, command, timeoutMs, signal);
    const said = output.split("\n").findLast((line) => line.trim() !== "")?.trim() ?? "";
    const text = `exit code ${code}${code === 0 || said === "" ? "" : `: ${said.slice(0, 200)}`}`;
    return { isGood: code === 0, isAnswered: true, text };
  } catch (error) {
    if (signal?.aborted || !(error instanceof McpError)) throw error;
    const text = error.isTimeout ? `no answer within ${timeoutMs / 1000} s` : errorChain(error);
    return { isGood: false, isAnswered: false, text };
  }
}
