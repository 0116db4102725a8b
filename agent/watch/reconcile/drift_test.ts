import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { componentDefaults, type ComponentSpec } from "../../../lib/domain/component_spec.ts";
import type { DescribedContainer, ImageDefaults } from "../../runtime/runtime.ts";
import { fieldDrift } from "./drift.ts";

const imageId = "a".repeat(64);
const otherId = "b".repeat(64);
const web: ComponentSpec = { ...componentDefaults, name: "web", image: "registry.example/web:v1" };

const brought: ImageDefaults = {
  user: "app",
  env: { PATH: "/bin", TZ: "CET" },
  labels: { vendor: "us" },
  workdir: "/srv",
  entrypoint: ["/bin/web"],
  cmd: ["--serve"],
  stopSignal: "SIGINT",
};

function found(
  change: Partial<ComponentSpec>,
  rest: Partial<DescribedContainer> = {},
): DescribedContainer {
  const spec = { ...web, name: "shop-web", ...change };
  return {
    ...{ id: "c".repeat(64), imageId, imageDigest: "", brought, unexpressed: [], ofItsOwn: [] },
    spec,
    ...rest,
  };
}

function fields(
  deployed: Partial<ComponentSpec>,
  container: DescribedContainer,
  rest: {
    readonly imageId?: string;
    readonly isOurs?: boolean;
    readonly secretNames?: Readonly<Record<string, string>>;
  } = {},
): string[] {
  const remembered = {
    spec: { ...web, ...deployed },
    imageId,
    imageDigest: "",
    isOurs: true,
    ...rest,
  };
  return fieldDrift(remembered, container)
    .map(({ field, before, after }) => `${field}: ${before} > ${after}`);
}

/** What was deployed, and what is found to be the same. */
const same: readonly (readonly [string, Partial<ComponentSpec>, Partial<ComponentSpec>])[] = [
  ["memory in another unit", { memory: "1g" }, { memory: "1024m" }],
  ["memory in bytes", { memory: "512m" }, { memory: "536870912" }],
  ["a core counted coarsely", { cpus: 0.3333333 }, { cpus: 0.33333 }],
  ["a port of all addresses", { ports: ["80:8080"] }, { ports: ["0.0.0.0:80:8080"] }],
  ["a port with its protocol", { ports: ["080:80/tcp"] }, { ports: ["80:80"] }],
  ["an address written at length", { ports: ["[0:0:0:0:0:0:0:1]:80:80"] }, {
    ports: ["[::1]:80:80"],
  }],
  ["ports in another order", { ports: ["1:1", "2:2"] }, { ports: ["2:2", "1:1"] }],
  ["a volume that may be written", { volumes: ["/srv/a:/a:rw"] }, { volumes: ["/srv/a:/a"] }],
  ["options in another order", { volumes: ["v:/a:z,ro"] }, { volumes: ["v:/a:ro,z"] }],
  ["a file system in memory", { tmpfs: ["/t:rw,size=1m"] }, { tmpfs: ["/t:size=1m,nodev"] }],
  ["a device under its own name", { devices: ["/dev/null:/dev/null:mwr"] }, {
    devices: ["/dev/null"],
  }],
  ["a short signal", { stopSignal: "QUIT" }, { stopSignal: "SIGQUIT" }],
  ["the image's signal", { stopSignal: "2" }, {}],
  ["a time in whole seconds", { stopTimeoutMs: 1_200 }, { stopTimeoutMs: 2_000 }],
  ["a limit of one number", { ulimits: { nofile: "512" } }, { ulimits: { nofile: "512:512" } }],
  ["on-failure without a number", { restart: "on-failure:0" }, { restart: "on-failure" }],
  ["root by number", { user: "root:0" }, { user: "0:root" }],
  ["the image's user", { user: "app" }, {}],
  ["the image's variable", { env: { TZ: "CET" } }, {}],
  ["the image's label", { labels: { vendor: "us" } }, {}],
  ["the image's folder", { workdir: "/srv/" }, {}],
  ["the image's command", { cmd: ["--serve"] }, {}],
  ["the image's entrypoint and command", { entrypoint: ["/bin/web"], cmd: ["--serve"] }, {}],
  ["the runtime's network by its name", { network: "slirp4netns" }, {}],
  ["capabilities in another order", { capAdd: ["A", "B"] }, { capAdd: ["B", "A"] }],
  [
    "a version of the secret",
    { secrets: [{ name: "key", target: "/key", mode: 0o400, uid: 0, gid: 0 }] },
    { secrets: [{ name: "mcp.shop.key.3", target: "/key", mode: 0o400, uid: 0, gid: 0 }] },
  ],
  [
    "what is not the runtime's",
    { kind: "job", pull: "never", dependsOn: ["db"] },
    { kind: "service" },
  ],
];
for (const [given, deployed, change] of same) {
  Deno.test({
    name: `fieldDrift() is none given ${given}`,
    permissions: "none",
    fn: () => deepStrictEqual(fields(deployed, found(change)), []),
  });
}

