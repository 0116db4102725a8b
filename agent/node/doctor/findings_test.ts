import { deepStrictEqual, doesNotMatch, match, ok, strictEqual } from "node:assert/strict";
import type { Finding, Level } from "../../../lib/domain/finding.ts";
import { type AgentConfig, decodeConfig } from "../../config.ts";
import type { RuntimeInfo } from "../../runtime/runtime.ts";
import type { Facts } from "./facts.ts";
import { findingsOf } from "./findings.ts";

const day = 86_400_000;
const gib = 1024 ** 3;
const now = new Date("2030-06-01T00:00:00Z");
const at = (ms: number) => new Date(now.getTime() + ms);

const installed = decodeConfig(
  `[server]
grpc_addr = "192.0.2.7:9444"
tls_cert = "certs/cert.pem"
tls_key = "certs/key.pem"
[database]
path = "mcp.db"
[agent]
node_name = "rift"
podman_url = "unix:///run/mcp-podman/podman.sock"
`,
  "/srv/mcp/mcp-agent.toml",
);

const mcias: AgentConfig["auth"] = {
  provider: "mcias",
  serverUrl: "https://mcias.example:8443",
  caFile: "/srv/mcp/mcias.pem",
  serviceName: "mcp-agent",
};
const oidc: AgentConfig["auth"] = {
  provider: "oidc",
  issuer: "https://id.example/",
  audience: "mcp",
  jwksUri: undefined,
  caFile: undefined,
  subjectClaim: "sub",
  roleClaim: "roles",
  adminRole: "admin",
};

const info: RuntimeInfo = {
  version: "4.3.1",
  rootless: true,
  cgroupVersion: "v2",
  cgroupControllers: ["cpu", "memory", "pids"],
  cgroupManager: "systemd",
  networkCommand: "slirp4netns",
  logDriver: "k8s-file",
  eventLogger: "file",
  storage: {
    driver: "overlay",
    folder: "/var/lib/mcp/.local/share/containers/storage",
    totalBytes: 100 * gib,
    freeBytes: 50 * gib,
  },
  userIds: [{ start: 995, count: 1 }, { start: 200_000, count: 65_536 }],
  groupIds: [{ start: 995, count: 1 }, { start: 200_000, count: 65_536 }],
};

const certificate = {
  validFrom: at(-day),
  validUntil: at(300 * day),
  isPair: true,
  names: "DNS:rift, IP Address:192.0.2.7",
  namesAddress: true,
};

const walk = { files: [], withoutCertificate: [], bundles: [], unreadable: [], cut: undefined };

/** A node on which nothing is wrong, seen from itself. */
const wellFacts: Facts = {
  now,
  vantage: "node",
  account: { value: { name: "mcp", uid: 995, home: "/var/lib/mcp" } },
  lingers: { value: true },
  subuid: { value: "alice:100000:65536\nmcp:200000:65536\n" },
  subgid: { value: "alice:100000:65536\nmcp:200000:65536\n" },
  runtime: { info, tookMs: 80 },
  serviceRoot: { value: { uid: 995, mode: 0o755 } },
  serviceRootRefuses: { value: undefined },
  certificate,
  pem: { value: walk },
  clockIsSynchronized: { value: true },
  serviceSpace: { value: { totalBytes: 100 * gib, freeBytes: 50 * gib } },
  containerSpace: { value: { totalBytes: 100 * gib, freeBytes: 50 * gib } },
  memory: { value: { totalBytes: 8 * gib, freeBytes: 4 * gib } },
  provider: { tookMs: 30 },
  grants: { value: { missing: [], broader: [] } },
  registry: { value: { damage: undefined, uid: 995, since: at(-10 * day) } },
  snapshots: ["/srv/mcp/backups/mcp-2030-05-31T12-00-00.000Z.db"],
  units: {
    value: ["mcp-agent.service", "mcp-podman.socket", "mcp-agent-backup.timer"]
      .map((name) => ({ name, enabled: "enabled", active: "active" })),
  },
};

