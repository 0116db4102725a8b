import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { complaintsAboutComponent } from "../../../lib/domain/component_complaints.ts";
import { componentDefaults, type ComponentSpec } from "../../../lib/domain/component_spec.ts";
import type { NewContainer } from "../runtime.ts";
import {
  createSecretArgv,
  deathsArgv,
  execArgv,
  inspectArgv,
  listArgv,
  listSecretsArgv,
  logTailArgv,
  podmanArgv,
  pullArgv,
  removeArgv,
  removeImageArgv,
  removeSecretArgv,
  renameArgv,
  restartArgv,
  runArgv,
  startArgv,
  stopArgv,
  versionArgv,
  watchArgv,
} from "./argv.ts";

const least: ComponentSpec = {
  ...componentDefaults,
  name: "web",
  image: "registry.example/shop-web:v1",
  network: "",
  user: "",
  restart: "unless-stopped",
  ports: [],
  volumes: [],
  cmd: [],
};
const most: ComponentSpec = {
  ...least,
  network: "mcpnet",
  user: "1000:1000",
  restart: "on-failure:5",
  ports: ["127.0.0.1:18443:8443", "53:53/udp"],
  volumes: ["/srv/shop:/srv/shop", "cache:/cache:ro,z"],
  cmd: ["serve", "--privileged", "a b", ""],
  entrypoint: ["/bin/tini", "--"],
  env: { TZ: "UTC", GREETING: "a b\nc" },
  workdir: "/srv/shop",
  hostname: "shop",
  labels: { "org.example.team": "ops" },
  memory: "512m",
  cpus: 1.5,
  pids: 100,
  ulimits: { nofile: "1024:2048" },
  capAdd: ["NET_BIND_SERVICE"],
  capDrop: ["ALL"],
  readOnly: true,
  tmpfs: ["/tmp:size=64m"],
  devices: ["/dev/fuse"],
  privileged: true,
  hostNamespaces: ["pid"],
  stopSignal: "SIGQUIT",
  stopTimeoutMs: 30_000,
};
const labels = { "mcp.service": "shop", "mcp.revision": "7" };

function container(spec: ComponentSpec): NewContainer {
  return { name: "shop-web", spec, labels, pull: "never" };
}