/** What was deployed, what is found, and what is told. */
const different: readonly (readonly [
  string,
  Partial<ComponentSpec>,
  Partial<ComponentSpec>,
  readonly string[],
])[] = [
  ["less memory", { memory: "1g" }, { memory: "512m" }, ["memory: 1g > 512m"]],
  ["no limit any more", { memory: "1g" }, {}, ["memory: 1g > "]],
  ["a variable more", {}, { env: { DEBUG: "1" } }, ["env.DEBUG:  > 1"]],
  ["the image's variable changed", {}, { env: { TZ: "UTC" } }, ["env.TZ: CET > UTC"]],
  ["another port", { ports: ["80:80"] }, { ports: ["81:80"] }, ["ports: 80:80 > 81:80"]],
  ["a port of one address", { ports: ["80:80"] }, { ports: ["127.0.0.1:80:80"] }, [
    "ports: 80:80 > 127.0.0.1:80:80",
  ]],
  ["a volume that may not be written", { volumes: ["v:/a"] }, { volumes: ["v:/a:ro"] }, [
    "volumes: v:/a > v:/a:ro",
  ]],
  ["an entrypoint without the image's command", {}, { entrypoint: ["/bin/web"] }, [
    "cmd[0]: --serve > ",
  ]],
  ["another signal", {}, { stopSignal: "SIGKILL" }, ["stop_signal: SIGINT > SIGKILL"]],
  [
    "another secret's mode",
    {
      secrets: [{ name: "key", target: "/key", mode: 0o400, uid: 0, gid: 0 }],
    },
    { secrets: [{ name: "key", target: "/key", mode: 0o444, uid: 0, gid: 0 }] },
    [
      "secrets.key.mode: 0400 > 0444",
    ],
  ],
];
for (const [given, deployed, change, told] of different) {
  Deno.test({
    name: `fieldDrift() given ${given}`,
    permissions: "none",
    fn: () => deepStrictEqual(fields(deployed, found(change)), told),
  });
}

const keyMount = { target: "/key", mode: 0o400, uid: 0, gid: 0 };

for (
  const [given, mounted, told] of [
    ["the version that was deployed", [{ name: "mcp.shop.key.3", ...keyMount }], []],
    ["an earlier version", [{ name: "mcp.shop.key.2", ...keyMount }], [
      "secrets.key: version 3 > version 2",
    ]],
    ["a secret of somebody else", [{ name: "theirs", ...keyMount }], [
      "secrets.key: version 3 > theirs",
    ]],
    ["the version at another path", [{ name: "mcp.shop.key.3", ...keyMount, target: "/k" }], [
      "secrets.key.target: /key > /k",
    ]],
    ["none", [], [
      'secrets.key: {"target":"/key","uid":0,"gid":0,"mode":"0400"} > ',
    ]],
  ] as const
) {
  Deno.test({
    name: `fieldDrift() of a secret given ${given}`,
    permissions: "none",
    fn: () =>
      deepStrictEqual(
        fields({ secrets: [{ name: "key", ...keyMount }] }, found({ secrets: mounted }), {
          secretNames: { key: "mcp.shop.key.3" },
        }),
        told,
      ),
  });
}

/** What the image was called, what it is called, whether it is the same one, and what is told. */
const images: readonly (readonly [string, string, string, string, readonly string[]])[] = [
  ["the very same", "registry.example/web:v1", "registry.example/web:v1", imageId, []],
  [
    "the same by its digest",
    "registry.example/web:v1",
    `registry.example/web@sha256:${otherId}`,
    imageId,
    [],
  ],
  ["the same under any name", "registry.example/web:v1", "other.example/x:v9", imageId, []],
  ["a short name", "web", "docker.io/library/web:latest", "", []],
  [
    "a tag that has moved",
    "registry.example/web:v1",
    "registry.example/web:v1",
    otherId,
    ["image_digest: bbbbbbbbbbbb > aaaaaaaaaaaa"],
  ],
  [
    "another tag",
    "registry.example/web:v1",
    "registry.example/web:v2",
    otherId,
    ["image: registry.example/web:v1 > registry.example/web:v2"],
  ],
  [
    "another repository that ends alike",
    "registry.example/web:v1",
    "registry.example/myweb:v1",
    "",
    ["image: registry.example/web:v1 > registry.example/myweb:v1"],
  ],
];
for (const [given, deployed, image, id, told] of images) {
  Deno.test({
    name: `fieldDrift() of the image given ${given}`,
    permissions: "none",
    fn: () => deepStrictEqual(fields({ image: deployed }, found({ image }), { imageId: id }), told),
  });
}

Deno.test({
  name:
    "fieldDrift() tells what no spec can say of a container that MCP made, and not of an adopted one",
  permissions: "none",
  fn: () => {
    const container = found({}, { unexpressed: ["--sysctl"], ofItsOwn: ["--sysctl"] });
    deepStrictEqual(fields({}, container), ["unexpressed:  > --sysctl"]);
    strictEqual(fields({}, container, { isOurs: false }).length, 0);
  },
});
