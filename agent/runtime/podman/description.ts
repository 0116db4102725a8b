/**
 * A container → the spec that would make it again, and what no spec can say.
 *
 * Pure: reads what `podman container inspect` and `podman image inspect` print, podman 4.3 to 5.
 * What the image brings is not repeated in the spec, and what podman or its configuration adds (its
 * own variables, default capabilities and limits, options of a mount) is nobody's choice. So where
 * the command line that made the container is known, it decides what was asked for. Values of
 * variables are the spec's own; what no spec can say is told without any.
 *
 * @module
 */

import * as z from "zod";
import { complaintsAboutComponent } from "../../../lib/domain/component_complaints.ts";
import {
  fieldNames,
  type FieldType,
  rowOf,
  type Special,
} from "../../../lib/domain/component_fields.ts";
import { componentDefaults, type ComponentSpec } from "../../../lib/domain/component_spec.ts";
import { formatMemory } from "../../../lib/domain/memory_size.ts";
import type { SecretMount } from "../../../lib/domain/secret_mount.ts";
import { isSecretVersionName } from "../../../lib/domain/secret_name.ts";
import { signalName } from "../../../lib/domain/signals.ts";
import type { DescribedContainer, ImageDefaults } from "../runtime.ts";
import { type CreateCommand, readCreateCommand } from "./create_command.ts";

const list = z.array(z.string()).nullish().transform((value) => value ?? []);
const words = z.union([z.string(), z.array(z.string())]).nullish()
  .transform((value) => value ?? "");
const record = z.record(z.string(), z.unknown()).nullish().transform((value) => value ?? {});
const texts = z.record(z.string(), z.string()).nullish().transform((value) => value ?? {});
const count = z.number().nullish().transform((value) => value ?? 0);
const text = z.string().nullish().transform((value) => value ?? "");
/** A number in podman 4, a name in podman 5. */
const signal = z.union([z.string(), z.number()]).nullish().transform((value) => `${value ?? ""}`);

/** Fields of a spec that podman tells as they are. */
const inspectedFields = fieldNames.flatMap((field) => {
  const { type, podman = "", inspect } = rowOf(field);
  if (inspect === undefined) return [];
  const [section = "", key = ""] = inspect.path.split(".");
  return [{ field, type, flag: podman.slice(2), section, key, ...inspect }];
});

/** How podman tells values of other types than numbers. */
const told: Partial<Record<FieldType, z.ZodType>> = {
  text,
  set: list,
  table: texts,
  flag: z.boolean().default(false),
};

/** What is read of them in one section, beside what is read by name. */
function inspectedIn(section: "Config" | "HostConfig"): object {
  return Object.fromEntries(
    inspectedFields.filter((each) => each.section === section)
      .map(({ key, type }) => [key, told[type] ?? count]),
  );
}

/** podman fills in what the image leaves out: it is filled in here for both. */
const healthCheck = z.object({
  Test: list.transform((test) => test[0] === "NONE" ? [] : test),
  Interval: count.transform((interval) => interval || 30_000_000_000),
  Timeout: count.transform((timeout) => timeout || 30_000_000_000),
  StartPeriod: count,
  Retries: count.transform((retries) => retries || 3),
}).nullish().transform((check) => check?.Test.length === 0 ? undefined : check ?? undefined);

