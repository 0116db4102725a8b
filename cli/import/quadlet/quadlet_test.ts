import { deepStrictEqual, match, ok, throws } from "node:assert/strict";
import { componentDefaults, type ComponentSpec } from "../../../lib/domain/component_spec.ts";
import { McpError } from "../../../lib/errors.ts";
import { Findings } from "../findings.ts";
import { type Imported, imported } from "../imported.ts";
import { Sources } from "../sources.ts";
import { importQuadlets } from "./quadlet.ts";

/** Imports units, given by the names of their files. */
function importUnits(units: Readonly<Record<string, string>>, name?: string): Imported {
  const sources = new Sources();
  for (const [file, text] of Object.entries(units)) sources.put(file, text);
  const files = Object.keys(units).filter((file) => !file.endsWith(".env"));
  const findings = new Findings();
  const { service, drafts } = importQuadlets(sources, findings, { files, name });
  return imported(service, drafts, findings, {
    files: files[0] ?? "",
    folder: "/home/ada/shop",
  });
}

/** Imports one unit, and gives what is not as it would be by default. */
function importOne(lines: string, others: Readonly<Record<string, string>> = {}) {
  const unit = `[Container]\nImage=a.example/web:v1\n${lines}\n`;
  const { spec, sources, notes } = importUnits({ "web.container": unit, ...others });
  const defaults: Readonly<Record<string, unknown>> = {
    ...componentDefaults,
    name: "web",
    image: "a.example/web:v1",
    restart: "no",
  };
  const said = Object.entries(spec.components[0] ?? {}).filter(([key, value]) =>
    JSON.stringify(value) !== JSON.stringify(defaults[key])
  );
  const told = notes
    .filter(({ component, what }) => component !== undefined && !what.startsWith("restart = "))
    .map(({ fate, origin, what }) => `${fate}: ${origin.line} ${origin.key} ${what}`);
  return { spec: Object.fromEntries(said) as Partial<ComponentSpec>, sources, told, notes };
}