const unseen = { unseen: "permission denied" };
const withInfo = (change: Partial<RuntimeInfo>): Partial<Facts> => ({
  runtime: { info: { ...info, ...change }, tookMs: 80 },
});
const pem = (name: string, from: Date, until: Date) => ({
  path: `/srv/${name}`,
  first: { name: "shop.example", validFrom: from, validUntil: until },
});
const unit = (name: string, enabled: string | undefined, active: string): Partial<Facts> => ({
  units: { value: [{ name, enabled, active }] },
});
const space = (freeBytes: number, totalBytes = 100 * gib) => ({ value: { totalBytes, freeBytes } });

interface Row {
  readonly given: string;
  readonly facts?: Partial<Facts>;
  readonly config?: Partial<AgentConfig>;
  readonly id: string;
  readonly levels: readonly Level[];
  readonly what?: RegExp;
  readonly fix?: RegExp;
}

const rows: readonly Row[] = [
  // --- the user ---
  {
    given: "no such user, on the node",
    facts: { account: { unseen: 'there is no user "mcp"' } },
    id: "user",
    levels: ["error"],
    what: /there is no user "mcp"/,
    fix: /^mcp-agent install --yes$/,
  },
  {
    given: "a user that the agent cannot see",
    facts: { account: unseen, vantage: "agent" },
    id: "user",
    levels: ["unknown"],
    fix: /^mcp-agent doctor --config \/srv\/mcp\/mcp-agent.toml$/,
  },
  {
    given: "root as the user",
    facts: { account: { value: { name: "root", uid: 0, home: "/root" } } },
    id: "user",
    levels: ["error"],
  },
  {
    given: "no linger",
    facts: { lingers: { value: false } },
    id: "linger",
    levels: ["error"],
    what: /^off for mcp$/,
    fix: /^loginctl enable-linger mcp$/,
  },
  { given: "linger unseen", facts: { lingers: unseen }, id: "linger", levels: ["unknown"] },
  {
    given: "nothing lent",
    facts: { subuid: { value: "alice:100000:65536\n" } },
    id: "subuid",
    levels: ["error"],
    what: /^no user ids are lent to mcp/,
    fix:
      /^usermod --add-subuids 265536-331071 mcp && su -s \/bin\/sh -c 'cd && podman system migrate' mcp$/,
  },
  {
    given: "too few group ids",
    facts: { subgid: { value: "mcp:200000:1000\n" } },
    id: "subgid",
    levels: ["error"],
    what: /^only 1000 group ids/,
    fix: /^usermod --add-subgids /,
  },
  {
    given: "ids by number, in two ranges",
    facts: { subuid: { value: "995:200000:32768\n995:300000:32768\n" } },
    id: "subuid",
    levels: ["ok"],
    what: /^65536 user ids/,
  },
  {
    given: "ids that podman has not taken up",
    facts: withInfo({ userIds: [{ start: 995, count: 1 }] }),
    id: "subuid",
    levels: ["error"],
    what: /podman uses 0 of them/,
    fix: /podman system migrate/,
  },
  {
    given: "ids shared with somebody",
    facts: { subuid: { value: "mcp:200000:65536\nalice:265000:65536\n" } },
    id: "subuid",
    levels: ["warning"],
    what: /with alice/,
  },
  {
    given: "a file that cannot be read, and a podman that tells",
    facts: { subuid: unseen },
    id: "subuid",
    levels: ["ok"],
  },
  {
    given: "neither the file nor podman to tell",
    facts: { subuid: unseen, runtime: { failure: "no" } },
    id: "subuid",
    levels: ["unknown"],
  },
  // --- podman ---
  {
    given: "a podman that does not answer",
    facts: { runtime: { failure: "Cannot ask podman: connection refused" } },
    id: "podman",
    levels: ["error"],
    what: /connection refused/,
    fix: /^systemctl restart mcp-podman\.socket/,
  },
  {
    given: "a podman that does not answer, run directly",
    facts: { runtime: { failure: "it did not start" } },
    config: { podmanUrl: undefined },
    id: "podman",
    levels: ["error"],
    fix: /^su -s \/bin\/sh -c 'cd && podman info' mcp$/,
  },
  {
    given: "a podman that does not answer",
    facts: { runtime: { failure: "no" } },
    id: "storage_driver",
    levels: ["unknown"],
  },
  {
    given: "an old podman",
    facts: withInfo({ version: "4.2.9" }),
    id: "podman",
    levels: ["error"],
  },
  {
    given: "the oldest podman",
    facts: withInfo({ version: "4.3.0" }),
    id: "podman",
    levels: ["ok"],
  },
  {
    given: "a new podman",
    facts: withInfo({ version: "5.0.0-rc1" }),
    id: "podman",
    levels: ["ok"],
  },
  {
    given: "a slow podman",
    facts: { runtime: { info, tookMs: 3_500 } },
    id: "podman",
    levels: ["warning"],
    what: /answered in 3\.5 s/,
  },
  {
    given: "podman as root",
    facts: withInfo({ rootless: false }),
    id: "rootless",
    levels: ["error"],
  },
  {
    given: "control groups v1",
    facts: withInfo({ cgroupVersion: "v1" }),
    id: "cgroups",
    levels: ["error"],
    fix: /unified_cgroup_hierarchy=1/,
  },
  {
    given: "controllers missing and no systemd",
    facts: withInfo({ cgroupControllers: ["memory"], cgroupManager: "cgroupfs" }),
    id: "cgroups",
    levels: ["warning", "warning"],
    what: /without cpu, pids for mcp/,
    fix: /Delegate=cpu cpuset io memory pids/,
  },
  {
    given: "ports held by pasta",
    facts: withInfo({ networkCommand: "pasta" }),
    id: "container_network",
    levels: ["warning"],
    fix: /^mcp-agent install --yes$/,
  },
  {
    given: "vfs",
    facts: withInfo({ storage: { ...info.storage, driver: "vfs" } }),
    id: "storage_driver",
    levels: ["error"],
    fix: /podman system reset --force/,
  },
  {
    given: "btrfs",
    facts: withInfo({ storage: { ...info.storage, driver: "btrfs" } }),
    id: "storage_driver",
    levels: ["warning"],
  },
  { given: "no logs", facts: withInfo({ logDriver: "none" }), id: "log_driver", levels: ["error"] },
  {
    given: "journald of a system user",
    facts: withInfo({ logDriver: "journald", eventLogger: "journald" }),
    id: "log_driver",
    levels: ["error"],
  },
  {
    given: "journald of a person",
    facts: {
      ...withInfo({ logDriver: "journald", eventLogger: "journald" }),
      account: { value: { name: "ada", uid: 1000, home: "/home/ada" } },
    },
    id: "log_driver",
    levels: ["warning"],
  },
  {
    given: "journald of a system user",
    facts: withInfo({ eventLogger: "journald" }),
    id: "event_logger",
    levels: ["error"],
    what: /^journald, not file$/,
  },
  {
    given: "no events",
    facts: withInfo({ eventLogger: "none" }),
    id: "event_logger",
    levels: ["error"],
  },
  // --- certificates ---
  {
    given: "a certificate that cannot be read",
    facts: { certificate: { failure: "There is no file /srv/mcp/certs/cert.pem" } },
    id: "certificate",
    levels: ["error"],
    fix:
      /^runuser -u mcp -- mcp-agent renew --config \/srv\/mcp\/mcp-agent\.toml --address 192\.0\.2\.7:9444 && systemctl reload mcp-agent$/,
  },
  {
    given: "a certificate that has expired",
    facts: { certificate: { ...certificate, validUntil: at(-3 * day - 1) } },
    id: "certificate",
    levels: ["error"],
    what: /^expired 3 days ago \(\/srv\/mcp\/certs\/cert\.pem\)$/,
  },
  {
    given: "a certificate in its last second",
    facts: { certificate: { ...certificate, validUntil: at(1_000) } },
    id: "certificate",
    levels: ["warning"],
    what: /^expires in 1s/,
  },
  {
    given: "a certificate that expires this very moment",
    facts: { certificate: { ...certificate, validUntil: now } },
    id: "certificate",
    levels: ["error"],
  },
  {
    given: "a certificate with 29 days left",
    facts: { certificate: { ...certificate, validUntil: at(29 * day) } },
    id: "certificate",
    levels: ["warning"],
    what: /^expires in 29 days/,
  },
  {
    given: "a certificate with 30 days left",
    facts: { certificate: { ...certificate, validUntil: at(30 * day) } },
    id: "certificate",
    levels: ["ok"],
  },
  {
    given: "a certificate of tomorrow",
    facts: { certificate: { ...certificate, validFrom: at(day) } },
    id: "certificate",
    levels: ["error"],
    what: /not valid for another 1d/,
  },
  {
    given: "another key and another name, and an end",
    facts: {
      certificate: {
        ...certificate,
        isPair: false,
        namesAddress: false,
        validUntil: at(-day),
      },
    },
    id: "certificate",
    levels: ["error", "error", "warning"],
  },
  {
    given: "an address that is all of them",
    facts: { certificate: { ...certificate, namesAddress: undefined } },
    id: "certificate",
    levels: ["ok"],
  },
  {
    given: "a service's certificates, one of each kind",
    facts: {
      pem: {
        value: {
          ...walk,
          files: [
            pem("shop/tls/web.pem", at(-day), at(-day)),
            pem("shop/tls/api.pem", at(-day), at(10 * day)),
            pem("shop/tls/db.pem", at(-day), at(100 * day)),
            pem("mcp/certs/cert.pem", at(-day), at(-day)),
          ],
        },
      },
    },
    id: "service_certificates",
    levels: ["error", "warning"],
    what: /^"shop\.example" expired 1d ago \(\/srv\/shop\/tls\/web\.pem\)$/,
    fix: /^mcp push NEW\.pem shop tls\/web\.pem && mcp restart shop$/,
  },
  {
    given: "folders that cannot be read, and a walk that was cut",
    facts: {
      pem: { value: { ...walk, unreadable: ["/srv/db/data", "/srv/x"], cut: "too long" } },
      vantage: "agent",
    },
    id: "service_certificates",
    levels: ["unknown", "unknown", "ok"],
    what: /\/srv\/db\/data and 1 more cannot be read/,
    fix: /^mcp-agent doctor/,
  },
  {
    given: "more expired ones than anybody reads",
    facts: {
      pem: {
        value: {
          ...walk,
          files: Array.from({ length: 25 }, (_, n) => pem(`s/${n}a.pem`, at(-day), at(-day))),
        },
      },
    },
    id: "service_certificates",
    levels: Array.from({ length: 21 }, () => "error"),
  },
  // --- the machine ---
  {
    given: "no service root",
    facts: { serviceRoot: { value: undefined } },
    id: "service_root",
    levels: ["error"],
    fix: /^install -d -o mcp -g mcp -m 0755 \/srv$/,
  },
  {
    given: "a service root of root",
    facts: { serviceRoot: { value: { uid: 0, mode: 0o755 } } },
    id: "service_root",
    levels: ["error"],
    what: /belongs to uid 0, not to mcp \(uid 995\)/,
    fix: /^chown mcp: \/srv/,
  },
  {
    given: "a service root that is mounted read-only",
    facts: { serviceRootRefuses: { value: "read-only file system" } },
    id: "service_root",
    levels: ["error"],
    fix: /^findmnt --target \/srv$/,
  },
  {
    given: "a service root that its owner may not write",
    facts: { serviceRoot: { value: { uid: 995, mode: 0o555 } } },
    id: "service_root",
    levels: ["error"],
  },
  {
    given: "a service root that everybody may write",
    facts: { serviceRoot: { value: { uid: 995, mode: 0o1777 } } },
    id: "service_root",
    levels: ["warning"],
  },
  { given: "2 % of disk", facts: { serviceSpace: space(2 * gib) }, id: "disk", levels: ["error"] },
  {
    given: "less than 1 GiB of disk",
    facts: { serviceSpace: space(0.9 * gib, 5 * gib) },
    id: "disk",
    levels: ["error"],
    what: /^922 MiB free of 5\.0 GiB \(18 %\) for \/srv$/,
  },
  {
    given: "9 % of disk",
    facts: { serviceSpace: space(9 * gib) },
    id: "disk",
    levels: ["warning"],
  },
  { given: "10 % of disk", facts: { serviceSpace: space(10 * gib) }, id: "disk", levels: ["ok"] },
  { given: "a disk unseen", facts: { serviceSpace: unseen }, id: "disk", levels: ["unknown"] },
  {
    given: "9 % of disk for containers",
    facts: { containerSpace: space(9 * gib) },
    id: "container_disk",
    levels: ["warning"],
    fix: /podman image prune/,
  },
  {
    given: "9 % of memory",
    facts: { memory: space(0.09 * gib, gib) },
    id: "memory",
    levels: ["warning"],
  },
  {
    given: "2 % of memory",
    facts: { memory: space(2 * gib) },
    id: "memory",
    levels: ["error"],
  },
  {
    given: "a clock that nobody keeps right",
    facts: { clockIsSynchronized: { value: false } },
    id: "time_sync",
    levels: ["warning"],
    fix: /timedatectl set-ntp true/,
  },
  {
    given: "the agent, which cannot ask",
    facts: { clockIsSynchronized: unseen, vantage: "agent" },
    id: "time_sync",
    levels: ["unknown"],
  },
  {
    given: "a unit that is not there",
    facts: unit("mcp-agent.service", undefined, "inactive"),
    id: "units",
    levels: ["error"],
    fix: /^mcp-agent install --yes$/,
  },
  {
    given: "a unit that is not enabled",
    facts: unit("mcp-containers.service", "disabled", "active"),
    id: "units",
    levels: ["error"],
    fix: /^systemctl enable --now mcp-containers\.service$/,
  },
  {
    given: "a unit that has failed",
    facts: unit("mcp-agent.service", "enabled", "failed"),
    id: "units",
    levels: ["error"],
  },
  {
    given: "a unit that does not run",
    facts: unit("mcp-agent.service", "enabled", "inactive"),
    id: "units",
    levels: ["warning"],
    fix: /^systemctl start mcp-agent\.service$/,
  },
  {
    given: "a unit that is only just starting",
    facts: unit("mcp-agent.service", "enabled", "activating"),
    id: "units",
    levels: ["ok"],
  },
  {
    given: "no podman service where none is used",
    facts: {
      units: {
        value: [
          { name: "mcp-agent.service", enabled: "enabled", active: "active" },
          { name: "mcp-podman.service", enabled: undefined, active: "inactive" },
        ],
      },
    },
    config: { podmanUrl: undefined },
    id: "units",
    levels: ["ok"],
    what: /^mcp-agent\.service$/,
  },
  // --- the agent ---
  {
    given: "a permission that is missing",
    facts: { grants: { value: { missing: ["--allow-read=/srv"], broader: ["--allow-env"] } } },
    id: "permissions",
    levels: ["error"],
    what: /^missing: --allow-read=\/srv$/,
  },
  {
    given: "a permission too many",
    facts: { grants: { value: { missing: [], broader: ["--allow-env"] } } },
    id: "permissions",
    levels: ["warning"],
    what: /--allow-env/,
    fix: /^mcp-agent install --yes && systemctl restart mcp-agent$/,
  },
  {
    given: "a damaged registry, and a snapshot",
    facts: {
      registry: { value: { damage: "it is damaged", uid: 995, since: now } },
    },
    id: "registry",
    levels: ["error"],
    fix:
      /^systemctl stop mcp-agent && runuser -u mcp -- mcp-agent restore --config \S+ \/srv\/mcp\/backups\/mcp-2030-05-31T12-00-00\.000Z\.db && systemctl start mcp-agent$/,
  },
  {
    given: "no registry and no snapshot",
    facts: { registry: { value: undefined }, snapshots: [] },
    id: "registry",
    levels: ["error"],
    fix: /^systemctl start mcp-agent$/,
  },
  {
    given: "a registry of root",
    facts: { registry: { value: { damage: undefined, uid: 0, since: now } } },
    id: "registry",
    levels: ["error"],
    fix: /^chown mcp: \/srv\/mcp\/mcp\.db\*/,
  },
  { given: "a registry unseen", facts: { registry: unseen }, id: "registry", levels: ["unknown"] },
  {
    given: "no snapshot of an old registry",
    facts: { snapshots: [] },
    id: "snapshots",
    levels: ["warning"],
    fix:
      /^runuser -u mcp -- mcp-agent snapshot --config \S+ && systemctl enable --now mcp-agent-backup\.timer$/,
  },
  {
    given: "no snapshot of a new registry",
    facts: {
      snapshots: [],
      registry: { value: { damage: undefined, uid: 995, since: at(-day) } },
    },
    id: "snapshots",
    levels: ["ok"],
  },
  {
    given: "an old snapshot",
    facts: { snapshots: ["/srv/mcp/backups/mcp-2030-05-29T00-00-00.000Z.db"] },
    id: "snapshots",
    levels: ["warning"],
    what: /^the latest is 3d old/,
  },
  {
    given: "MCIAS that answers",
    config: { auth: mcias },
    id: "identity_provider",
    levels: ["ok"],
    what: /^MCIAS at https:\/\/mcias\.example:8443/,
  },
  {
    given: "MCIAS that does not answer",
    config: { auth: mcias },
    facts: { provider: { failure: "Cannot ask: no answer within 5 s" } },
    id: "identity_provider",
    levels: ["error"],
    fix: /--cacert \/srv\/mcp\/mcias\.pem https:\/\/mcias\.example:8443\/v1\/health$/,
  },
  {
    given: "an OIDC provider that does not answer",
    config: { auth: oidc },
    facts: { provider: { failure: "Cannot discover" } },
    id: "identity_provider",
    levels: ["error"],
    fix: /https:\/\/id\.example\/\.well-known\/openid-configuration$/,
  },
  {
    given: "no provider but the agent's own",
    facts: { provider: { failure: "never asked" } },
    id: "identity_provider",
    levels: ["ok"],
  },
];