/** What is read of `podman container inspect`. */
export const inspectedContainer = z.object({
  Id: z.string(),
  Name: text,
  ImageName: text,
  Image: z.string(),
  ImageDigest: text,
  /** The first process and its arguments. */
  Path: text,
  Args: list,
  Pod: text,
  Mounts: z.array(z.object({
    Type: z.string(),
    Name: text,
    Source: text,
    Destination: z.string(),
    Options: list,
    RW: z.boolean().default(true),
  })).nullish().transform((value) => value ?? []),
  NetworkSettings: z.object({ Networks: record }),
  Config: z.object({
    ...inspectedIn("Config"),
    Hostname: text,
    User: text,
    Env: list,
    Cmd: list,
    WorkingDir: text,
    Entrypoint: words,
    Labels: texts,
    Healthcheck: healthCheck,
    CreateCommand: list,
    Secrets: z.array(z.object({ Name: z.string(), UID: count, GID: count, Mode: count })).nullish()
      .transform((value) => value ?? []),
    StopSignal: signal,
    Tty: z.boolean().default(false),
  }),
  HostConfig: z.object({
    ...inspectedIn("HostConfig"),
    NetworkMode: text,
    PortBindings: z.record(
      z.string(),
      z.array(z.object({ HostIp: text, HostPort: text })).nullish(),
    ).nullish().transform((value) => value ?? {}),
    RestartPolicy: z.object({ Name: text, MaximumRetryCount: count }),
    AutoRemove: z.boolean().default(false),
    Dns: list,
    DnsOptions: list,
    DnsSearch: list,
    ExtraHosts: list,
    GroupAdd: list,
    IpcMode: text,
    PidMode: text,
    Privileged: z.boolean().default(false),
    ReadonlyRootfs: z.boolean().default(false),
    SecurityOpt: list,
    Tmpfs: texts,
    UTSMode: text,
    UsernsMode: text,
    Memory: count,
    MemoryReservation: count,
    NanoCpus: count,
    CpuPeriod: count,
    CpuQuota: count,
    CpuShares: count,
    CpusetCpus: text,
    PidsLimit: count,
    Ulimits: z.array(z.object({ Name: z.string(), Soft: z.number(), Hard: z.number() })).nullish()
      .transform((limits) =>
        Object.fromEntries(
          (limits ?? []).map((
            { Name: name, Soft: soft, Hard: hard },
          ) => [name.replace(/^RLIMIT_/, "").toLowerCase(), `${soft}:${hard}`]),
        )
      ),
    // A rootless podman mounts devices and lists none: there the command line alone tells.
    Devices: z.array(
      z.object({ PathOnHost: text, PathInContainer: text, CgroupPermissions: text }),
    ).nullish().transform((devices) =>
      (devices ?? []).map((
        { PathOnHost: source, PathInContainer: target, CgroupPermissions: access },
      ) =>
        [source, target === source ? "" : target, access === "rwm" ? "" : access]
          .filter((part) => part !== "").join(":")
      )
    ),
  }),
});

/** What is read of `podman image inspect`. */
export const inspectedImage = z.object({
  Config: z.object({
    User: text,
    Env: list,
    Cmd: list,
    WorkingDir: text,
    Entrypoint: words,
    Labels: texts,
    StopSignal: signal,
  }),
  Id: text,
  Healthcheck: healthCheck,
});

type Container = z.output<typeof inspectedContainer>;
type Image = z.output<typeof inspectedImage>;

/** What one part of a container comes to: fields of the spec, and what they cannot say. */
interface Part {
  readonly spec?: Partial<ComponentSpec>;
  readonly unexpressed?: readonly string[];
  /** What they cannot say either, and what follows from the image. */
  readonly ofTheImage?: readonly string[];
}

/** A container with what is needed to read it. */
interface Subject {
  readonly container: Container;
  readonly image: Image;
  readonly brought: ImageDefaults;
  /** What podman was asked for; undefined when it is not known. */
  readonly asked: CreateCommand | undefined;
  /** Whether one of these flags was given, or may have been. */
  readonly mayBeAsked: (...flags: readonly string[]) => boolean;
}

/** Describes a container as a component of this name. */
export function describeContainer(
  component: string,
  container: Container,
  image: Image,
): DescribedContainer {
  const asked = readCreateCommand(container.Config.CreateCommand);
  const brought = imageDefaults(image);
  const subject: Subject = {
    container,
    image,
    brought,
    asked,
    mayBeAsked: (...flags) => asked === undefined || asked.has(...flags),
  };
  const parts: readonly Part[] = [
    ...[...new Set(Object.values(special))].map((describe) => describe(subject)),
    ...inspectedFields.map((each) => describeInspected(subject, each)),
    describeRest(subject),
  ];
  const ofItsOwn = parts.flatMap((part) => part.unexpressed ?? []);
  return {
    id: container.Id,
    imageId: container.Image,
    imageDigest: container.ImageDigest,
    brought,
    spec: parts.reduce<ComponentSpec>((spec, part) => ({ ...spec, ...part.spec }), {
      ...componentDefaults,
      name: component,
      image: container.ImageName,
    }),
    unexpressed: [...ofItsOwn, ...parts.flatMap((part) => part.ofTheImage ?? [])],
    ofItsOwn,
  };
}

