/**
 * What a machine is like before anything is done to it. Only looks.
 *
 * What may not be looked at, because this is not root, is named and left unknown.
 *
 * @module
 */

import { dirname } from "node:path";
import { McpError } from "../../../lib/errors.ts";
import { type AgentConfig, decodeConfig } from "../../config.ts";
import { type Account, parseAccounts } from "../accounts.ts";
import { storedSchema } from "../../registry/stored_schema.ts";
import { enabledUnits, type Layout, nodeUser, packages, programs } from "./layout.ts";
import type { Machine } from "./machine.ts";
import { parseUnitStates, showArgs, type UnitState } from "./unit_states.ts";

/** A machine, looked at. */
export interface Facts {
  readonly layout: Layout;
  readonly isRoot: boolean;
  /** Whether systemd is process 1. */
  readonly systemdRuns: boolean;
  readonly systemdVersion: number | undefined;
  readonly distribution: { readonly name: string; readonly isDebian: boolean };
  /** Debian packages; on other distributions the programs that are missed. */
  readonly missing: readonly string[];
  /** The account "mcp". */
  readonly user: Pick<Account, "uid" | "home"> | undefined;
  readonly subuid: string;
  readonly subgid: string;
  readonly lingers: boolean;
  readonly serviceRoot: Folder | undefined;
  readonly folder: Folder | undefined;
  readonly home: Folder | undefined;
  /** Names in the folder where a new node was being made; undefined when there is none. */
  readonly staged: readonly string[] | undefined;
  /** Texts of the installed files, by path; those that are absent are not in it. */
  readonly texts: ReadonlyMap<string, string>;
  readonly executable: "absent" | "same" | "other";
  readonly hasPrevious: boolean;
  /** Whether this program's unpacked folder is installed. */
  readonly runtimeIsInstalled: boolean;
  /** Unpacked folders that no installed program uses. */
  readonly unusedRuntimes: readonly string[];
  /** Unpacked folders that would be of no use without the agent. */
  readonly runtimes: readonly string[];
  readonly config: AgentConfig | undefined;
  /** What is wrong with the config, if there is one that cannot be used. */
  readonly configError: McpError | undefined;
  /** The registry's schema; undefined when there is no registry. */
  readonly schema: number | undefined;
  readonly units: ReadonlyMap<string, UnitState>;
  /** When what the agent runs by was last changed: program, unit, permissions, config. */
  readonly changedAt: Date | undefined;
  /** What may not be looked at. */
  readonly unreadable: readonly string[];
}

/** A folder with its owner. */
export interface Folder {
  readonly uid: number;
  readonly names: readonly string[];
}

const lookMs = 20_000;
/** More than the first lines of a built program, where its runtime is named. */
const headBytes = 64 * 1024;
/** A log is emptied long before it is as large as that. */
const longestLogBytes = 256 * 1024 * 1024;

