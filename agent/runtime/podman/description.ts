/**
 * A running container → the spec that would make it again, and what no spec can say.
 *
 * Pure: reads what `podman container inspect` and `podman image inspect` print,
 * podman 4.3 to 5. What the image brings is not repeated in the spec, and what
 * podman adds by itself (its own variables, labels, default capabilities) is
 * nobody's choice. Values of variables and labels are never shown: they may be secrets.
 *
 * @module
 */

import { z } from "zod";
import type { ContainerDescription } from "../runtime.ts";

const list = z.array(z.string()).nullish().transform((value) => value ?? []);
const words = z.union([z.string(), z.array(z.string())]).nullish()
  .transform((value) => typeof value === "string" ? value : (value ?? []).join(" "));
const record = z.record(z.string(), z.unknown()).nullish().transform((value) => value ?? {});
const count = z.number().nullish().transform((value) => value ?? 0);
const text = z.string().nullish().transform((value) => value ?? "");
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
  ImageName: text,
  Image: z.string(),
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
    Hostname: text,
    User: text,
    Env: list,
    Cmd: list,
    WorkingDir: text,
    Entrypoint: words,
    Labels: record,
    Healthcheck: healthCheck,
    CreateCommand: list,
    StopTimeout: count,
    Tty: z.boolean().default(false),
  }),
  HostConfig: z.object({
    NetworkMode: text,
    PortBindings: z.record(
      z.string(),
      z.array(z.object({ HostIp: text, HostPort: text })).nullish(),
    ).nullish().transform((value) => value ?? {}),
    RestartPolicy: z.object({ Name: text, MaximumRetryCount: count }),
    AutoRemove: z.boolean().default(false),
    CapAdd: list,
    CapDrop: list,
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
    Tmpfs: record,
    UTSMode: text,
    UsernsMode: text,
    Memory: count,
    MemoryReservation: count,
    NanoCpus: count,
    CpuQuota: count,
    CpuShares: count,
    CpusetCpus: text,
    Devices: z.array(z.unknown()).nullish().transform((value) => value ?? []),
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
    Labels: record,
  }),
  Healthcheck: healthCheck,
});

type Container = z.output<typeof inspectedContainer>;
type Image = z.output<typeof inspectedImage>;