/** Given lines of [Container], what of the component is not the default, and what is told. */
const cases: readonly [
  given: string,
  lines: string,
  spec: Partial<ComponentSpec>,
  told: readonly RegExp[],
][] = [
  ["nothing but an image", "", {}, []],
  ["an image without its registry", "Image=nginx", { image: "docker.io/library/nginx" }, [
    /changed: 3 Image= nginx became/,
  ]],
  ["commands", 'Entrypoint=/bin/app\nExec=--title "two words" $$HOME 100%%', {
    entrypoint: ["/bin/app"],
    cmd: ["--title", "two words", "$HOME", "100%"],
  }, []],
  ["an entrypoint of several words", 'Entrypoint=["sh", "-c"]', { entrypoint: ["sh", "-c"] }, []],
  ["a variable in a command", "Exec=serve ${PORT}", { cmd: ["serve", "${PORT}"] }, [
    /needs you: 3 Exec= \$\{PORT\} stands in `cmd` as it is/,
  ]],
  ["variables", `Environment=A=1 "B=2 3" 'C=x'\nEnvironment=A=4\nEnvironment=D`, {
    env: { A: "4", B: "2 3", C: "x" },
  }, [/left out: 5 Environment= D is taken from the node/]],
  ["variables that are reset", "Environment=A=1\nEnvironment=\nEnvironment=B=2", {
    env: { B: "2" },
  }, []],
  ["dollars, which systemd would put something in for", "Environment=A=$$1 B=$${HOME}", {
    env: { A: "$1", B: "${HOME}" },
  }, []],
  [
    "podman's own arguments",
    'PodmanArgs=--memory=64m --cpus 1.5 --pid=host\nPodmanArgs=--privileged --uts=private "--dns=a b"',
    { memory: "64m", cpus: 1.5, hostNamespaces: ["pid"], privileged: true },
    [
      /needs you: 3 PodmanArgs= the node must allow .*pid/,
      /left out: 4 PodmanArgs= its uts namespace/,
      /left out: 4 PodmanArgs= podman's argument "--dns=a b"/,
      /needs you: 4 PodmanArgs= the node must allow .*privileged/,
    ],
  ],
  ["labels", 'Label=a=b "c=d e"\nLabel=f', { labels: { a: "b", c: "d e", f: "" } }, []],
  ["ports", "PublishPort=8080:80\nPublishPort=[::1]:5353:53/udp\nPublishPort=90", {
    ports: ["8080:80", "[::1]:5353:53/udp"],
  }, [/left out: 5 PublishPort= port 90 is published on whichever/]],
  ["volumes", "Volume=/srv/web/a:/a:ro,Z\nVolume=data:/d\nVolume=%h/x:/x\nVolume=/anon", {
    volumes: ["/srv/web/a:/a:ro,Z", "data:/d", "/srv/web/x:/x"],
  }, [
    /changed: 5 Volume= %h\/x became \/srv\/web\/x/,
    /needs you: 5 Volume= \/srv\/web\/x must be there/,
    /left out: 6 Volume= a volume without a name/,
  ]],
  [
    "mounts",
    "Mount=type=bind,source=/srv/web/b,destination=/b,readonly=true\nMount=type=tmpfs,dst=/t,tmpfs-size=64M,tmpfs-mode=1777\nMount=type=image,source=x,target=/i",
    { volumes: ["/srv/web/b:/b:ro"], tmpfs: ["/t:size=64m,mode=1777"] },
    [/left out: 5 Mount= a mount of type "image"/],
  ],
  ["the node's network", "Network=host", { network: "host" }, [
    /needs you: 3 Network= the node must/,
  ]],
  ["several networks", "Network=front\nNetwork=back:ip=10.0.0.2", { network: "front" }, [
    /left out: 4 Network= the network "back:ip=10\.0\.0\.2": a component has one/,
  ]],
  ["the network of another container", "Network=container:db", {}, [
    /left out: 3 Network= the network of another container/,
  ]],
  ["podman's own network", "Network=pasta:--map-gw", {}, [/left out: 3 Network= the options/]],
  ["a user and a group", "User=1000\nGroup=1001\nWorkingDir=/app\nHostName=web.example", {
    user: "1000:1001",
    workdir: "/app",
    hostname: "web.example",
  }, []],
  ["a group without a user", "Group=5", {}, [/left out: 3 Group= a group without a user/]],
  ["capabilities", "AddCapability=CAP_CHOWN KILL\nDropCapability=all", {
    capAdd: ["CHOWN", "KILL"],
    capDrop: ["ALL"],
  }, []],
  [
    "folders in memory",
    "ReadOnly=yes\nReadOnlyTmpfs=no\nTmpfs=/run:size=8M\nVolatileTmp=true\nShmSize=64m",
    {
      readOnly: true,
      tmpfs: ["/run:size=8m", "/tmp", "/dev/shm:size=64m"],
    },
    [/left out: 4 ReadOnlyTmpfs=/, /changed: 7 ShmSize=/],
  ],
  ["read-only files alone", "ReadOnly=true", { readOnly: true }, [
    /changed: 3 ReadOnly= podman would/,
  ]],
  ["a device", "AddDevice=/dev/dri:/dev/dri", { devices: ["/dev/dri"] }, [
    /needs you: 3 AddDevice=/,
  ]],
  ["limits", "Memory=1G\nPidsLimit=10\nUlimit=nofile=1:2\nUlimit=nproc=5\nUlimit=host", {
    memory: "1g",
    pids: 10,
    ulimits: { nofile: "1:2", nproc: "5:5" },
  }, [/left out: 7 Ulimit= the limits of host/]],
  [
    "a health check",
    "HealthCmd=curl -f x || exit 1\nHealthInterval=1m\nHealthTimeout=3s\nHealthRetries=2\nHealthStartPeriod=30s",
    {
      healthcheck: {
        probe: { kind: "exec", command: ["/bin/sh", "-c", "curl -f x || exit 1"] },
        intervalMs: 60_000,
        timeoutMs: 3_000,
        retries: 2,
        startPeriodMs: 150_000,
      },
    },
    [/changed: 3 HealthCmd= start_period = 2m 30s/],
  ],
  ["no health check", "HealthCmd=none\nHealthInterval=1m", {}, []],
  ["how it is stopped", "StopSignal=SIGINT\nStopTimeout=90", {
    stopSignal: "SIGINT",
    stopTimeoutMs: 90_000,
  }, []],
  ["a pull policy", "Pull=missing", { pull: "missing" }, []],
  ["what it is called", "ContainerName=other", {}, [
    /changed: 3 ContainerName= its container is not/,
  ]],
  ["specifiers", "Environment=NAME=%N UNIT=%n RUN=%t", {
    env: { NAME: "web", UNIT: "web.service", RUN: "%t" },
  }, [/needs you: 3 Environment= %t stands in the definition as it is/]],
  [
    "keys without words for them",
    "AutoUpdate=registry\nPodmanArgs=--init\nNotify=true\nTimezone=local\nPod=x.pod\nWorkingDirr=/a",
    {},
    [
      /left out: 3 AutoUpdate=/,
      /left out: 4 PodmanArgs=/,
      /left out: 5 Notify=/,
      /left out: 6 Timezone=/,
      /left out: 7 Pod=/,
      /left out: 8 WorkingDirr= no key of a quadlet/,
    ],
  ],
  [
    "a job",
    "[Service]\nType=oneshot\nRestart=on-failure",
    { kind: "job", restart: "on-failure" },
    [],
  ],
  [
    "a service that is always brought back",
    "[Service]\nRestart=always\nRestartSec=5\n[Install]\nWantedBy=default.target\n[Unit]\nDescription=x",
    {
      restart: "always",
    },
    [
      /left out: 5 RestartSec=/,
      /left out: 7 WantedBy= needless/,
      /left out: 9 Description=/,
    ],
  ],
];