/** Who describes the fields that podman does not tell as they are, in the order in which the rest is told. */
const special: Special<"inspect", (subject: Subject) => Part> = {
  name: describeBasics,
  image: describeBasics,
  user: describeBasics,
  restart: describeBasics,
  ports: describeBasics,
  env: describeEnv,
  labels: describeLabels,
  entrypoint: describeProcess,
  cmd: describeProcess,
  workdir: describeProcess,
  stopSignal: describeProcess,
  hostname: describeHostname,
  healthcheck: describeHealthCheck,
  network: describeNetwork,
  volumes: describeMounts,
  tmpfs: describeTmpfs,
  secrets: describeSecrets,
  memory: describeLimits,
  cpus: describeLimits,
  privileged: describeRights,
  hostNamespaces: describeRights,
  // podman knows nothing of them.
  kind: describeNothing,
  pull: describeNothing,
  dependsOn: describeNothing,
};

function describeNothing(): Part {
  return {};
}

function describeBasics({ container, brought }: Subject): Part {
  const { Config: { User: user }, HostConfig: { RestartPolicy: restart } } = container;
  const { Name: policy, MaximumRetryCount: retries } = restart;
  return {
    spec: {
      user: user === brought.user ? "" : user,
      restart: policy === "" ? "no" : retries > 0 ? `${policy}:${retries}` : policy,
      ports: describePorts(container),
    },
  };
}

/** The agent asks by itself: a check of podman's own is told, unless the image brings it. */
function describeHealthCheck(
  { container: { Config: { Healthcheck: own } }, image }: Subject,
): Part {
  return same(own, image.Healthcheck) ? {} : { unexpressed: ["health check of its own"] };
}

function imageDefaults({ Config: config }: Image): ImageDefaults {
  return {
    user: config.User,
    env: variables(config.Env),
    labels: config.Labels,
    workdir: config.WorkingDir || "/",
    entrypoint: typeof config.Entrypoint === "string"
      ? config.Entrypoint.split(" ").filter((word) => word !== "")
      : config.Entrypoint,
    cmd: config.Cmd,
    stopSignal: signalName(config.StopSignal || "TERM"),
  };
}

/** Whether a definition could say this of a container. */
function canSay(change: Partial<ComponentSpec>): boolean {
  const plain = { ...componentDefaults, name: "component", image: "image" };
  return complaintsAboutComponent({ ...plain, ...change }, []).length === 0;
}

/** What can be said of each, and the rest. */
function sayable<T>(
  values: readonly T[],
  change: (value: T) => Partial<ComponentSpec>,
): { readonly said: readonly T[]; readonly unsaid: readonly T[] } {
  return {
    said: values.filter((value) => canSay(change(value))),
    unsaid: values.filter((value) => !canSay(change(value))),
  };
}

/** Variables that podman sets in every container. */
const podmansVariables = ["TERM", "container", "HOME", "HOSTNAME", "PATH"];

function describeEnv({ container, brought, asked }: Subject): Part {
  const there = variables(container.Config.Env);
  const askedNames = (asked?.values("env") ?? []).map(variableName);
  const isAsked = (name: string) =>
    askedNames.some((each) =>
      each === name || (each.endsWith("*") && name.startsWith(each.slice(0, -1)))
    );
  // Files, the caller's own variables, and what is merged are not named on the command line.
  const isNamed = asked !== undefined && !asked.has("env-file", "env-host", "env-merge");
  const secret = secretVariables(asked);
  const own = Object.entries(there)
    .filter(([name, value]) => brought.env[name] !== value && !secret.includes(name))
    .filter(([name]) =>
      isAsked(name) ||
      (!isNamed && (!podmansVariables.includes(name) || brought.env[name] !== undefined))
    );
  const { said, unsaid } = sayable(own, ([name, value]) => ({ env: { [name]: value } }));
  return {
    spec: { env: Object.fromEntries(said) },
    unexpressed: [
      ...named("environment", unsaid.map(([name]) => JSON.stringify(name))),
      ...named(
        "environment without",
        Object.keys(brought.env).filter((name) => there[name] === undefined),
      ),
      ...named("secrets as variables", secret),
    ],
  };
}

