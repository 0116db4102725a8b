import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { z } from "zod";
import { complaintsAboutComponent } from "../../../lib/domain/component_complaints.ts";
import { componentDefaults, type ComponentSpec } from "../../../lib/domain/component_spec.ts";
import type { ContainerDescription } from "../runtime.ts";
import { parseDescription } from "./output.ts";

/** Containers made with podman 4.3.1 and many flags, with their images; shortened to what is read. */
const captures = z.record(z.string(), z.object({ container: z.json(), image: z.json() })).parse(
  // Read while the module loads: the tests themselves need no permission.
  JSON.parse(
    await Deno.readTextFile(
      new URL("../../../tests/fixtures/podman/4.3/descriptions.json", import.meta.url),
    ),
  ),
);

function described(name: string): ContainerDescription {
  const { container, image } = captures[name] ?? {};
  return parseDescription("web", JSON.stringify([container]), JSON.stringify([image]));
}

function spec(change: Partial<ComponentSpec>): ComponentSpec {
  return {
    ...componentDefaults,
    name: "web",
    image: "registry.example/shop/web:v1",
    network: "",
    user: "",
    restart: "no",
    ports: [],
    volumes: [],
    cmd: [],
    ...change,
  };
}

const entry = "registry.example/shop/entry:v1";
const anonymousData = "anonymous volume at /var/lib/data: a new container gets an empty one";
const pod = "35b36b01ed8b";

/** What was asked of podman, the capture, what the spec says besides the image, and what is lost. */
const cases: readonly (readonly [string, string, Partial<ComponentSpec>, readonly string[]])[] = [
  ["nothing but an image", "plain", {}, []],
  ["an image with an entrypoint and a volume", "plain_entry", { image: entry }, [anonymousData]],
  [
    "nearly every flag there is",
    "full",
    {
      user: "1000:1000",
      restart: "on-failure:3",
      cmd: ["sleep", "1000"],
      env: { TZ: "UTC", TOKEN: "s3cret" },
      labels: { team: "core" },
      workdir: "/var",
      hostname: "box",
      capAdd: ["NET_ADMIN"],
      capDrop: ["CHOWN"],
      readOnly: true,
      tmpfs: ["/scratch"],
      hostNamespaces: ["pid"],
      devices: ["/dev/null:/dev/extra"],
      ulimits: { nofile: "512:512" },
      stopTimeoutMs: 33_000,
    },
    [
      "terminal",
      "health check of its own",
      "security options: no-new-privileges",
      "DNS: 192.0.2.1",
      "extra hosts: db:192.0.2.2",
      "extra groups: 27",
      "--log-opt",
      "--shm-size",
    ],
  ],
  [
    "an entrypoint of several words",
    "entry",
    { image: entry, entrypoint: ["/bin/busybox", "sh", "-c"], cmd: ["sleep 1000"] },
    [anonymousData],
  ],
  [
    "an entrypoint of one word",
    "entry_string",
    { image: entry, entrypoint: ["/bin/sleep"], cmd: ["1000"] },
    [anonymousData],
  ],
  [
    "two networks, a port of one address and one of UDP",
    "networks",
    { network: "one", ports: ["18053:53/udp", "127.0.0.1:18080:8080"] },
    ["more networks: two"],
  ],
  [
    "every kind of mount",
    "volumes",
    {
      volumes: [
        "cache:/cache",
        "/srv/shop/bind:/bind:ro",
        "/srv/shop/bind:/noexec:nosuid,noexec",
        "/srv/shop/bind/f:/etc/f:z",
      ],
      tmpfs: ["/t"],
    },
    ["anonymous volume at /anonymous: a new container gets an empty one"],
  ],
  ["a read-only named volume and a user", "user", {
    user: "65534",
    restart: "unless-stopped",
    volumes: ["cache:/cache:ro"],
  }, []],
  ["the volumes of another container", "fromcontainer", { volumes: ["cache:/cache"] }, [
    "--volumes-from",
    "anonymous volume at /anonymous: a new container gets an empty one",
  ]],
  ["the network of the host", "hostnet", { network: "host" }, []],
  ["no network", "nonet", { network: "none" }, []],
  ["the default network by its mode", "bridged", { network: "bridge", ports: ["18094:80"] }, []],
  ["the default network with options", "slirp", { ports: ["18081:80"] }, [
    "network options: slirp4netns:port_handler=slirp4netns",
  ]],
  ["an address in a network", "aliased", { network: "one" }, [
    "network options: one:alias=x,ip=10.89.0.40",
  ]],
  ["limits of memory and CPU", "limits", { memory: "64m", cpus: 0.5 }, []],
  ["a share of the CPU", "cpus", {}, ["CPU shares"]],
  [
    "ranges of ports, one of the runtime's choice and one of IPv6",
    "ports",
    {
      restart: "always",
      ports: [
        "18090:8090",
        "18091:8091",
        "18092:8092",
        "45057:8099",
        "[::1]:18093:93/udp",
      ],
    },
    [],
  ],
  ["all privileges", "privileged", { privileged: true, hostNamespaces: ["uts"] }, [
    "user namespace: private",
    "removed when it ends (--rm)",
  ]],
  ["a home of its own, and no hostname", "hostnamed", { env: { HOME: "/root" } }, ["--init"]],
  [
    "a secret, and a variable less than its image has",
    "secretly",
    {
      env: { PATH: "/opt:/bin", HOME: "/root" },
      secrets: [{ name: "tok", target: "/run/secrets/tok", mode: 0o444, uid: 0, gid: 0 }],
    },
    ["environment without: APP"],
  ],
  ["no health check where its image has none", "healthoff", {}, []],
  [
    "the health check of its image",
    "imagehealth",
    { image: "registry.example/shop/health:v1" },
    [],
  ],
  [
    "all capabilities dropped but one",
    "dropall",
    { capAdd: ["NET_BIND_SERVICE"], capDrop: ["ALL"] },
    [],
  ],
  [
    "every option of a spec but limits of memory and CPU",
    "options",
    {
      image: "localhost/web:v1",
      env: { TZ: "UTC", A: "x y=z", B: "l1\nl2" },
      entrypoint: ["/bin/sleep", "1000"],
      workdir: "/bin/",
      ulimits: { nofile: "512:600", core: "0" },
      capAdd: ["NET_ADMIN", "SYS_TIME"],
      capDrop: ["CHOWN"],
      readOnly: true,
      tmpfs: ["/t:size=64m", "/u", "/x:suid,exec,dev,mode=1777,ro", "/tmp:size=1m"],
      devices: ["/dev/null:/dev/extra"],
      hostNamespaces: ["pid", "uts"],
      stopSignal: "SIGQUIT",
      stopTimeoutMs: 33_000,
      secrets: [{ name: "sec1", target: "/run/secrets/x", mode: 0o400, uid: 5, gid: 6 }],
      labels: { "a.b": "c" },
    },
    [],
  ],
  [
    "a client that speaks to podman's service",
    "remote",
    { image: "localhost/web:v1", env: { A: "b" }, ulimits: { nofile: "100:200" } },
    [],
  ],
  [
    "flags that leave no other trace, and a command that looks like one",
    "oddments",
    {
      network: "one",
      volumes: ["/srv/shop/bind:/z:ro,z"],
      cmd: ["sh", "-c", "sleep 1000", "--init"],
      stopSignal: "SIGHUP",
    },
    [
      "network options: one:alias=x",
      "--annotation",
      "--oom-score-adj",
      "--sysctl",
      "--tz",
      "--umask",
    ],
  ],
];
for (const [given, capture, change, unexpressed] of cases) {
  Deno.test({
    name: `parseDescription() of podman 4.3 given ${given}`,
    permissions: "none",
    fn: () => {
      const description = described(capture);
      deepStrictEqual(description, { spec: spec(change), unexpressed });
      deepStrictEqual(complaintsAboutComponent(description.spec, []), []);
    },
  });
}

