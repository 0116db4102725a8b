/**
 * Gathers what there is to know about a node, and judges none of it.
 *
 * Looking changes nothing, but for one empty folder that is made in the service root and removed
 * again: only that shows whether the agent could. Nothing here fails, and nothing waits for ever.
 *
 * @module
 */

import { mkdtemp, rmdir, stat, statfs } from "node:fs/promises";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { join } from "node:path";
import { errorChain, McpError } from "../../../lib/errors.ts";
import type { Clock } from "../../../lib/system/clock.ts";
import type { Files } from "../../../lib/system/files.ts";
import type { AgentConfig } from "../../config.ts";
import type { GrantComparison } from "../../grants.ts";
import { listSnapshots } from "../../registry/snapshots.ts";
import type { ContainerRuntime, RuntimeInfo } from "../../runtime/runtime.ts";
import { type Account, type LentIds, parseLentIds } from "../accounts.ts";
import { askProvider } from "./identity_provider.ts";
import { type PemWalk, walkForPem } from "./pem_walk.ts";
import { look, reasonOf, type Seen, valueOf } from "./seen.ts";

/** From where a node is looked at: by its agent within its sandbox, or by somebody on the node. */
type Vantage = "agent" | "node";

/** A place to put things. */
export interface Space {
  readonly totalBytes: number;
  readonly freeBytes: number;
}

/** What somebody said and how long that took, or why nothing was said. */
type TimedAnswer<Said> = (Said & { readonly tookMs: number }) | { readonly failure: string };

/** The certificate that the agent shows. */
type OwnCertificate =
  | {
    readonly validFrom: Date;
    readonly validUntil: Date;
    /** Whether the key belongs to it. */
    readonly isPair: boolean;
    /** Whom it is made out to, e.g. "DNS:rift, IP Address:192.0.2.7". */
    readonly names: string;
    /** Whether the address that the agent listens on is one of them; undefined when that is all of them. */
    readonly namesAddress: boolean | undefined;
  }
  | { readonly failure: string };

/** A unit of systemd. */
export interface UnitState {
  readonly name: string;
  /** "enabled", "disabled", …; undefined when there is no such unit. */
  readonly enabled: string | undefined;
  /** "active", "inactive", "failed", … */
  readonly active: string;
}

/** What was seen of a node, all of it at about the same time. */
export interface Facts {
  readonly now: Date;
  readonly vantage: Vantage;
  /** Whose containers they are. */
  readonly account: Seen<Account>;
  /** Whether that user's services run without anybody being logged in. */
  readonly lingers: Seen<boolean>;
  /** Texts of /etc/subuid and /etc/subgid; empty where there is no such file. */
  readonly subuid: Seen<string>;
  readonly subgid: Seen<string>;
  readonly runtime: TimedAnswer<{ readonly info: RuntimeInfo }>;
  readonly serviceRoot: Seen<{ readonly uid: number; readonly mode: number } | undefined>;
  /** Why nothing can be put into the service root; undefined when it can. */
  readonly serviceRootRefuses: Seen<string | undefined>;
  readonly certificate: OwnCertificate;
  readonly pem: Seen<PemWalk>;
  readonly clockIsSynchronized: Seen<boolean>;
  readonly serviceSpace: Seen<Space>;
  /** Of images and containers; unseen where podman does not answer. */
  readonly containerSpace: Seen<Space>;
  readonly memory: Seen<Space>;
  readonly provider: TimedAnswer<unknown>;
  readonly grants: Seen<GrantComparison>;
  readonly registry: Seen<
    {
      /** Why it is not sound; undefined when it is. */
      readonly damage: string | undefined;
      readonly uid: number;
      readonly since: Date;
    } | undefined
  >;
  /** Latest first. */
  readonly snapshots: readonly string[];
  readonly units: Seen<readonly UnitState[]>;
}

/** What looking needs; what only one vantage has is told by the functions. */
export interface DoctorDeps {
  readonly vantage: Vantage;
  readonly clock: Pick<Clock, "now">;
  readonly files: Pick<Files, "readText" | "mode">;
  readonly runtime: Pick<ContainerRuntime, "info">;
  /** Looks through the registry; throws when it is damaged. */
  requireSoundRegistry(): void | Promise<void>;
  /** @param info What the runtime said, if it did. */
  account(info: RuntimeInfo | undefined, lent: readonly LentIds[]): Promise<Account>;
  compareGrants(config: AgentConfig): Promise<GrantComparison>;
  /** Why nothing can be put into a folder; undefined when it can. */
  whyNotWritable(folder: string): Promise<string | undefined>;
  clockIsSynchronized(signal?: AbortSignal): Promise<boolean>;
  units(signal?: AbortSignal): Promise<readonly UnitState[]>;
}

const lingerFolder = "/var/lib/systemd/linger";