/** Describes a container as a component of this name. */
export function describeContainer(
  component: string,
  container: Container,
  image: Image,
): ContainerDescription {
  const { Config: config, HostConfig: host } = container;
  const mounts = describeMounts(container);
  const network = describeNetwork(container);
  const { Name: restart, MaximumRetryCount: retries } = host.RestartPolicy;
  return {
    spec: {
      name: component,
      image: container.ImageName,
      network: network.name,
      user: config.User === image.Config.User ? "" : config.User,
      restart: restart === "" ? "no" : retries > 0 ? `${restart}:${retries}` : restart,
      ports: describePorts(container),
      volumes: mounts.volumes,
      cmd: sameList(config.Cmd, image.Config.Cmd) ? [] : config.Cmd,
    },
    unexpressed: [
      ...named("environment", foreignVariables(container, image)),
      ...named("environment without", missingVariables(container, image)),
      ...named("labels", foreignLabels(container, image)),
      ...(config.Entrypoint === image.Config.Entrypoint
        ? []
        : [`entrypoint: ${config.Entrypoint}`]),
      ...(config.WorkingDir === (image.Config.WorkingDir || "/")
        ? []
        : [`working directory: ${config.WorkingDir}`]),
      ...(isOwnHostname(container) ? [] : [`hostname: ${config.Hostname}`]),
      ...(same(config.Healthcheck, image.Healthcheck) ? [] : ["health check of its own"]),
      ...network.unexpressed,
      ...mounts.unexpressed,
      ...describeHost(container),
    ],
  };
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

function describeMounts(container: Container) {
  const volumes: string[] = [];
  const unexpressed: string[] = [];
  for (const mount of container.Mounts) {
    const options = [
      ...(mount.RW ? [] : ["ro"]),
      // podman puts these on named volumes by itself, and binds have them only when asked.
      ...(mount.Type === "bind" ? mount.Options.filter((each) => mountOptions.includes(each)) : []),
      ...labellingOf(container, mount.Destination),
    ];
    const suffix = options.length === 0 ? "" : `:${options.join(",")}`;
    if (mount.Type === "bind") {
      volumes.push(`${mount.Source}:${mount.Destination}${suffix}`);
    } else if (mount.Type === "volume" && !/^[0-9a-f]{64}$/.test(mount.Name)) {
      volumes.push(`${mount.Name}:${mount.Destination}${suffix}`);
    } else if (mount.Type === "volume") {
      unexpressed.push(
        `anonymous volume at ${mount.Destination}: a new container gets an empty one`,
      );
    } else {
      unexpressed.push(`${mount.Type} at ${mount.Destination}`);
    }
  }
  return { volumes, unexpressed };
}

/** What was done to a mount's files when it was made, which only the command line remembers. */
function labellingOf(container: Container, destination: string): string[] {
  return createFlags(container).flatMap((word) => {
    const [_, target, options = ""] = word.split(":");
    return target === destination ? options.split(",") : [];
  }).filter((option) => ["z", "Z", "U"].includes(option));
}

/** Modes that podman chooses when nobody asks for one. */
const defaultModes = ["", "default", "slirp4netns", "pasta"];

/** Modes that join what another container, or somebody else, has made. */
const joiningModes = ["container", "ns"];

function describeNetwork(container: Container) {
  const [mode = "", joined = ""] = container.HostConfig.NetworkMode.split(":");
  if (joiningModes.includes(mode)) {
    return { name: "", unexpressed: [`network of another: ${mode}:${joined}`] };
  }
  const names = Object.keys(container.NetworkSettings.Networks)
    .filter((name) => !defaultModes.includes(name));
  const asked = valuesOf(container, ["network", "net"]);
  const isDefault = defaultModes.includes(mode) ||
    (mode === "bridge" && asked.length === 0 && names.every((name) => name === "podman"));
  const options = asked.filter((value) => value.includes(":"));
  return {
    name: isDefault ? "" : names[0] ?? mode,
    unexpressed: [
      ...named("network options", options),
      ...(names.length > 1 ? [`more networks: ${names.slice(1).join(", ")}`] : []),
    ],
  };
}

/** Capabilities that podman drops from Docker's list by itself. */
const droppedByPodman = ["CAP_AUDIT_WRITE", "CAP_MKNOD", "CAP_NET_RAW"];
/** Mounted by podman itself where the root is read-only. */
const writableByPodman = ["/run", "/tmp", "/var/tmp"];
/**
 * Flags whose effect cannot be told from a default of containers.conf, or not at all (a rootless
 * podman mounts devices and lists none), with their names.
 */
const flagsToReport = [
  "annotation",
  "blkio-weight",
  "cgroup-parent",
  "device",
  "gpus",
  "init",
  "ip",
  "log-driver",
  "log-opt",
  "mac-address",
  "memory-swap",
  "network-alias",
  "oom-score-adj",
  "pids-limit",
  "requires",
  "rootfs",
  "sdnotify",
  "secret",
  "shm-size",
  "stop-signal",
  "sysctl",
  "timeout",
  "tz",
  "ulimit",
  "umask",
  "volumes-from",
];

function describeHost(container: Container): string[] {
  const { HostConfig: host, Config: config, Pod: pod } = container;
  const words = createFlags(container);
  const flags = flagsToReport.filter((flag) =>
    words.some((word) => word === `--${flag}` || word.startsWith(`--${flag}=`))
  );
  const isPodmans = (path: string) => host.ReadonlyRootfs && writableByPodman.includes(path);
  return [
    ...(pod === "" ? [] : ["member of a pod"]),
    ...(host.Privileged ? ["privileged"] : []),
    ...named("added capabilities", host.CapAdd),
    ...named(
      "dropped capabilities",
      host.CapDrop.filter((each) => !droppedByPodman.includes(each)),
    ),
    ...(host.Devices.length === 0 || flags.includes("device") ? [] : ["devices"]),
    ...named("security options", host.SecurityOpt),
    ...(host.ReadonlyRootfs ? ["read-only root"] : []),
    ...named("tmpfs", Object.keys(host.Tmpfs).filter((path) => !isPodmans(path))),
    ...(["", "private"].includes(host.PidMode) ? [] : [`pid namespace: ${host.PidMode}`]),
    ...(["", "private", "shareable"].includes(host.IpcMode)
      ? []
      : [`ipc namespace: ${host.IpcMode}`]),
    ...(["", "private"].includes(host.UTSMode) ? [] : [`uts namespace: ${host.UTSMode}`]),
    ...(host.UsernsMode === "" ? [] : [`user namespace: ${host.UsernsMode}`]),
    ...(host.Memory === 0 && host.MemoryReservation === 0 ? [] : ["memory limit"]),
    ...(host.NanoCpus === 0 && host.CpuQuota === 0 && host.CpuShares === 0 && host.CpusetCpus === ""
      ? []
      : ["CPU limit"]),
    ...named("DNS", [...host.Dns, ...host.DnsOptions, ...host.DnsSearch]),
    ...named("extra hosts", host.ExtraHosts),
    ...named("extra groups", host.GroupAdd),
    ...(config.StopTimeout === 0 || config.StopTimeout === 10
      ? []
      : [`stop timeout: ${config.StopTimeout} s`]),
    ...(config.Tty ? ["terminal"] : []),
    ...(host.AutoRemove ? ["removed when it ends (--rm)"] : []),
    ...flags.map((flag) => `--${flag}`),
  ];
}

/** Variables that podman sets in every container. */
const podmansVariables = ["TERM", "container", "HOME", "HOSTNAME", "PATH"];

function foreignVariables(container: Container, image: Image): string[] {
  const asked = valuesOf(container, ["env", "e"]).map(variableName);
  const given = [...asked, ...image.Config.Env.map(variableName)];
  return container.Config.Env
    .filter((variable) => !image.Config.Env.includes(variable))
    .map(variableName)
    .filter((name) => !podmansVariables.includes(name) || given.includes(name))
    .sort();
}

function missingVariables({ Config: config }: Container, image: Image): string[] {
  const there = config.Env.map(variableName);
  return image.Config.Env.map(variableName).filter((name) => !there.includes(name));
}

function variableName(variable: string): string {
  return variable.split("=", 1)[0] ?? "";
}

/**
 * The words that podman was given before the container's command; none when it was made through
 * its API.
 */
function createFlags({ Config: { CreateCommand: words, Cmd: cmd } }: Container): readonly string[] {
  const at = words.length - cmd.length;
  return cmd.length > 0 && sameList(words.slice(at), cmd) ? words.slice(0, at) : words;
}

/** What a flag was given, e.g. of "--net=one" and "-e", "TZ=UTC". */
function valuesOf(container: Container, names: readonly string[]): string[] {
  const words = createFlags(container);
  return words.flatMap((word, at) => {
    const { flag = "", value } = /^--?(?<flag>[a-z-]+)(=(?<value>.*))?$/s.exec(word)?.groups ?? {};
    return names.includes(flag) ? [value ?? words[at + 1] ?? ""] : [];
  });
}

function foreignLabels({ Config: config }: Container, image: Image): string[] {
  return Object.entries(config.Labels)
    .filter(([name, value]) => image.Config.Labels[name] !== value && !name.startsWith("mcp."))
    .map(([name]) => name);
}

function isOwnHostname({ Id: id, Config: config, HostConfig: host }: Container): boolean {
  return config.Hostname === "" || id.startsWith(config.Hostname) || host.NetworkMode === "host" ||
    host.UTSMode === "host";
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