for (const [given, lines, expected, told] of cases) {
  Deno.test({
    name: `importQuadlets() given ${given}`,
    permissions: "none",
    fn() {
      const found = importOne(lines);
      deepStrictEqual(found.spec, expected);
      for (const each of told) ok(found.told.some((line) => each.test(line)), `${each}`);
      const unexpected = found.told.filter((line) => !told.some((each) => each.test(line)));
      deepStrictEqual(unexpected, []);
    },
  });
}

Deno.test({
  name: "importQuadlets() makes one service of several units, and every reference follows",
  permissions: "none",
  fn() {
    const { spec, notes } = importUnits({
      "shop-web.container":
        "[Unit]\nRequires=shop-db.service\nAfter=shop-db.service network-online.target other.service\n" +
        "[Container]\nImage=a/web\nNetwork=shop.network\nVolume=shop-data.volume:/data\nVolume=cache.volume:/c\n" +
        "Environment=DB_HOST=systemd-shop-db CACHE=redis://cache:6379\n",
      "shop-db.container": "[Container]\nImage=a/db\nNetwork=shop.network\n",
      "cache.container": "[Container]\nImage=a/cache\nContainerName=cache\n",
      "shop-data.volume": "[Volume]\nVolumeName=my-data\nDriver=local\n",
      "shop.network": "[Network]\nInternal=true\n",
      "all.pod": "[Pod]\n",
    }, "shop");
    deepStrictEqual(spec.components.map(({ name }) => name), ["web", "db", "cache"]);
    const [web] = spec.components;
    deepStrictEqual(
      [web?.dependsOn, web?.network, web?.volumes, web?.env],
      [
        ["db"],
        "systemd-shop",
        ["my-data:/data", "systemd-cache:/c"],
        { DB_HOST: "shop-db", CACHE: "redis://shop-cache:6379" },
      ],
    );
    const told = notes.map(({ what }) => what).join("\n");
    match(told, /needless: network-online\.target/);
    match(told, /it does not wait for other\.service, which is no component/);
    match(told, /the network systemd-shop must be on the node/);
    match(told, /Internal= of a volume or network/);
    ok(notes.some(({ origin, what }) => origin.file === "all.pod" && /is not read/.test(what)));
  },
});