Deno.test({
  name: "parseDescription() of podman 4.3 given a member of a pod",
  permissions: "none",
  fn: () => {
    const { spec: { network }, unexpressed } = described("inpod");
    strictEqual(network, "");
    deepStrictEqual(unexpressed.map((line) => line.replace(/[0-9a-f]{64}/, pod)), [
      `network of another: container:${pod}`,
      `ipc namespace: container:${pod}`,
      `uts namespace: container:${pod}`,
      "member of a pod",
    ]);
  },
});

Deno.test({
  name: "parseDescription() tells no value of a variable, a label or a secret",
  permissions: "none",
  fn: () => {
    const told = Object.keys(captures).map((name) => described(name).unexpressed.join("\n")).join();
    for (const value of ["s3cret", "UTC", "=core", "/opt", "hush"]) {
      strictEqual(told.includes(value), false, value);
    }
  },
});

/** A capture whose command line is another one; none = it was made through the API. */
function describedWith(
  name: string,
  command: readonly string[],
  env: readonly string[] = [],
): ContainerDescription {
  const { container, image } = captures[name] as unknown as {
    container: CapturedContainer;
    image: unknown;
  };
  const { Config: config } = container;
  const changed = { ...config, CreateCommand: command, Env: [...config.Env, ...env] };
  return parseDescription(
    "web",
    JSON.stringify([{ ...container, Config: changed }]),
    JSON.stringify([image]),
  );
}

interface CapturedContainer {
  readonly Config: { readonly Env: readonly string[] };
}