/** Looks at a machine. */
export async function gatherFacts(machine: Machine): Promise<Facts> {
  const { layout, files, root, program } = machine;
  const unreadable: string[] = [];
  /** Undefined for what is absent, and for what only root may see. */
  const seen = async <T>(path: string, look: (path: string) => Promise<T>) => {
    try {
      return await look(path);
    } catch (error) {
      const reasons = [error, error instanceof Error ? error.cause : undefined];
      if (reasons.some((reason) => reason instanceof Deno.errors.NotFound)) return undefined;
      if (reasons.some((reason) => reason instanceof Deno.errors.PermissionDenied)) {
        unreadable.push(path);
        return undefined;
      }
      throw error;
    }
  };
  const textOf = (path: string) => seen(path, (each) => files.readText(each));
  const folderOf = (path: string) =>
    seen(path, async (each): Promise<Folder> => {
      const { uid } = await Deno.lstat(each);
      return { uid: uid ?? 0, names: await files.list(each) };
    });

  const systemdRuns =
    await seen(`${root}/run/systemd/system`, (path) => Deno.lstat(path)) !== undefined;
  const release = await textOf(`${root}/etc/os-release`) ?? "";
  const isDebian = /^ID(_LIKE)?=.*\bdebian\b/m.test(release);
  const name = /^PRETTY_NAME="?([^"\n]*)/m.exec(release)?.[1] ?? "this distribution";
  const configText = await textOf(layout.config);
  const decoded = configText === undefined ? undefined : tryDecode(configText, layout.config);
  const config = decoded instanceof McpError ? undefined : decoded;
  const installed = [
    layout.sysusers,
    layout.tmpfiles,
    layout.permissions,
    layout.containersConf,
    layout.storageConf,
    ...[...machine.nodeFiles.units.keys()].map((unit) => `${layout.units}/${unit}`),
  ];
  const texts = new Map<string, string>();
  for (const path of installed) {
    const text = await textOf(path);
    if (text !== undefined) texts.set(path, text);
  }
  const runtimeName = program?.runtime.split("/").at(-1) ?? "";
  const runtimes = (await seen(layout.runtimes, (path) => files.list(path))) ?? [];
  const databaseFile = config?.databaseFile;
  const staged = await seen(layout.staging, (path) => Array.fromAsync(Deno.readDir(path)));

  return {
    layout,
    isRoot: machine.isRoot,
    systemdRuns,
    systemdVersion: systemdRuns ? await systemdVersion(machine) : undefined,
    distribution: { name, isDebian },
    missing: isDebian ? await missingPackages(machine) : await missingPrograms(machine),
    user: await seen(`${root}/etc/passwd`, () => nodeAccount(machine)),
    subuid: await textOf(`${root}/etc/subuid`) ?? "",
    subgid: await textOf(`${root}/etc/subgid`) ?? "",
    lingers: await seen(layout.linger, (path) => Deno.lstat(path)) !== undefined,
    serviceRoot: await folderOf(layout.serviceRoot),
    folder: await folderOf(layout.folder),
    home: await folderOf(layout.home),
    staged: staged?.map((entry) => entry.name),
    texts,
    executable: await seen(layout.executable, (path) => compared(path, program?.executable)) ??
      "absent",
    hasPrevious: await seen(layout.previous, (path) => Deno.lstat(path)) !== undefined,
    runtimeIsInstalled: runtimes.includes(runtimeName),
    unusedRuntimes: await unusedRuntimes(layout, runtimes, [runtimeName]),
    runtimes: await runtimesBesides(runtimes, [`${dirname(layout.executable)}/mcp`], []),
    config,
    configError: decoded instanceof McpError ? decoded : undefined,
    schema: databaseFile === undefined
      ? undefined
      : await seen(databaseFile, () => readSchema(databaseFile)),
    units: systemdRuns ? await unitStates(machine) : new Map(),
    changedAt: latest(
      await Promise.all([
        layout.executable,
        layout.permissions,
        layout.config,
        `${layout.units}/mcp-agent.service`,
      ].map(async (path) => (await seen(path, (each) => Deno.stat(each)))?.mtime)),
    ),
    unreadable,
  };
}

/** The schema of a registry that a server may be writing to at this moment. */
export async function readSchema(databaseFile: string): Promise<number | undefined> {
  const head = await readHead(databaseFile, 100);
  if (head === undefined) return undefined;
  return storedSchema(head, await readHead(`${databaseFile}-wal`, longestLogBytes));
}

/** What systemd says of the units. */
export async function unitStates({ exec }: Machine): Promise<Map<string, UnitState>> {
  const argv = [programs.systemctl, ...showArgs(enabledUnits)];
  return parseUnitStates((await exec(argv, { timeoutMs: lookMs })).stdout);
}

/** The account "mcp". */
export async function nodeAccount({ files, root }: Machine): Promise<Account | undefined> {
  const accounts = parseAccounts(await files.readText(`${root}/etc/passwd`) ?? "");
  return accounts.find(({ name }) => name === nodeUser);
}