for (const { given, facts, config, id, levels, what, fix } of rows) {
  Deno.test({
    name: `findingsOf() says of ${id}: ${[...new Set(levels)].join(", ")}, given ${given}`,
    permissions: "none",
    fn: () => {
      const found = findingsOf({ ...installed, ...config }, { ...wellFacts, ...facts })
        .filter((finding) => finding.id === id);
      deepStrictEqual(found.map(({ level }) => level), levels, JSON.stringify(found));
      if (what !== undefined) match(found[0]?.what ?? "", what);
      if (fix !== undefined) match(found[0]?.fix ?? "", fix);
      for (const finding of found) requireComplete(finding);
    },
  });
}

/** What is wrong says what comes of it and what to do; what is well says neither. */
function requireComplete({ level, what, why, fix }: Finding): void {
  ok(what !== "");
  strictEqual(why !== "", level === "error" || level === "warning", why);
  if (level === "ok") strictEqual(fix, "");
  doesNotMatch(`${what}${why}${fix}`, /undefined|NaN|\[object/);
}

Deno.test({
  name: "findingsOf() finds nothing wrong with a node that is well, and looks at each thing once",
  permissions: "none",
  fn: () => {
    const findings = findingsOf(installed, wellFacts);
    deepStrictEqual(findings.filter(({ level }) => level !== "ok"), []);
    const ids = findings.map(({ id }) => id);
    deepStrictEqual(ids, [...new Set(ids)]);
    // Every row above is about something that is looked at.
    deepStrictEqual(
      rows.filter(({ id }) => !["rootless", "container_network"].includes(id) && !ids.includes(id)),
      [],
    );
    findings.forEach(requireComplete);
  },
});