Deno.test({
  name: "parseDescription() of podman 4.3 given no command line tells what came of it",
  permissions: "none",
  fn: () => {
    const { spec: { entrypoint, cmd, env, ulimits, capAdd, capDrop, tmpfs, stopTimeoutMs } } =
      describedWith("options", []);
    deepStrictEqual({ entrypoint, cmd, env, ulimits, capAdd, capDrop, tmpfs, stopTimeoutMs }, {
      entrypoint: ["/bin/sleep", "1000"],
      cmd: [],
      env: { TZ: "UTC", A: "x y=z", B: "l1\nl2" },
      // Those that a configuration usually sets are not told.
      ulimits: { core: "0:0" },
      capAdd: ["NET_ADMIN", "SYS_TIME"],
      capDrop: ["CHOWN"],
      tmpfs: ["/t:size=64m", "/tmp:size=1m", "/u", "/x:suid,exec,dev,mode=1777,ro"],
      stopTimeoutMs: 33_000,
    });
  },
});

Deno.test({
  name:
    "parseDescription() shows no secret that is a variable, and nothing that podman's configuration adds",
  permissions: "none",
  fn: () => {
    const command = ["podman", "run", "--secret=tok,type=env,target=TOKEN", "-e", "A=1", "image"];
    const added = ["TOKEN=hush", "A=1", "https_proxy=http://proxy.example", "FROM_CONF=1"];
    const { spec, unexpressed } = describedWith("plain", command, added);
    deepStrictEqual([spec.env, spec.secrets], [{ A: "1" }, []]);
    deepStrictEqual(unexpressed, ["secrets as variables: TOKEN"]);
  },
});

/** What podman 5 documents: lists where 4.3 has texts, fields that are left out, pasta. */
const five = {
  container: {
    Id: "a".repeat(64),
    ImageName: "registry.example/shop/web:v1",
    Image: "b".repeat(64),
    Mounts: [{ Type: "bind", Source: "/srv/shop", Destination: "/srv/shop", RW: true }],
    NetworkSettings: { Networks: { pasta: {} } },
    Config: {
      Hostname: "aaaaaaaaaaaa",
      Env: ["PATH=/bin", "container=podman", "HOME=/root", "HOSTNAME=aaaaaaaaaaaa"],
      Cmd: ["serve"],
      WorkingDir: "/",
      Entrypoint: ["/bin/web", "--strict"],
      Labels: null,
      StopSignal: "SIGTERM",
      StopTimeout: 10,
      CreateCommand: ["podman", "run", "-d", "--name", "web", "registry.example/shop/web:v1"],
    },
    HostConfig: {
      NetworkMode: "pasta",
      PortBindings: { "8080/tcp": [{ HostIp: "0.0.0.0", HostPort: "8080" }], "9090/tcp": null },
      RestartPolicy: { Name: "no", MaximumRetryCount: 0 },
      IpcMode: "shareable",
      PidMode: "private",
    },
  },
  image: {
    Config: {
      Env: ["PATH=/bin"],
      Cmd: ["serve"],
      Entrypoint: ["/bin/web", "--strict"],
    },
  },
};

function describedFive(
  container: Record<string, unknown> = {},
  image: Record<string, unknown> = {},
): ContainerDescription {
  const config = { ...five.container.Config, ...container };
  return parseDescription(
    "web",
    JSON.stringify([{ ...five.container, Config: config }]),
    JSON.stringify([{ ...five.image, ...image }]),
  );
}

Deno.test({
  name: "parseDescription() of podman 5 given an image's own entrypoint and command",
  permissions: "none",
  fn: () =>
    deepStrictEqual(describedFive(), {
      spec: spec({ ports: ["0.0.0.0:8080:8080"], volumes: ["/srv/shop:/srv/shop"] }),
      unexpressed: [],
    }),
});

Deno.test({
  name: "parseDescription() of podman 5 given an entrypoint of its own, as a list",
  permissions: "none",
  fn: () =>
    deepStrictEqual(describedFive({ Entrypoint: ["/bin/sh", "-c"] }).spec.entrypoint, [
      "/bin/sh",
      "-c",
    ]),
});

Deno.test({
  name: "parseDescription() of podman 5 given a health check of its own",
  permissions: "none",
  fn: () =>
    deepStrictEqual(
      describedFive(
        { Healthcheck: { Test: ["CMD", "true"], Interval: 5_000_000_000 } },
        { Healthcheck: { Test: ["CMD", "true"] } },
      ).unexpressed,
      ["health check of its own"],
    ),
});

Deno.test({
  name: "parseDescription() of podman 5 given a container that was made through the API",
  permissions: "none",
  fn: () => {
    const { spec: { volumes, env }, unexpressed } = describedFive({
      CreateCommand: undefined,
      Env: ["PATH=/bin", "TZ=UTC"],
    });
    deepStrictEqual([volumes, env, unexpressed], [["/srv/shop:/srv/shop"], { TZ: "UTC" }, []]);
  },
});
