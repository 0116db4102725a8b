/**
 * What podman's API service answers where that is not what podman prints, decoded.
 *
 * @module
 */

import * as z from "zod";
import { McpError } from "../../../lib/errors.ts";
import type { RuntimeEvent } from "../runtime.ts";
import { decode } from "./output.ts";

const versionHeader = z.object({ "libpod-api-version": z.string() });

const secrets = z.array(z.object({ Spec: z.object({ Name: z.string() }) })).nullish();

const event = z.object({
  Action: z.string(),
  Actor: z.object({
    Attributes: z.object({
      name: z.string().default(""),
      /** Of a death; of anything else it may be a label of that name. */
      containerExitCode: z.string().default("0"),
    }),
  }),
  /** Nanoseconds since 1970; JSON has no whole numbers of that size, and milliseconds are right. */
  timeNano: z.number(),
});

const processes = z.object({ Processes: z.array(z.unknown()).nullish() });

const refusal = z.object({ message: z.string().default(""), cause: z.string().default("") });

/** The version of the service, which the head of every answer tells: its API is counted like it. */
export function versionOfHead(headers: Readonly<Record<string, unknown>>): string {
  const { data } = versionHeader.safeParse(headers);
  if (data !== undefined) return data["libpod-api-version"];
  throw new McpError(
    "unavailable",
    "Cannot read the answer of podman: it does not tell its version",
  );
}

/** Names of the secrets. */
export function parseSecretNames(answer: string): Set<string> {
  return new Set((decode(secrets, answer, "secret ls") ?? []).map(({ Spec }) => Spec.Name));
}

/**
 * One line of the service's events.
 *
 * @throws {McpError} `unavailable` when it is none.
 */
export function parseServiceEvent(line: string): RuntimeEvent {
  const { Action, Actor: { Attributes }, timeNano } = decode(event, line, "events");
  const at = new Date(timeNano / 1e6);
  const exitCode = Action === "died" ? Number(Attributes.containerExitCode) : undefined;
  if (Number.isNaN(at.getTime()) || Number.isNaN(exitCode)) {
    throw new McpError("unavailable", "Cannot read the answer of podman events: a number is off");
  }
  return { container: Attributes.name, status: Action, at, exitCode };
}

/** The exit code of the last death among events, one per line. */
export function parseLastServiceDeath(answer: string): number | undefined {
  const last = answer.split("\n").findLast((line) => line.trim() !== "");
  return last === undefined ? undefined : parseServiceEvent(last).exitCode;
}

/** Whether there are processes in what the service tells of a container; 4.3 may tell nothing at all. */
export function hasAnyProcess(answer: string): boolean {
  if (answer.trim() === "") return false;
  return (decode(processes, answer, "top").Processes ?? []).length > 0;
}

/** Why the service refuses, when it says so: what is no answer of podman's own says nothing. */
export function parseRefusal(answer: string): string {
  let value: unknown;
  try {
    value = JSON.parse(answer);
  } catch {
    return "";
  }
  const { data } = refusal.safeParse(value);
  return data === undefined ? "" : data.message || data.cause;
}