function variables(list: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    list.map((
      variable,
    ) => [variableName(variable), variable.slice(variableName(variable).length + 1)]),
  );
}

function variableName(variable: string): string {
  return variable.split("=", 1)[0] ?? "";
}

function describeLabels({ container, brought }: Subject): Part {
  const own = Object.entries(container.Config.Labels)
    .filter(([name, value]) => brought.labels[name] !== value && !name.startsWith("mcp."));
  const { said, unsaid } = sayable(own, ([name, value]) => ({ labels: { [name]: value } }));
  return {
    spec: { labels: Object.fromEntries(said) },
    unexpressed: named("labels", unsaid.map(([name]) => JSON.stringify(name))),
  };
}

/** What is run, where, and how it is ended. */
function describeProcess(subject: Subject): Part {
  const { container: { Config: config }, brought, mayBeAsked } = subject;
  const entrypoint = entrypointOf(subject);
  const isOwn = !sameList(entrypoint, brought.entrypoint) ||
    (config.Cmd.length === 0 && brought.cmd.length > 0);
  // Without an entrypoint the command's first word is the program.
  const [program, ...rest] = entrypoint.length === 0 ? config.Cmd : [];
  const cmd = sameList(config.Cmd, brought.cmd) ? [] : config.Cmd;
  const process = !isOwn
    ? { entrypoint: [], cmd }
    : program === undefined
    ? { entrypoint, cmd: config.Cmd }
    : { entrypoint: [program], cmd: rest };
  const stopSignal = signalName(
    config.StopSignal || (subject.asked?.values("stop-signal").at(-1) ?? "TERM"),
  );
  const workdir = config.WorkingDir === brought.workdir ? "" : config.WorkingDir;
  const said = { workdir, stopSignal: stopSignal === brought.stopSignal ? "" : stopSignal };
  return {
    spec: {
      ...process,
      ...(canSay(said) ? said : {}),
    },
    unexpressed: [
      ...(canSay(said) ? [] : [`working directory or stop signal: ${workdir} ${stopSignal}`]),
      ...(config.Tty && mayBeAsked("tty") ? ["terminal"] : []),
    ],
  };
}

/** The entrypoint's words; podman 4 tells them as one text, of which they cannot be told apart. */
function entrypointOf({ container, brought, asked }: Subject): readonly string[] {
  const { Config: { Entrypoint: told, Cmd: cmd }, Path: path, Args: args } = container;
  if (typeof told !== "string") return told;
  if (told === "") return [];
  const all = [path, ...args];
  const before = all.slice(0, Math.max(0, all.length - cmd.length));
  const flag = asked?.values("entrypoint").at(-1) ?? "";
  const candidates = [brought.entrypoint, before, wordsOf(flag)];
  return candidates.find((candidate) => candidate.join(" ") === told) ?? told.split(" ");
}

/** An entrypoint as podman takes it: JSON, or one word. */
function wordsOf(flag: string): readonly string[] {
  try {
    return z.array(z.string()).parse(JSON.parse(flag));
  } catch {
    return [flag];
  }
}

function describeHostname({ container, asked }: Subject): Part {
  const { Id: id, Config: config, HostConfig: host } = container;
  const isOwn = asked?.values("hostname").some((name) => name !== "") ??
    (!id.startsWith(config.Hostname) && host.NetworkMode !== "host" && host.UTSMode !== "host");
  if (!isOwn || config.Hostname === "") return {};
  return canSay({ hostname: config.Hostname })
    ? { spec: { hostname: config.Hostname } }
    : { unexpressed: [`hostname: ${config.Hostname}`] };
}

function describePorts({ HostConfig: host }: Container): string[] {
  return Object.entries(host.PortBindings).flatMap(([key, bindings]) => {
    const [port, protocol = "tcp"] = key.split("/");
    return (bindings ?? []).map(({ HostIp: ip, HostPort: hostPort }) => {
      const address = ip === "" ? "" : ip.includes(":") ? `[${ip}]:` : `${ip}:`;
      return `${address}${hostPort}:${port}${protocol === "tcp" ? "" : `/${protocol}`}`;
    });
  });
}