function tryDecode(text: string, file: string): AgentConfig | McpError {
  try {
    return decodeConfig(text, file);
  } catch (error) {
    if (error instanceof McpError) return error;
    throw error;
  }
}

async function systemdVersion({ exec }: Machine): Promise<number | undefined> {
  const { stdout } = await exec([programs.systemctl, "--version"], { timeoutMs: lookMs });
  const [, version] = /^systemd (\d+)/.exec(stdout) ?? [];
  return version === undefined ? undefined : Number(version);
}

async function missingPackages({ exec }: Machine): Promise<string[]> {
  const names = Object.keys(packages);
  const { stdout, stderr } = await exec(
    [programs.dpkgQuery, "--show", "--showformat", "${Package} ${db:Status-Status}\n", ...names],
    { timeoutMs: lookMs },
  );
  // It fails when it has never heard of one of them, and lists the others all the same.
  if (stdout === "" && stderr === "") throw new Error(`${programs.dpkgQuery} told nothing`);
  const lines = stdout.split("\n");
  return names.filter((name) => !lines.includes(`${name} installed`));
}

async function missingPrograms({ root }: Machine): Promise<string[]> {
  const needed = Object.values(packages);
  const found = await Promise.all(needed.map(async (path) => {
    // Some distributions have all of them in /usr/bin, or helpers elsewhere.
    const name = path.split("/").at(-1) ?? "";
    const places = [path, `/usr/bin/${name}`, `/usr/sbin/${name}`, `/usr/libexec/podman/${name}`];
    const infos = await Promise.all(
      places.map((place) => Deno.stat(`${root}${place}`).catch(() => undefined)),
    );
    return infos.some((info) => info?.isFile);
  }));
  return needed.filter((_, at) => !found[at]);
}

async function compared(installed: string, ours: string | undefined): Promise<"same" | "other"> {
  if (ours === undefined) return "other";
  const [one, other] = await Promise.all([Deno.stat(installed), Deno.stat(ours)]);
  if (one.dev === other.dev && one.ino === other.ino) return "same";
  if (one.size !== other.size) return "other";
  const [here, there] = await Promise.all([Deno.readFile(installed), Deno.readFile(ours)]);
  return here.every((byte, at) => byte === there[at]) ? "same" : "other";
}

/** The unpacked folders that neither an installed program names nor the caller. */
export async function unusedRuntimes(
  layout: Layout,
  names: readonly string[],
  inUse: readonly string[],
): Promise<string[]> {
  const ours = [layout.executable, layout.previous];
  return await runtimesBesides(names, [...ours, `${dirname(layout.executable)}/mcp`], inUse);
}

/** A built program names the folder it is unpacked into in its first lines. */
async function runtimesBesides(
  names: readonly string[],
  programs: readonly string[],
  inUse: readonly string[],
): Promise<string[]> {
  const heads = await Promise.all(programs.map((path) => readHead(path, headBytes)));
  const texts = heads.map((head) => new TextDecoder().decode(head));
  return names.filter((name) =>
    /^[0-9a-f]{8,}(\.new)?$/.test(name) && !inUse.includes(name) &&
    !texts.some((text) => text.includes(name))
  );
}

/** The first bytes of a file; undefined when there is none. */
async function readHead(path: string, bytes: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  using _closed = file;
  const buffer = new Uint8Array(Math.min(bytes, (await file.stat()).size));
  let read = 0;
  while (read < buffer.byteLength) {
    const count = await file.read(buffer.subarray(read));
    if (count === null) break;
    read += count;
  }
  return buffer.subarray(0, read);
}

function latest(times: readonly (Date | null | undefined)[]): Date | undefined {
  const known = times.filter((time) => time instanceof Date);
  return known.sort((one, other) => other.getTime() - one.getTime())[0];
}