/** Looks at everything at once. */
export async function gatherFacts(
  config: AgentConfig,
  deps: DoctorDeps,
  signal?: AbortSignal,
): Promise<Facts> {
  const { files, clock } = deps;
  const now = clock.now();
  const [runtime, subuid, subgid] = await Promise.all([
    askTimed(async () => ({ info: await deps.runtime.info(signal) })),
    look(async () => await files.readText("/etc/subuid") ?? ""),
    look(async () => await files.readText("/etc/subgid") ?? ""),
  ]);
  const info = "info" in runtime ? runtime.info : undefined;
  const account = await look(() => deps.account(info, parseLentIds(valueOf(subuid) ?? "")));
  const { serviceRoot, databaseFile } = config;
  const seen = await together({
    lingers: "unseen" in account
      ? account
      : look(async () => await files.mode(join(lingerFolder, account.value.name)) !== undefined),
    serviceRoot: look(() => ownerOf(serviceRoot)),
    serviceRootRefuses: look(() => deps.whyNotWritable(serviceRoot)),
    certificate: ownCertificate(files, config),
    pem: look(() => walkForPem(serviceRoot)),
    clockIsSynchronized: look(() => deps.clockIsSynchronized(signal)),
    serviceSpace: look(() => spaceOf(serviceRoot)),
    memory: look(memoryOf),
    provider: askTimed(async () => {
      await askProvider(files, config.auth, signal);
      return {};
    }),
    grants: look(() => deps.compareGrants(config)),
    registry: look(() => registryFacts(databaseFile, () => deps.requireSoundRegistry())),
    units: look(() => deps.units(signal)),
  });
  const containerSpace = await look(() => containerSpaceOf(info, valueOf(seen.serviceSpace)));
  const snapshots = listSnapshots(databaseFile);
  const { vantage } = deps;
  return { ...seen, now, vantage, account, subuid, subgid, runtime, containerSpace, snapshots };
}

/** Waits for all of them at the same time. */
async function together<Values extends object>(
  awaited: { readonly [Key in keyof Values]: Values[Key] | Promise<Values[Key]> },
): Promise<Values> {
  const entries = Object.entries(awaited).map(async ([key, value]) => [key, await value] as const);
  return Object.fromEntries(await Promise.all(entries)) as Values;
}

/** Tries by doing it: modes say nothing of a file system that is mounted read-only. */
export async function tryToWrite(folder: string): Promise<string | undefined> {
  try {
    await rmdir(await mkdtemp(join(folder, ".mcp-doctor-")));
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

async function askTimed<Said extends object>(
  ask: () => Promise<Said>,
): Promise<TimedAnswer<Said>> {
  const beganMs = performance.now();
  try {
    return { ...await ask(), tookMs: performance.now() - beganMs };
  } catch (error) {
    return { failure: errorChain(error) };
  }
}

async function ownerOf(folder: string) {
  const found = await statOrNothing(folder);
  return found === undefined ? undefined : { uid: found.uid, mode: found.mode & 0o7777 };
}

async function statOrNothing(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

async function spaceOf(folder: string): Promise<Space> {
  const { blocks, bavail, bsize } = await statfs(folder);
  return { totalBytes: blocks * bsize, freeBytes: bavail * bsize };
}

/**
 * Room for images and containers. Podman counts what is kept back for root as free: where that folder
 * cannot be looked at, it is believed only as far as another folder of the same size does not know better.
 */
async function containerSpaceOf(
  info: RuntimeInfo | undefined,
  serviceSpace: Space | undefined,
): Promise<Space> {
  if (info === undefined) throw new McpError("unavailable", "podman does not answer");
  const { folder, totalBytes, freeBytes } = info.storage;
  const seen = valueOf(await look(() => spaceOf(folder)));
  if (seen !== undefined) return seen;
  if (totalBytes === undefined || freeBytes === undefined) {
    throw new McpError("unavailable", "podman does not say");
  }
  if (serviceSpace?.totalBytes !== totalBytes) return { totalBytes, freeBytes };
  return { totalBytes, freeBytes: Math.min(freeBytes, serviceSpace.freeBytes) };
}

function memoryOf(): Space {
  const { total, available } = Deno.systemMemoryInfo();
  return { totalBytes: total, freeBytes: available };
}

async function ownCertificate(
  files: Pick<Files, "readText">,
  { server: { address, certificateFile, keyFile } }: AgentConfig,
): Promise<OwnCertificate> {
  try {
    const [pem, key] = await Promise.all([certificateFile, keyFile].map(async (path) => {
      const text = await files.readText(path);
      if (text === undefined) throw new McpError("not_found", `There is no file ${path}`);
      return text;
    }));
    const certificate = new X509Certificate(pem ?? "");
    return {
      validFrom: new Date(certificate.validFrom),
      validUntil: new Date(certificate.validTo),
      isPair: isPair(certificate, key ?? ""),
      names: certificate.subjectAltName ?? "",
      namesAddress: namesAddress(certificate, address),
    };
  } catch (error) {
    if (error instanceof McpError) return { failure: reasonOf(error) };
    // What a library says about a file may quote it.
    return { failure: `${certificateFile} is no certificate in PEM` };
  }
}

function isPair(certificate: X509Certificate, key: string): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(key));
  } catch {
    // Its own words may quote the key.
    return false;
  }
}

function namesAddress(certificate: X509Certificate, address: string): boolean | undefined {
  const host = address.slice(0, address.lastIndexOf(":")).replace(/^\[|\]$/g, "");
  if (host === "0.0.0.0" || host === "::") return undefined;
  const named = isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host);
  return named !== undefined;
}

async function registryFacts(path: string, requireSound: () => void | Promise<void>) {
  const info = await statOrNothing(path);
  if (info === undefined) return undefined;
  let damage: string | undefined;
  try {
    await requireSound();
  } catch (error) {
    damage = errorChain(error);
  }
  return { damage, uid: info.uid, since: info.birthtime };
}