Deno.test({
  name:
    "importQuadlets() reads files of variables that lie beside the unit, and copies what would mean something else",
  permissions: "none",
  fn() {
    const { spec, sources, told } = importOne(
      "EnvironmentFile=a.env\nEnvironmentFile=-none.env\nEnvironmentFile=/etc/b.env\nEnvironment=A=2",
      { "a.env": "A=1\nB=$x\n" },
    );
    deepStrictEqual(spec.env, { A: "2" });
    deepStrictEqual(sources?.envFiles.map(({ path }) => path), ["/home/ada/shop/a.env"]);
    const quoted = importOne("EnvironmentFile=a.env", { "a.env": "A='1'\n" });
    deepStrictEqual([quoted.spec.env, quoted.sources], [{ A: "'1'" }, undefined]);
    match(quoted.told.join("\n"), /1 variable of a\.env now stands in `env`/);
    match(told.join("\n"), /left out: 4 EnvironmentFile= the variables of none\.env/);
    match(told.join("\n"), /the variables of \/etc\/b\.env, a file of the node/);
  },
});

Deno.test({
  name: "importQuadlets() mounts secrets, and tells that nobody says where they come from",
  permissions: "none",
  fn() {
    const { spec, notes } = importOne(
      "Secret=db_pass,target=/etc/pass,uid=5,mode=0400\nSecret=k,type=env,target=KEY",
    );
    deepStrictEqual(spec.secrets, [
      { name: "db-pass", target: "/etc/pass", mode: 0o400, uid: 5, gid: 0 },
      { name: "k", target: "/run/secrets/k", mode: 0o444, uid: 0, gid: 0 },
    ]);
    const needed = notes.filter(({ fate }) => fate === "needs you")
      .map(({ what, todo }) => `${what}. ${todo}`);
    match(needed[0] ?? "", /nobody says where the secret db_pass .* file = "…" or command = /);
    match(needed[1] ?? "", /the secret k is a file.* read \/run\/secrets\/k in place of KEY/);
    match(needed[2] ?? "", /nobody says where the secret k /);
  },
});

Deno.test({
  name: "importQuadlets() tells all mistakes at once, each with its line",
  permissions: "none",
  fn() {
    throws(
      () =>
        importOne(
          'hello\nPublishPort=x\nExec="a\nHealthCmd=a\nHealthInterval=soon\nVolume=a:b:c:d\nUser=a b',
        ),
      (error) => {
        ok(error instanceof McpError && error.kind === "invalid");
        for (const line of [3, 4, 5, 7, 8, 9]) {
          ok(error.details.some((each) => each.startsWith(`web.container:${line}: `)), `${line}`);
        }
        return true;
      },
    );
  },
});

const refused: readonly [given: string, units: Record<string, string>, message: RegExp][] = [
  ["no .container", { "a.volume": "[Volume]\n" }, /without a \.container/],
  ["several without a name", { "a.container": "[Container]\n", "b.container": "" }, /is called/],
  ["one without an image", { "a.container": "[Container]\n" }, /a mistake/],
  [
    "another unit in place of an image",
    { "a.container": "[Container]\nImage=x.build\n" },
    /mistake/,
  ],
];

for (const [given, units, message] of refused) {
  Deno.test({
    name: `importQuadlets() refuses ${given}`,
    permissions: "none",
    fn: () => void throws(() => importUnits(units), { name: "McpError", kind: "invalid", message }),
  });
}
