import { componentDefaults } from "../domain/component_spec.ts";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { ServiceSpecSchema } from "../../proto/gen/mcp/v1/mcp_pb.ts";
import type { ServiceSpec } from "../domain/service_spec.ts";
import { requireSpec, specFromWire, specToWire } from "./specs.ts";

const spec: ServiceSpec = {
  name: "metacrypt",
  active: true,
  components: [
    {
      ...componentDefaults,
      name: "api",
      image: "registry.example/metacrypt:v1",
      network: "mcpnet",
      user: "0:0",
      restart: "on-failure:3",
      ports: ["127.0.0.1:18443:8443", "53:53/udp"],
      volumes: ["/srv/metacrypt:/srv/metacrypt:ro"],
      cmd: ["server", "--config", "ü\n"],
      kind: "service",
      entrypoint: ["/bin/tini", "--"],
      env: { TZ: "UTC", "with.dot": 'a "b"\nc' },
      secrets: [{ name: "password", target: "/run/secrets/password", mode: 0o440, uid: 5, gid: 6 }],
      workdir: "/srv/metacrypt",
      hostname: "crypt",
      labels: { "org.example/team": "ops" },
      healthcheck: {
        probe: { kind: "https", port: 8443, path: "/healthz?full=1" },
        intervalMs: 10_000,
        timeoutMs: 1_500,
        retries: 5,
        startPeriodMs: 0,
      },
      memory: "512m",
      cpus: 1.5,
      pids: 100,
      ulimits: { nofile: "1024:2048" },
      capAdd: ["NET_BIND_SERVICE"],
      capDrop: ["ALL"],
      readOnly: true,
      tmpfs: ["/tmp:size=64m"],
      devices: ["/dev/fuse"],
      dependsOn: ["web"],
      stopSignal: "SIGQUIT",
      stopTimeoutMs: 90_000,
      pull: "missing",
      privileged: true,
      hostNamespaces: ["pid", "ipc"],
    },
    {
      ...componentDefaults,
      name: "web",
      image: "registry.example/metacrypt-web:v1",
      network: "",
      user: "",
      restart: "no",
      ports: [],
      volumes: [],
      cmd: [],
    },
  ],
};

/** The spec as it is after a journey over the wire. */
function overTheWire(sent: ServiceSpec) {
  return fromBinary(
    ServiceSpecSchema,
    toBinary(ServiceSpecSchema, create(ServiceSpecSchema, specToWire(sent))),
  );
}

for (
  const [given, sent] of [
    ["a whole service", spec],
    ["an inactive service", { ...spec, active: false }],
    ["a service of nothing", { name: "", active: false, components: [] }],
  ] as const
) {
  Deno.test({
    name: `specFromWire() reads what specToWire() sent given ${given}`,
    permissions: "none",
    fn: () => deepStrictEqual(specFromWire(overTheWire(sent)), sent),
  });
}

Deno.test({
  name: "specFromWire() takes a restart policy that is not sent for the default",
  permissions: "none",
  fn: () => {
    const wire = create(ServiceSpecSchema, { name: "a", components: [{ name: "b", image: "c" }] });
    strictEqual(specFromWire(wire).components[0]?.restart, "unless-stopped");
  },
});

Deno.test({
  name: "requireSpec() returns a spec that makes sense",
  permissions: "none",
  fn: () => deepStrictEqual(requireSpec(overTheWire(spec)), spec),
});

Deno.test({
  name: "requireSpec() refuses a spec with all its mistakes",
  permissions: "none",
  fn: () => {
    const wire = create(ServiceSpecSchema, {
      name: "metacrypt",
      components: [{ name: "api", image: "--privileged", ports: ["80"] }],
    });
    throws(() => requireSpec(wire), {
      kind: "invalid",
      message: 'Cannot use the spec of service "metacrypt"',
      details: [
        "components[0].image: expected an image reference like " +
        '"registry.example/name:tag", found "--privileged"',
        'components[0].ports[0]: expected "host:container" with an optional address before ' +
        'and "/tcp" or "/udp" after, found "80"',
      ],
    });
  },
});

Deno.test({
  name: "requireSpec() refuses a request without a service",
  permissions: "none",
  fn: () => throws(() => requireSpec(undefined), { kind: "invalid" }),
});
