/**
 * Certificates: the agent's own, and those that services keep.
 *
 * @module
 */

import { relative } from "node:path";
import { formatDuration } from "../../../lib/domain/duration.ts";
import { error, type Finding, warning, well } from "../../../lib/domain/finding.ts";
import type { AgentConfig } from "../../config.ts";
import type { Facts } from "./facts.ts";
import { asUser, quoted } from "./fixes.ts";
import type { PemFile } from "./pem_walk.ts";
import { notSeen, valueOf } from "./seen.ts";

const dayMs = 86_400_000;
const warningMs = 30 * dayMs;
/** More of them are a number: who has as many knows by then. */
const toldAtMost = 20;

/** What is to be said of certificates. */
export function certificateFindings(config: AgentConfig, facts: Facts): Finding[] {
  return [...ownFindings(config, facts), ...serviceFindings(config, facts)];
}

function ownFindings(config: AgentConfig, facts: Facts): Finding[] {
  const id = "certificate";
  const { certificate, now } = facts;
  const { certificateFile, keyFile, address } = config.server;
  const renewing = `mcp-agent renew --config ${quoted(config.file)}`;
  const renewBy = (command: string) =>
    `${asUser(valueOf(facts.account), command)} && systemctl reload mcp-agent`;
  const renew = renewBy(renewing);
  const renewFor = renewBy(`${renewing} --address ${quoted(address)}`);
  const refused = "Every operator's mcp refuses to speak to this node.";
  if ("failure" in certificate) {
    return [error(id, { what: certificate.failure, why: refused, fix: renewFor })];
  }
  const { validFrom, validUntil, isPair, names, namesAddress } = certificate;
  const findings: Finding[] = [];
  if (!isPair) {
    const what = `${keyFile} is not the key of ${certificateFile}`;
    findings.push(error(id, { what, why: "The agent cannot start with them.", fix: renew }));
  }
  const life = lifeOf(validFrom, validUntil, now);
  if (life.level !== "ok") {
    const why = life.level === "error"
      ? refused
      : "Past that day every operator's mcp refuses to speak to this node.";
    const what = `${life.what} (${certificateFile})`;
    findings.push({ id, level: life.level, what, why, fix: renew });
  }
  if (namesAddress === false) {
    findings.push(
      warning(id, {
        what: `is made out to ${names === "" ? "nobody" : names}, not to ${address}`,
        why:
          "Who dials the address that the agent listens on is refused; who dials another is not.",
        fix: renewFor,
      }),
    );
  }
  return findings.length > 0 ? findings : [well(id, `${life.what}, made out to ${names}`)];
}

function serviceFindings(config: AgentConfig, facts: Facts): Finding[] {
  const id = "service_certificates";
  const { pem, now } = facts;
  if ("unseen" in pem) return [notSeen(id, pem.unseen, config, facts)];
  const { files, withoutCertificate, bundles, unreadable, cut } = pem.value;
  // The agent's own is judged by itself.
  const others = files.filter(({ path }) => path !== config.server.certificateFile);
  const told = others
    .toSorted((one, other) => one.first.validUntil.getTime() - other.first.validUntil.getTime())
    .map((file) => serviceFinding(config, file, now))
    .filter(({ level }) => level !== "ok");
  const parts = [
    `${others.length} with certificates`,
    ...(bundles.length === 0 ? [] : [`${bundles.length} with collections of authorities`]),
    ...(withoutCertificate.length === 0
      ? []
      : [`${withoutCertificate.length} without any, such as keys`]),
  ];
  const summary = `below ${config.serviceRoot}, files: ${parts.join(", ")}`;
  const left: Finding[] = [];
  if (told.length > toldAtMost) {
    const rest = told.splice(toldAtMost);
    const first = rest[0];
    if (first !== undefined) {
      const fix = "";
      left.push({ ...first, what: `and ${rest.length} more are expired or about to be`, fix });
    }
  }
  if (unreadable.length > 0) {
    const [one = ""] = unreadable;
    const more = unreadable.length === 1 ? "" : ` and ${unreadable.length - 1} more`;
    left.push(notSeen(id, `${one}${more} cannot be read`, config, facts));
  }
  if (cut !== undefined) left.push(notSeen(id, `all of it: ${cut}`, config, facts));
  return [...told, ...left, ...(told.length > 0 ? [] : [well(id, summary)])];
}

function serviceFinding({ serviceRoot }: AgentConfig, file: PemFile, now: Date): Finding {
  const id = "service_certificates";
  const { path, first } = file;
  const life = lifeOf(first.validFrom, first.validUntil, now);
  const what = `"${first.name}" ${life.what} (${path})`;
  if (life.level === "ok") return well(id, what);
  const [service = "", ...rest] = relative(serviceRoot, path).split("/");
  return {
    id,
    level: life.level,
    what,
    why: "Whoever verifies it refuses to speak to its service.",
    // On the workstation: there is the new one.
    fix: rest.length === 0
      ? ""
      : `mcp push NEW.pem ${quoted(service)} ${quoted(rest.join("/"))} && mcp restart ${
        quoted(service)
      }`,
  };
}

/** Where a certificate is in its life. */
function lifeOf(
  from: Date,
  until: Date,
  now: Date,
): { readonly level: "ok" | "warning" | "error"; readonly what: string } {
  const leftMs = until.getTime() - now.getTime();
  if (leftMs <= 0) return { level: "error", what: `expired ${roughly(-leftMs)} ago` };
  const earlyMs = from.getTime() - now.getTime();
  if (earlyMs > 0) return { level: "error", what: `is not valid for another ${roughly(earlyMs)}` };
  return { level: leftMs < warningMs ? "warning" : "ok", what: `expires in ${roughly(leftMs)}` };
}

/** A duration in its largest unit, days in full. */
function roughly(durationMs: number): string {
  const days = Math.floor(durationMs / dayMs);
  if (days >= 2) return `${days} days`;
  return formatDuration(durationMs);
}