const lines: readonly (readonly [string, string[], string])[] = [
  ["podman itself", podmanArgv({ program: "podman", url: undefined }), "podman"],
  [
    "podman's API service",
    podmanArgv({ program: "/usr/bin/podman", url: "unix:///run/mcp-podman/podman.sock" }),
    "/usr/bin/podman --remote --url=unix:///run/mcp-podman/podman.sock",
  ],
  ["version", versionArgv(), "version --format=json"],
  ["list", listArgv(), "ps --all --no-trunc --format=json"],
  ["inspect", inspectArgv("shop-web"), "container inspect shop-web"],
  [
    "pull",
    pullArgv("registry.example/x:v1", { quiet: true }),
    "pull --quiet registry.example/x:v1",
  ],
  [
    "pull, and tell how it goes",
    pullArgv("registry.example/x:v1", { quiet: false }),
    "pull registry.example/x:v1",
  ],
  ["exec", execArgv("web", ["cat", "--version"]), "exec web cat --version"],
  [
    "run of the least there is to say",
    runArgv(container(least)),
    "run --detach --pull=never --name=shop-web --label=mcp.service=shop --label=mcp.revision=7" +
    " --restart=unless-stopped registry.example/shop-web:v1",
  ],
  [
    "run of all there is to say",
    runArgv({ ...container(most), pull: "missing" }),
    "run --detach --pull=missing --name=shop-web --label=org.example.team=ops" +
    " --label=mcp.service=shop --label=mcp.revision=7" +
    " --network=mcpnet --user=1000:1000 --restart=on-failure:5" +
    " --publish=127.0.0.1:18443:8443 --publish=53:53/udp" +
    " --volume=/srv/shop:/srv/shop --volume=cache:/cache:ro,z" +
    " --env=TZ=UTC --env=GREETING=a b\nc" +
    ' --entrypoint=["/bin/tini","--"] --workdir=/srv/shop --hostname=shop' +
    " --memory=512m --cpus=1.5 --pids-limit=100 --ulimit=nofile=1024:2048" +
    " --cap-add=NET_BIND_SERVICE --cap-drop=ALL --read-only --tmpfs=/tmp:size=64m" +
    " --device=/dev/fuse --privileged --pid=host --stop-signal=SIGQUIT --stop-timeout=30" +
    " registry.example/shop-web:v1 serve --privileged a b ",
  ],
  [
    "run with secrets",
    runArgv({
      ...container({
        ...least,
        secrets: [
          { name: "key", target: "/run/secrets/key", mode: 0o400, uid: 0, gid: 0 },
          { name: "theirs", target: "/etc/theirs", mode: 0o44, uid: 33, gid: 34 },
        ],
      }),
      secrets: { key: "mcp.shop.key.3" },
    }),
    "run --detach --pull=never --name=shop-web --label=mcp.service=shop --label=mcp.revision=7" +
    " --restart=unless-stopped" +
    " --secret=mcp.shop.key.3,type=mount,target=/run/secrets/key,mode=0400,uid=0,gid=0" +
    " --secret=theirs,type=mount,target=/etc/theirs,mode=0044,uid=33,gid=34" +
    " registry.example/shop-web:v1",
  ],
  ["the secrets", listSecretsArgv(), "secret ls --format={{.Name}}"],
  ["a new secret", createSecretArgv("mcp.shop.key.3"), "secret create mcp.shop.key.3 -"],
  ["a secret's end", removeSecretArgv("mcp.shop.key.3"), "secret rm mcp.shop.key.3"],
  ["start", startArgv("shop-web"), "start shop-web"],
  ["stop", stopArgv("shop-web", 10_000), "stop --time=10 shop-web"],
  ["stop within a part of a second", stopArgv("shop-web", 1), "stop --time=1 shop-web"],
  ["stop at once", stopArgv("shop-web", 0), "stop --time=0 shop-web"],
  ["restart", restartArgv("shop-web", 2_500), "restart --time=3 shop-web"],
  ["rename", renameArgv("shop-web", "shop-web.previous"), "rename shop-web shop-web.previous"],
  ["remove", removeArgv("shop-web"), "rm --force --time=0 shop-web"],
  [
    "the ends of a container",
    deathsArgv("af73f3189b75"),
    "events --stream=false --since=10m --filter=container=af73f3189b75 --filter=event=died" +
    " --format=json",
  ],
  [
    "events to come",
    watchArgv({ forMs: 300_000, since: 0 }),
    "events --format=json --filter=type=container --since=0s --until=300s",
  ],
  [
    "events since another one, and to come",
    watchArgv({ forMs: 300_000, since: new Date(Date.UTC(2030, 0, 1, 0, 0, 0, 7)) }),
    "events --format=json --filter=type=container --since=2030-01-01T00:00:00.007Z --until=300s",
  ],
  [
    "events of five minutes, and to come",
    watchArgv({ forMs: 300_000, since: 300_000 }),
    "events --format=json --filter=type=container --since=300s --until=300s",
  ],
  ["the end of a log", logTailArgv("shop-web", 50), "logs --tail=50 shop-web"],
];
for (const [given, argv, line] of lines) {
  Deno.test({
    name: `the command line of ${given}`,
    permissions: "none",
    fn: () => strictEqual(argv.join(" "), line),
  });
}

Deno.test({
  name: "removeImageArgv() takes no container along",
  permissions: "none",
  fn: () => deepStrictEqual(removeImageArgv("a:v1", "b:v1"), ["image", "rm", "a:v1", "b:v1"]),
});

Deno.test({
  name: "runArgv() keeps every argument of the command whole, behind the image",
  permissions: "none",
  fn: () => deepStrictEqual(runArgv(container(most)).slice(-5), [most.image, ...most.cmd]),
});

