import { deepStrictEqual, notStrictEqual, ok, strictEqual } from "node:assert/strict";
import { componentDefaults, type ComponentSpec } from "../../lib/domain/component_spec.ts";
import { healthCheckDefaults } from "../../lib/domain/health_check.ts";
import { complaintsAbout, type ServiceSpec } from "../../lib/domain/service_spec.ts";
import { fieldNames, keyOf } from "../../lib/domain/component_fields.ts";
import { exportService } from "./export.ts";
import { type Exported, foreignFormats } from "./exported.ts";

const web: ComponentSpec = {
  ...componentDefaults,
  name: "web",
  image: "registry.example/web:v1",
  // A job may have no other.
  restart: "no",
  // A check needs one.
  ports: ["8080:80"],
};
const db: ComponentSpec = { ...componentDefaults, name: "db", image: "registry.example/db:v1" };

function service(change: Partial<ComponentSpec>): ServiceSpec {
  return { name: "shop", active: true, components: [{ ...web, ...change }, db] };
}

/** Something that each field may say and does not by default. A new field is missed by the types. */
const changes: Readonly<Record<keyof ComponentSpec, readonly Partial<ComponentSpec>[]>> = {
  name: [{ name: "site" }],
  image: [{ image: "localhost/web:v2" }],
  kind: [{ kind: "job" }],
  pull: [{ pull: "missing" }, { pull: "never" }],
  network: [{ network: "host" }, { network: "none" }, { network: "shop" }, { network: "bridge" }],
  user: [{ user: "1000" }, { user: "root:5" }, { user: "www-data" }, { user: "1:staff" }],
  restart: [{ restart: "always" }, { restart: "on-failure" }, { restart: "unless-stopped" }],
  ports: [{ ports: [] }, { ports: ["127.0.0.1:8080:80"] }, { ports: ["[::1]:8080:80/udp"] }],
  volumes: [
    { volumes: ["/srv/shop:/data"] },
    { volumes: ["data:/data"] },
    { volumes: ["x.volume:/data:Z"] },
  ],
  entrypoint: [{ entrypoint: ["/bin/sh"] }],
  cmd: [{ cmd: ["serve"] }, { cmd: [""] }, { cmd: [";"] }, { cmd: ["$$"] }],
  workdir: [{ workdir: "/data" }, { workdir: "/data " }],
  hostname: [{ hostname: "web" }, { hostname: "web.Example" }],
  dependsOn: [{ dependsOn: ["db"] }],
  env: [{ env: { A: "" } }, { env: { A: "$(A)" } }],
  secrets: [
    { secrets: [{ name: "pw", target: "/run/secrets/pw", mode: 0o400, uid: 0, gid: 0 }] },
    { secrets: [{ name: "pw", target: "/etc/a:b", mode: 0o444, uid: 1, gid: 1 }] },
  ],
  labels: [{ labels: { team: "ops" } }, { labels: { "a/b": "two words" } }, {
    labels: { "a[0]": "1" },
  }],
  healthcheck: [
    { healthcheck: { ...healthCheckDefaults, probe: { kind: "http", port: 80, path: "/" } } },
    { healthcheck: { ...healthCheckDefaults, probe: { kind: "tcp", port: 80 } } },
    { healthcheck: { ...healthCheckDefaults, probe: { kind: "exec", command: ["true", "x"] } } },
    { healthcheck: { ...healthCheckDefaults, probe: { kind: "exec", command: ["none"] } } },
    { healthcheck: { ...healthCheckDefaults, probe: { kind: "exec", command: ["a b"] } } },
  ],
  memory: [{ memory: "64m" }],
  cpus: [{ cpus: 0.5 }],
  pids: [{ pids: 10 }],
  ulimits: [{ ulimits: { nofile: "1024" } }],
  capAdd: [{ capAdd: ["CHOWN"] }],
  capDrop: [{ capDrop: ["ALL"] }],
  readOnly: [{ readOnly: true }],
  tmpfs: [{ tmpfs: ["/tmp"] }, { tmpfs: ['/a "b":size=1m,mode=0700,ro'] }],
  devices: [{ devices: ["/dev/fuse"] }],
  privileged: [{ privileged: true }],
  hostNamespaces: [{ hostNamespaces: ["pid"] }, { hostNamespaces: ["ipc"] }, {
    hostNamespaces: ["uts"],
  }],
  stopSignal: [{ stopSignal: "SIGQUIT" }],
  stopTimeoutMs: [{ stopTimeoutMs: 1_500 }],
};

/** What a program reads of the files. */
function withoutComments({ files }: Exported): string {
  return files.map(({ name, text }) => `${name}\n${text.replaceAll(/^#.*\n/gm, "")}`).join("\n");
}

for (const format of foreignFormats) {
  for (const field of fieldNames) {
    Deno.test({
      name: `exportService() as ${format} says ${keyOf(field)}, or tells that it cannot`,
      permissions: "none",
      fn() {
        const before = exportService(service({}), format);
        for (const change of changes[field]) {
          deepStrictEqual(complaintsAbout(service(change)), []);
          const after = exportService(service(change), format);
          const isSaid = withoutComments(after) !== withoutComments(before);
          const isTold = after.notes.some(({ component, key }) =>
            component === "web" && key === keyOf(field)
          );
          ok(isSaid || isTold, JSON.stringify(change));
        }
      },
    });
  }

  Deno.test({
    name: `exportService() as ${format} puts all that it tells into the files, whatever is in it`,
    permissions: "none",
    fn() {
      const spec = service({
        labels: { "a[0]": "\n[Install]\nWantedBy=x\u2028---\nkind: Pod" },
        user: "www-data",
        ulimits: { nofile: "1" },
        hostname: "web.Example",
      });
      const { files, notes } = exportService(spec, format);
      const comments = files.flatMap(({ text }) => text.split("\n"))
        .filter((line) => line.startsWith("#")).join("\n");
      for (const { key, what, todo } of notes) {
        ok(comments.includes(`${key}: ${what}`), what);
        ok(comments.includes(todo), todo);
      }
      strictEqual(files.some(({ text }) => /^(WantedBy=x|kind: Bad)/m.test(text)), false);
    },
  });

  Deno.test({
    name: `exportService() as ${format} tells of a service that is stopped`,
    permissions: "none",
    fn() {
      const stopped = exportService({ ...service({ restart: "always" }), active: false }, format);
      const running = exportService(service({ restart: "always" }), format);
      notStrictEqual(withoutComments(stopped), withoutComments(running));
      ok(stopped.notes.some(({ key }) => key === "active"));
    },
  });
}