/** Options of a mount that a spec can say; the rest is podman's own choice (rbind, rprivate, …). */
const mountOptions = ["nosuid", "nodev", "noexec"];
/** What was done to a mount's files when it was made, which only the command line remembers. */
const labellings = ["z", "Z", "U"];

function describeMounts({ container, asked }: Subject): Part {
  const volumes: string[] = [];
  const unexpressed: string[] = [];
  const anonymous: string[] = [];
  for (const mount of container.Mounts) {
    if (mount.Type === "tmpfs") continue;
    const flag = asked?.values("volume").map((value) => value.split(":"))
      .find(([source = "", target]) => (target ?? source) === mount.Destination);
    // podman adds what the source is mounted with, and to named volumes what it thinks is safe.
    const options = flag === undefined
      ? mount.Type === "bind" ? mount.Options.filter((each) => mountOptions.includes(each)) : []
      : (flag[2] ?? "").split(",")
        .filter((each) => mountOptions.includes(each) || labellings.includes(each));
    const all = [...(mount.RW ? [] : ["ro"]), ...options];
    const suffix = all.length === 0 ? "" : `:${all.join(",")}`;
    const isNamed = mount.Type === "volume" && !/^[0-9a-f]{64}$/.test(mount.Name);
    const volume = `${mount.Type === "bind" ? mount.Source : mount.Name}:${mount.Destination}`;
    if (mount.Type === "volume" && !isNamed) {
      (flag === undefined ? anonymous : unexpressed).push(
        `anonymous volume at ${mount.Destination}: a new container gets an empty one`,
      );
    } else if ((mount.Type === "bind" || isNamed) && canSay({ volumes: [`${volume}${suffix}`] })) {
      volumes.push(`${volume}${suffix}`);
    } else {
      unexpressed.push(`${mount.Type} at ${mount.Destination}`);
    }
  }
  return { spec: { volumes }, unexpressed, ofTheImage: anonymous };
}

/** Options of every file system in memory that nobody asked for. */
const tmpfsDefaults = ["rw", "rprivate", "nosuid", "nodev", "tmpcopyup"];
/** Mounted by podman itself where the root is read-only. */
const writableByPodman = ["/dev", "/dev/shm", "/run", "/tmp", "/var/tmp"];

function describeTmpfs({ container: { HostConfig: host }, asked }: Subject): Part {
  const flags = asked?.values("tmpfs") ?? [];
  const targets = flags.map((value) => value.split(":", 1)[0] ?? "");
  const others = Object.entries(host.Tmpfs)
    .filter(([target]) => !targets.includes(target))
    .map(([target, options]) => {
      const own = options.split(",").filter((each) => !tmpfsDefaults.includes(each));
      return own.length === 0 ? target : `${target}:${own.join(",")}`;
    })
    .filter((value) => !host.ReadonlyRootfs || !writableByPodman.includes(value));
  const all = [...flags, ...others];
  const { said, unsaid } = sayable(all, (value) => ({ tmpfs: [value] }));
  return { spec: { tmpfs: said }, unexpressed: named("tmpfs", unsaid) };
}

/** The variables that show a secret. */
function secretVariables(asked: CreateCommand | undefined): string[] {
  return (asked?.values("secret") ?? []).map(readSecretFlag)
    .filter(({ type }) => type === "env")
    .map(({ target }) => target);
}

function describeSecrets({ container: { Config: config }, asked }: Subject): Part {
  const flags = asked?.values("secret").map(readSecretFlag) ??
    config.Secrets.map(({ Name: name }) => readSecretFlag(name));
  const mounted = flags.filter(({ type }) => type !== "env").map((flag): SecretMount => {
    const { name, target } = flag;
    const made = config.Secrets.find((secret) => secret.Name === name);
    return {
      name,
      target: target.startsWith("/") ? target : `/run/secrets/${target}`,
      mode: made?.Mode ?? flag.mode,
      uid: made?.UID ?? 0,
      gid: made?.GID ?? 0,
    };
  });
  // A version that MCP keeps is a secret of a spec, whatever podman calls it.
  const { said, unsaid } = sayable(mounted, (secret) => ({
    secrets: [isSecretVersionName(secret.name) ? { ...secret, name: "secret" } : secret],
  }));
  return {
    spec: { secrets: said },
    unexpressed: named("secrets", unsaid.map(({ name }) => name)),
  };
}