/** What somebody might try, and what is right, often enough to be let through. */
const hostile = fc.oneof(
  fc.constantFrom(
    ...["--privileged", "-v", "-", "--", "--volume=/:/host", "a b", "a\nb", "\0", "", "$(id)", "'"],
    ...[
      "--pid=host",
      "x --privileged",
      "host",
      "container:other",
      "ns:/proc/1/ns/net",
      "a,b",
      "a=b",
    ],
  ),
  fc.string(),
);
function or(hostileTexts: fc.Arbitrary<string>, ...right: readonly string[]): fc.Arbitrary<string> {
  return fc.oneof({ weight: 12, arbitrary: fc.constantFrom(...right) }, hostileTexts);
}
const specs: fc.Arbitrary<ComponentSpec> = fc.record({
  name: or(hostile, "web", "api"),
  image: or(hostile, "registry.example:5000/a/b:v1", "localhost/x", "busybox"),
  network: or(hostile, "", "mcpnet", "host"),
  user: or(hostile, "", "0:0", "app"),
  restart: or(hostile, "no", "always", "on-failure:3"),
  ports: fc.array(or(hostile, "80:80", "127.0.0.1:1:1/udp", "[::1]:5:5"), { maxLength: 3 }),
  volumes: fc.array(or(hostile, "/srv/a:/a", "v:/v:ro", "/-a:/--b"), { maxLength: 3 }),
  cmd: fc.array(hostile, { maxLength: 4 }),
  env: fc.dictionary(or(hostile, "TZ", "A"), hostile, { maxKeys: 2 }),
  entrypoint: fc.array(or(hostile, "/bin/sh"), { maxLength: 2 }),
  workdir: or(hostile, "", "/srv"),
  hostname: or(hostile, "", "shop"),
  labels: fc.dictionary(or(hostile, "team", "mcp.service"), hostile, { maxKeys: 2 }),
  memory: or(hostile, "", "512m"),
  ulimits: fc.dictionary(or(hostile, "nofile"), or(hostile, "1:2"), { maxKeys: 1 }),
  capAdd: fc.array(or(hostile, "NET_RAW", "ALL"), { maxLength: 2 }),
  tmpfs: fc.array(or(hostile, "/tmp", "/run:size=1m"), { maxLength: 2 }),
  devices: fc.array(or(hostile, "/dev/fuse", "/dev/a:/dev/b:r"), { maxLength: 2 }),
  stopSignal: or(hostile, "", "SIGTERM"),
}).map((base): ComponentSpec => ({ ...componentDefaults, ...base }));

/** Reads a command line as podman does: flags, then the image, then what is the container's. */
function readRun(argv: readonly string[]) {
  const [verb, ...rest] = argv;
  const flags = rest.slice(0, rest.findIndex((argument) => !argument.startsWith("-")));
  const [image, ...cmd] = rest.slice(flags.length);
  return { verb, flags, image, cmd };
}

Deno.test({
  name: "runArgv() makes no flag and no other image of anything a sensible spec can hold",
  permissions: "none",
  fn: () => {
    let sensible = 0;
    fc.assert(
      fc.property(specs, (spec) => {
        if (complaintsAboutComponent(spec, []).length > 0) return;
        sensible++;
        const { verb, flags, image, cmd } = readRun(runArgv(container(spec)));
        deepStrictEqual([verb, image, cmd], ["run", spec.image, spec.cmd]);
        const own = Object.entries(spec.labels).map(([key, value]) => `--label=${key}=${value}`);
        const options = flags.length - 6 - own.length - [spec.network, spec.user]
          .filter((text) => text !== "").length -
          spec.ports.length - spec.volumes.length;
        deepStrictEqual(flags.slice(0, flags.length - options), [
          "--detach",
          "--pull=never",
          "--name=shop-web",
          ...own,
          "--label=mcp.service=shop",
          "--label=mcp.revision=7",
          ...(spec.network === "" ? [] : [`--network=${spec.network}`]),
          ...(spec.user === "" ? [] : [`--user=${spec.user}`]),
          `--restart=${spec.restart}`,
          ...spec.ports.map((port) => `--publish=${port}`),
          ...spec.volumes.map((volume) => `--volume=${volume}`),
        ]);
        const free = /^--(env|label|entrypoint|workdir|tmpfs)=/;
        for (const argument of flags) {
          ok(!argument.includes("\0"), argument);
          ok(free.test(argument) || !/\s/.test(argument), argument);
        }
        for (const argument of flags.slice(flags.length - options)) {
          ok(
            /^--(env|entrypoint|workdir|hostname|memory|ulimit|cap-add|tmpfs|device|stop-signal)=/
              .test(argument),
            argument,
          );
        }
      }),
      { numRuns: 4_000 },
    );
    ok(sensible > 100, `only ${sensible} specs made sense`);
  },
});
