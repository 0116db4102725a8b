/**
 * Where everything lies on a node, and which programs put it there.
 *
 * @module
 */

/** The paths of a node's parts. */
export interface Layout {
  /** The installed program. */
  readonly executable: string;
  /** The program before it, for as long as it is not known that the new one serves. */
  readonly previous: string;
  /** What the registry was when that one was replaced. */
  readonly previousRegistry: string;
  /** A folder per unpacked program, named after its content. */
  readonly runtimes: string;
  readonly units: string;
  /** What the config needs of the agent's unit. */
  readonly permissions: string;
  readonly sysusers: string;
  readonly tmpfiles: string;
  readonly linger: string;
  /** What Deno keeps between starts of the agent. */
  readonly cache: string;
  /** The user's home: container storage. */
  readonly home: string;
  readonly containersConf: string;
  readonly storageConf: string;
  readonly serviceRoot: string;
  /** The agent's own folder in it. */
  readonly folder: string;
  readonly config: string;
  /** Where a new node is made, before it takes its place in {@link folder}. */
  readonly staging: string;
}

/** The layout below a root; it is "" on a machine, and a folder in tests. */
export function layoutBelow(root: string): Layout {
  const units = `${root}/etc/systemd/system`;
  const home = `${root}/var/lib/mcp`;
  return {
    executable: `${root}/usr/local/bin/mcp-agent`,
    previous: `${root}/usr/local/lib/mcp/mcp-agent.previous`,
    previousRegistry: `${root}/usr/local/lib/mcp/mcp-agent.previous.json`,
    runtimes: `${root}/usr/local/lib/mcp`,
    units,
    permissions: `${units}/mcp-agent.service.d/10-permissions.conf`,
    sysusers: `${root}/etc/sysusers.d/mcp.conf`,
    tmpfiles: `${root}/etc/tmpfiles.d/mcp.conf`,
    cache: `${root}/var/cache/mcp-agent`,
    linger: `${root}/var/lib/systemd/linger/mcp`,
    home,
    containersConf: `${home}/.config/containers/containers.conf`,
    storageConf: `${home}/.config/containers/storage.conf`,
    serviceRoot: `${root}/srv`,
    folder: `${root}/srv/mcp`,
    config: `${root}/srv/mcp/mcp-agent.toml`,
    staging: `${root}/srv/.mcp-init`,
  };
}

/** The user that owns a node's services. */
export const nodeUser = "mcp";

/** podman's API, as `mcp-podman.socket` says it. */
export const nodePodmanUrl = "unix:///run/mcp-podman/podman.sock";

/** Every program that installing runs, and nothing else may be run by it. */
export const programs = {
  aptGet: "/usr/bin/apt-get",
  chown: "/usr/bin/chown",
  dpkgQuery: "/usr/bin/dpkg-query",
  journalctl: "/usr/bin/journalctl",
  loginctl: "/usr/bin/loginctl",
  pkill: "/usr/bin/pkill",
  setpriv: "/usr/bin/setpriv",
  systemctl: "/usr/bin/systemctl",
  sysusers: "/usr/bin/systemd-sysusers",
  tmpfiles: "/usr/bin/systemd-tmpfiles",
  userdel: "/usr/sbin/userdel",
  usermod: "/usr/sbin/usermod",
} as const;

/** The units that are enabled and run, in the order in which they are started. */
export const enabledUnits = [
  "mcp-podman.socket",
  "mcp-podman.service",
  "mcp-containers.service",
  "mcp-agent.service",
  "mcp-agent-backup.timer",
] as const;

/** Debian's packages that a node needs, each with what stands for it on other distributions. */
export const packages: Readonly<Record<string, string>> = {
  podman: "/usr/bin/podman",
  crun: "/usr/bin/crun",
  // subordinate ids for a user without privileges
  uidmap: "/usr/bin/newuidmap",
  // the network of containers without one of their own, and published ports
  slirp4netns: "/usr/bin/slirp4netns",
  // networks of containers, names on them, and what netavark calls: that of Debian 12 the first, of 13 the other
  netavark: "/usr/lib/podman/netavark",
  "aardvark-dns": "/usr/lib/podman/aardvark-dns",
  iptables: "/usr/sbin/iptables",
  nftables: "/usr/sbin/nft",
  // a bus and a systemd of the user's own; podman puts containers into control groups by them
  "dbus-user-session": "/usr/lib/systemd/user/dbus.socket",
  "libpam-systemd": "/usr/bin/loginctl",
  // ExecReload
  procps: "/usr/bin/pkill",
};