/** What podman gives a secret that says nothing about it. */
const secretModeByDefault = "0444";

function readSecretFlag(value: string) {
  const [first = "", ...options] = value.split(",");
  const option = (key: string) =>
    options.find((each) => each.startsWith(`${key}=`))?.slice(key.length + 1);
  const name = option("source") ?? first;
  return {
    name,
    type: option("type") ?? "mount",
    target: option("target") ?? name,
    mode: Number.parseInt(option("mode") ?? secretModeByDefault, 8),
  };
}

const defaultCpuPeriod = 100_000;

function describeLimits({ container: { HostConfig: host }, asked, mayBeAsked }: Subject): Part {
  const memory = host.Memory > 0 ? formatMemory(host.Memory) : "";
  const cpus = host.NanoCpus > 0
    ? host.NanoCpus / 1e9
    : host.CpuQuota > 0
    ? host.CpuQuota / (host.CpuPeriod || defaultCpuPeriod)
    : 0;
  const canSayMemory = canSay({ memory });
  return {
    spec: {
      memory: canSayMemory ? memory : "",
      cpus: canSay({ cpus }) ? cpus : 0,
    },
    unexpressed: [
      ...(canSayMemory ? [] : [`memory limit: ${memory}`]),
      ...(canSay({ cpus }) ? [] : [`CPU limit: ${cpus}`]),
      ...(host.MemoryReservation > 0 && mayBeAsked("memory-reservation")
        ? ["memory reservation"]
        : []),
      ...(host.CpuShares > 0 && mayBeAsked("cpu-shares") ? ["CPU shares"] : []),
      ...(host.CpusetCpus !== "" && mayBeAsked("cpuset-cpus") ? ["CPU set"] : []),
      ...(asked?.has("pids-limit") && host.PidsLimit <= 0 ? ["no limit of processes"] : []),
    ],
  };
}

/** What podman tells of one field; where the command that made the container is known, as it was asked. */
function describeInspected(
  { container, asked }: Subject,
  { field, type, flag, section, key, own = [], called }: (typeof inspectedFields)[number],
): Part {
  const inspected: Readonly<Record<string, unknown>> = section === "Config"
    ? container.Config
    : container.HostConfig;
  const value = inspected[key];
  const announced = (values: readonly string[]) =>
    called === undefined ? [] : named(called, values);
  if (Array.isArray(value)) {
    const { spelling = (same: string) => same } = rowOf(field);
    const values = asked?.values(flag).flatMap((each) => each.split(",")) ??
      (value as readonly string[]).filter((each) => !own.includes(each));
    const { said, unsaid } = sayable(values.map(spelling), (each) => ({ [field]: [each] }));
    return { spec: { [field]: said }, unexpressed: announced(unsaid) };
  }
  if (type === "table") {
    const entries = asked === undefined
      ? Object.entries(value as Readonly<Record<string, string>>)
        .filter(([name]) => !own.includes(name))
      : Object.entries(variables(asked.values(flag)));
    const { said, unsaid } = sayable(entries, ([name, each]) => ({ [field]: { [name]: each } }));
    return {
      spec: { [field]: Object.fromEntries(said) },
      unexpressed: announced(unsaid.map(([name]) => name)),
    };
  }
  const isAsked = asked?.has(flag) ?? !own.some((each) => each === value);
  if (!isAsked || Number(value) < 0) return {};
  const spec = {
    [field]: type === "duration"
      ? Number(value) * 1000
      : type === "memory"
      ? formatMemory(Number(value))
      : value,
  };
  return canSay(spec) ? { spec } : { unexpressed: announced([`${value}`]) };
}

const namespaces = ["pid", "ipc", "uts"] as const;

function describeRights({ container: { HostConfig: host }, mayBeAsked }: Subject): Part {
  const modes = { pid: host.PidMode, ipc: host.IpcMode, uts: host.UTSMode };
  return {
    spec: {
      privileged: host.Privileged,
      hostNamespaces: namespaces.filter((name) => modes[name] === "host" && mayBeAsked(name)),
    },
    unexpressed: [
      ...(mayBeAsked("security-opt") ? named("security options", host.SecurityOpt) : []),
      ...namespaces
        .filter((name) => !["", "private", "shareable", "host"].includes(modes[name]))
        .map((name) => `${name} namespace: ${modes[name]}`),
      ...(host.UsernsMode !== "" && mayBeAsked("userns")
        ? [`user namespace: ${host.UsernsMode}`]
        : []),
    ],
  };
}

/** Modes that podman chooses when nobody asks for one. */
const defaultModes = ["", "default", "slirp4netns", "pasta"];

/** Modes that join what another container, or somebody else, has made. */
const joiningModes = ["container", "ns"];

function describeNetwork({ container, asked: command }: Subject): Part {
  const [mode = "", joined = ""] = container.HostConfig.NetworkMode.split(":");
  if (joiningModes.includes(mode)) {
    return { unexpressed: [`network of another: ${mode}:${joined}`] };
  }
  const names = Object.keys(container.NetworkSettings.Networks)
    .filter((name) => !defaultModes.includes(name));
  const asked = command?.values("network") ?? [];
  const isDefault = defaultModes.includes(mode) ||
    (mode === "bridge" && asked.length === 0 &&
      (command !== undefined || names.every((name) => name === "podman")));
  const isMode = asked.length === 1 && asked[0] === mode;
  const options = asked.filter((value) => value.includes(":"));
  return {
    spec: {
      network: isMode ? mode : isDefault ? "" : names[0] ?? mode,
    },
    unexpressed: [
      ...named("network options", options),
      ...(names.length > 1 ? [`more networks: ${names.slice(1).join(", ")}`] : []),
    ],
  };
}

/** Flags that fields of the spec say, or sentences of their own, and those that make nothing else. */
const flagsThatAreTold: ReadonlySet<string> = new Set([
  ...fieldNames.flatMap((field) => rowOf(field).podman?.slice(2) ?? []),
  ...["env-file", "env-host", "env-merge", "unsetenv", "unsetenv-all", "label", "label-file"],
  ...["entrypoint", "publish-all", "expose", "mount", "secret", "memory-reservation"],
  ...["cpu-period", "cpu-quota", "cpu-shares", "cpuset-cpus", "security-opt", "pid", "ipc", "uts"],
  ...["userns", "pod", "dns", "dns-option", "dns-search", "add-host", "group-add", "tty", "rm"],
  ...["health-cmd", "health-interval", "health-retries", "health-start-period", "health-timeout"],
  ...["no-healthcheck", "name", "detach", "interactive", "pull", "replace", "cidfile", "quiet"],
  ...["conmon-pidfile", "sig-proxy", "tls-verify", "authfile", "attach", "detach-keys"],
  ...["disable-content-trust", "pod-id-file", "arch", "os", "platform", "variant"],
]);

function describeRest({ container, asked, mayBeAsked }: Subject): Part {
  const { HostConfig: host, Pod: pod } = container;
  return {
    unexpressed: [
      ...(pod === "" ? [] : ["member of a pod"]),
      ...(mayBeAsked("dns", "dns-option", "dns-search")
        ? named("DNS", [...host.Dns, ...host.DnsOptions, ...host.DnsSearch])
        : []),
      ...(mayBeAsked("add-host") ? named("extra hosts", host.ExtraHosts) : []),
      ...named("extra groups", host.GroupAdd),
      ...(host.AutoRemove ? ["removed when it ends (--rm)"] : []),
      ...(asked?.flags ?? []).filter((flag) => !flagsThatAreTold.has(flag))
        .map((flag) => `--${flag}`).sort(),
    ],
  };
}

function named(what: string, names: readonly string[]): string[] {
  return names.length === 0 ? [] : [`${what}: ${names.join(", ")}`];
}

function sameList(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((word, at) => word === right[at]);
}

function same(left: unknown, right: unknown): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}
