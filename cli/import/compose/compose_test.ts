import { deepStrictEqual, match, ok, strictEqual, throws } from "node:assert/strict";
import { componentDefaults, type ComponentSpec } from "../../../lib/domain/component_spec.ts";
import { McpError } from "../../../lib/errors.ts";
import { importService } from "../import.ts";
import type { Imported } from "../imported.ts";
import { Sources } from "../sources.ts";

/** The YAML library asks for two variables that make it print what it does. */
const permissions: Deno.PermissionOptions = { env: ["LOG_TOKENS", "LOG_STREAM"] };

interface Options {
  readonly files?: Readonly<Record<string, string>>;
  readonly profiles?: readonly string[];
  readonly envFiles?: readonly string[];
  readonly name?: string;
}

/** Imports the text of a Compose file of a project called "shop". */
function importText(text: string, options: Options = {}): Imported {
  const sources = new Sources();
  const files = { "compose.yaml": text, ...options.files };
  for (const [path, content] of Object.entries(files)) sources.put(path, content);
  return importService(sources, {
    files: ["compose.yaml"],
    folder: "/home/ada/shop",
    folderName: "shop",
    name: options.name,
    envFiles: options.envFiles ?? [],
    profiles: options.profiles ?? [],
  });
}

/** Imports one service, written as flow YAML, and gives what is not as it would be by default. */
function importOne(service: string, rest = "", options: Options = {}) {
  const restart = service.includes("restart: ") ? "" : "restart: unless-stopped, ";
  const text = `services:\n  web: {image: a.example/web:v1, ${restart}${service}}\n`;
  const { spec, sources, notes } = importText(`${text}${rest}`, options);
  const [component] = spec.components;
  ok(component !== undefined);
  const defaults: Readonly<Record<string, unknown>> = {
    ...componentDefaults,
    name: "web",
    image: "a.example/web:v1",
  };
  const said = Object.entries(component).filter(([key, value]) =>
    JSON.stringify(value) !== JSON.stringify(defaults[key])
  );
  const told = notes
    .filter(({ component }) => component !== undefined)
    .map(({ fate, origin, what }) => `${fate}: ${origin.key}: ${what}`);
  return { spec: Object.fromEntries(said) as Partial<ComponentSpec>, sources, told, notes };
}

function refusal(run: () => unknown): McpError {
  let refused: unknown;
  throws(run, (error) => {
    refused = error;
    return error instanceof McpError && error.kind === "invalid";
  });
  return refused as McpError;
}

const check = (command: readonly string[]) => ({
  probe: { kind: "exec" as const, command },
  intervalMs: 30_000,
  timeoutMs: 30_000,
  retries: 3,
  startPeriodMs: 90_000,
});

/** Given a service, what of its component is not the default, and what is told, in any order. */
const cases: readonly [
  given: string,
  service: string,
  spec: Partial<ComponentSpec>,
  told: readonly RegExp[],
][] = [
  // --- Image ---
  ["nothing but an image", "", {}, []],
  ["pull policies", "pull_policy: if_not_present", { pull: "missing" }, []],
  ["a pull policy of every day", "pull_policy: daily", {}, [/changed: .*pull_policy: "daily"/]],
  // --- Commands ---
  [
    "a command as a line",
    "command: 'serve --name \"a b\"'",
    { cmd: ["serve", "--name", "a b"] },
    [],
  ],
  ["a command as words", "command: [serve, 8080, true]", { cmd: ["serve", "8080", "true"] }, []],
  ["a command for a shell", "command: a && b", { cmd: ["a", "&&", "b"] }, [
    /needs you: .*command: no shell reads this: &&/,
  ]],
  ["an empty command", "command: []", {}, [/left out: .*command: an empty command/]],
  ["an entrypoint", "entrypoint: /bin/sh -c, command: ['echo $$HOME']", {
    entrypoint: ["/bin/sh", "-c"],
    cmd: ["echo $HOME"],
  }, []],
  ["a folder, a name and a user", "working_dir: /app, hostname: web.example, user: 10:20", {
    workdir: "/app",
    hostname: "web.example",
    user: "10:20",
  }, []],
  // --- Environment ---
  ["variables as a table", "environment: {A: x, B: 1, C: true, D: '', E: null}", {
    env: { A: "x", B: "1", C: "true", D: "" },
  }, [/left out: .*environment\.E: E is taken from whatever shell/]],
  ["variables as a list", "environment: [A=x=y, B=, C]", { env: { A: "x=y", B: "" } }, [
    /left out: .*environment\[2\]: C is taken/,
  ]],
  ["labels as a table and with dots", "labels: {'a.b[0].c': 1, d: null}", {
    labels: { "a.b[0].c": "1", d: "" },
  }, []],
  ["labels as a list", "labels: ['rule=Host(`x`)', bare]", {
    labels: { rule: "Host(`x`)", bare: "" },
  }, []],
  // --- Ports ---
  ["a pair of ports", "ports: ['8080:80']", { ports: ["8080:80"] }, []],
  ["ports with an address and a protocol", "ports: ['127.0.0.1:5353:53/udp', '8080:80/tcp']", {
    ports: ["127.0.0.1:5353:53/udp", "8080:80"],
  }, []],
  ["an address that is empty", "ports: [':8080:80']", { ports: ["8080:80"] }, []],
  ["ports with an address of IPv6", "ports: ['[::1]:8080:80', '::1:8081:81']", {
    ports: ["[::1]:8080:80", "[::1]:8081:81"],
  }, []],
  ["a range of ports", "ports: ['3000-3002:4000-4002/udp']", {
    ports: ["3000:4000/udp", "3001:4001/udp", "3002:4002/udp"],
  }, []],
  ["several ports for one", "ports: ['3000-3002:80']", { ports: ["3000:80"] }, [
    /changed: .*of the ports 3000-3002 the first one is taken/,
  ]],
  ["a port without one of the node", "ports: ['80', 81, '127.0.0.1::82']", {}, [
    /ports\[0\]: port 80 is published on whichever/,
    /ports\[1\]: port 81 is published on whichever/,
    /ports\[2\]: port 82 is published on whichever/,
  ]],
  ["a port that only root may open", "ports: ['443:443']", { ports: ["443:443"] }, [
    /needs you: .*port 443 of the node may be opened by root only/,
  ]],
  ["more ports than a list should have", "ports: ['10000-20000:10000-20000']", {}, [
    /left out: .*10001 ports are more/,
  ]],
  [
    "ports in the long form",
    "ports: [{target: 80, published: '8080-8081', host_ip: 127.0.0.1, mode: host}, {target: 53, published: 5353, protocol: udp, mode: ingress, app_protocol: dns}, {target: 9}]",
    { ports: ["127.0.0.1:8080:80", "5353:53/udp"] },
    [
      /changed: .*ports\[0\]: of the ports 8080-8081/,
      /left out: .*ports\[1\]\.mode: .*swarm/,
      /left out: .*app_protocol of a port/,
      /ports\[2\]: port 9 is published/,
    ],
  ],
  ["the same port twice", "ports: ['8080:80', '8080:80']", { ports: ["8080:80"] }, []],
  ["exposed ports", "expose: ['80']", {}, [/left out: .*expose: needless/]],
  // --- Volumes ---
  ["folders of the node", "volumes: ['/srv/shop/data/:/data/:ro,z', '/srv/other:/o:rw']", {
    volumes: ["/srv/shop/data:/data:ro,z", "/srv/other:/o"],
  }, []],
  ["a folder outside /srv", "volumes: [/etc/localtime:/etc/localtime:ro]", {
    volumes: ["/etc/localtime:/etc/localtime:ro"],
  }, [/needs you: .*volumes\[0\]: the node must allow that volumes has \/etc\/localtime/]],
  [
    "folders beside the file",
    "volumes: ['./data:/data', 'conf/a.toml:/a.toml', ../x:/x, ~/y:/y, .:/all]",
    {
      volumes: [
        "/srv/shop/data:/data",
        "/srv/shop/conf/a.toml:/a.toml",
        "/srv/shop/x:/x",
        "/srv/shop/y:/y",
        "/srv/shop:/all",
      ],
    },
    [
      /changed: .*\.\/data became \/srv\/shop\/data/,
      /needs you: .*\/srv\/shop\/data must be there/,
      /changed: .*conf\/a\.toml became/,
      /needs you: .*conf\/a\.toml must be there/,
      /changed: .*\.\.\/x became \/srv\/shop\/x/,
      /needs you: .*\/srv\/shop\/x must be there/,
      /changed: .*~\/y became \/srv\/shop\/y/,
      /needs you: .*\/srv\/shop\/y must be there/,
      /changed: .*\. became \/srv\/shop of/,
      /needs you: .*\/srv\/shop must be there/,
    ],
  ],
  ["a volume without a name", "volumes: [/data]", {}, [/left out: .*without a name at \/data/]],
  [
    "options that say nothing here, and one that does",
    "volumes: ['/srv/shop/a:/a:cached,rshared']",
    {
      volumes: ["/srv/shop/a:/a"],
    },
    [/left out: .*the mount option "rshared"/],
  ],
  ["a path of Windows", "volumes: ['C:\\data:/data']", {}, [/left out: .*path of Windows/]],
  ["the engine's socket", "volumes: ['/var/run/docker.sock:/var/run/docker.sock']", {
    volumes: ["/var/run/docker.sock:/var/run/docker.sock"],
  }, [/needs you: .*lets the container do/, /needs you: .*the node must allow/]],
  [
    "volumes in the long form",
    "volumes: [{type: bind, source: ./a, target: /a, read_only: true, bind: {propagation: rslave, selinux: Z}}, {type: tmpfs, target: /t, tmpfs: {size: 64m, mode: 01777}}, {type: tmpfs, target: /u, tmpfs: {size: 1048576}}, {type: npipe, source: a, target: b}]",
    { volumes: ["/srv/shop/a:/a:ro,Z"], tmpfs: ["/t:size=64m,mode=1777", "/u:size=1m"] },
    [
      /left out: .*volumes\[0\]\.bind\.propagation/,
      /changed: .*\.\/a became/,
      /needs you: .*must be there/,
      /left out: .*a mount of type "npipe"/,
    ],
  ],
  ["two things at one place", "volumes: ['/srv/shop/a:/a', '/srv/shop/b:/a']", {
    volumes: ["/srv/shop/a:/a"],
  }, [/left out: .*volumes\[1\]: something else is mounted at \/a already/]],
  // --- Health ---
  ["a health check of words", "healthcheck: {test: [CMD, curl, -f, x]}", {
    healthcheck: check(["curl", "-f", "x"]),
  }, [/changed: .*start_period = 1m 30s/]],
  ["a health check for a shell", "healthcheck: {test: [CMD-SHELL, 'a || exit 1']}", {
    healthcheck: check(["/bin/sh", "-c", "a || exit 1"]),
  }, [/changed: /]],
  [
    "a health check in one text, with times",
    "healthcheck: {test: a, interval: 1m30s, timeout: 10s, retries: 2, start_period: 1m, start_interval: 1s}",
    {
      healthcheck: {
        probe: { kind: "exec", command: ["/bin/sh", "-c", "a"] },
        intervalMs: 90_000,
        timeoutMs: 10_000,
        retries: 2,
        startPeriodMs: 240_000,
      },
    },
    [/changed: .*start_period = 4m/, /left out: .*start_interval/],
  ],
  ["no health check", "healthcheck: {test: [NONE]}", {}, []],
  ["a health check that is switched off", "healthcheck: {disable: true, test: a}", {}, []],
  ["times of the image's health check", "healthcheck: {interval: 5s}", {}, [
    /left out: .*times of a health check that is part of the image/,
  ]],
  // --- Restart ---
  ["a restart without quotes, in older YAML", "restart: false", { restart: "no" }, []],
  ["a restart with a limit", "restart: on-failure:3", { restart: "on-failure:3" }, []],
  // --- Limits ---
  ["limits of the service itself", "mem_limit: 1.5G, cpus: '0.5', pids_limit: 100", {
    memory: "1536m",
    cpus: 0.5,
    pids: 100,
  }, []],
  [
    "limits under deploy",
    "deploy: {resources: {limits: {memory: 64M, cpus: 2, pids: 5}, reservations: {memory: 32M}}, labels: {a: b}}",
    { memory: "64m", cpus: 2, pids: 5 },
    [/left out: .*reservations: nothing is set aside/, /left out: .*deploy\.labels: .*swarm/],
  ],
  ["no limit of processes", "pids_limit: -1", {}, [/left out: .*pids_limit: no limit at all/]],
  ["ulimits", "ulimits: {nofile: {soft: 1, hard: 2}, nproc: 5, core: {hard: 0}}", {
    ulimits: { nofile: "1:2", nproc: "5:5", core: "0:0" },
  }, []],
  ["several of it", "deploy: {replicas: 3}", {}, [
    /left out: .*deploy\.replicas: that 3 of it run/,
  ]],
  ["one of it", "deploy: {replicas: 1}, scale: 1", {}, []],
  // --- Confinement ---
  ["capabilities", "cap_add: [CAP_CHOWN, net_bind_service], cap_drop: [all]", {
    capAdd: ["CHOWN", "NET_BIND_SERVICE"],
    capDrop: ["ALL"],
  }, []],
  [
    "what a node must allow",
    "privileged: true, pid: host, cap_add: [SYS_ADMIN], devices: [/dev/kmsg]",
    {
      privileged: true,
      hostNamespaces: ["pid"],
      capAdd: ["SYS_ADMIN"],
      devices: ["/dev/kmsg"],
    },
    [
      /needs you: .*cap_add\[0\]: the node must allow that cap_add has SYS_ADMIN/,
      /needs you: .*devices\[0\]: the node must allow/,
      /needs you: .*privileged: the node must allow/,
      /needs you: .*pid: the node must allow/,
    ],
  ],
  ["namespaces of others", "ipc: shareable, pid: 'service:db', uts: ''", {}, [
    /left out: .*ipc: a namespace that it shares with "shareable"/,
    /left out: .*pid: a namespace that it shares with "service:db"/,
  ]],
  [
    "read-only files and folders in memory",
    "read_only: true, tmpfs: ['/run', '/tmp:size=64M,uid=5,noexec']",
    {
      readOnly: true,
      tmpfs: ["/run", "/tmp:size=64m,noexec"],
    },
    [/left out: .*tmpfs\[1\]: "uid=5"/],
  ],
  ["shared memory", "shm_size: 128mb", { tmpfs: ["/dev/shm:size=128m"] }, [
    /changed: .*shm_size: its shared memory is the folder/,
  ]],
  [
    "devices in all forms",
    "devices: ['/dev/dri:/dev/dri', '/dev/ttyUSB0:/dev/tty0:rw', {source: /dev/a, target: /dev/a, permissions: r}, vendor.example/gpu=all]",
    { devices: ["/dev/dri", "/dev/ttyUSB0:/dev/tty0:rw", "/dev/a:r"] },
    [/left out: .*devices\[3\]: the device "vendor\.example/, /needs you: .*the node must allow/],
  ],
  ["how it is stopped", "stop_signal: 3, stop_grace_period: 1m30s", {
    stopSignal: "SIGQUIT",
    stopTimeoutMs: 90_000,
  }, []],
  // --- Network ---
  ["the node's network", "network_mode: host", { network: "host" }, [
    /needs you: .*host_network|needs you: .*network = "host"/,
  ]],
  ["no network", "network_mode: none", { network: "none" }, []],
  ["the network of another one", "network_mode: 'service:vpn'", {}, [
    /left out: .*network_mode: the network of service "vpn"/,
  ]],
  // --- What cannot be said ---
  ["a name of its container", "container_name: shop_web", {}, [
    /changed: .*container_name: its container is not called shop_web/,
  ]],
  ["a field that Compose does not have", "enviroment: {A: b}", {}, [
    /left out: .*enviroment: Compose has no such field/,
  ]],
  ["extensions", "x-mine: {a: b}", {}, []],
  [
    "fields without a value",
    "ports: null, environment: null, healthcheck: null, deploy: null",
    {},
    [],
  ],
];

for (const [given, service, expected, told] of cases) {
  Deno.test({
    name: `importCompose() given ${given}`,
    permissions,
    fn() {
      const found = importOne(service);
      deepStrictEqual(found.spec, expected);
      for (const each of told) ok(found.told.some((line) => each.test(line)), `${each}`);
      const unexpected = found.told.filter((line) => !told.some((each) => each.test(line)));
      deepStrictEqual(unexpected, []);
    },
  });
}

const withoutWords = [
  "dns: 1.1.1.1",
  "extra_hosts: ['a:1.2.3.4']",
  "init: true",
  "logging: {driver: none}",
  "memswap_limit: 1g",
  "platform: linux/arm64",
  "runtime: nvidia",
  "security_opt: [seccomp=unconfined]",
  "sysctls: {net.core.somaxconn: 1}",
  "tty: true",
  "userns_mode: host",
  "volumes_from: [db]",
  "gpus: all",
  "post_start: [{command: a}]",
];

for (const field of withoutWords) {
  Deno.test({
    name: `importCompose() tells that a definition cannot say ${field}`,
    permissions,
    fn() {
      const { spec, told } = importOne(field);
      deepStrictEqual([spec, told.length], [{}, 1]);
      match(told[0] ?? "", new RegExp(`^left out: services\\.web\\.${field.split(":")[0]}: `));
    },
  });
}

// --- Files beside it ------------------------------------------------------------------

Deno.test({
  name: "importCompose() takes variables from .env beside the file, and from nowhere else",
  permissions,
  fn() {
    const { spec, notes } = importOne("command: '${A} ${B:-b} ${PATH}'", "", {
      files: { ".env": "A=a\n" },
    });
    deepStrictEqual(spec.cmd, ["a", "b"]);
    deepStrictEqual(
      notes.filter(({ fate }) => fate === "needs you").map(({ origin, what }) => [
        origin.line,
        origin.key,
        what,
      ]),
      [[2, "${PATH}", "is set nowhere, and became nothing"]],
    );
  },
});

Deno.test({
  name: "importCompose() takes variables from the files it is given instead of .env",
  permissions,
  fn() {
    const files = { ".env": "A=a\n", "one.env": "A=1\n", "two.env": "B=${A}2\n" };
    const { spec } = importOne("command: '${A} ${B}'", "", {
      files,
      envFiles: ["one.env", "two.env"],
    });
    deepStrictEqual(spec.cmd, ["1", "12"]);
    throws(() => importOne("", "", { envFiles: ["none.env"] }), {
      kind: "not_found",
      message: "There is no file none.env",
    });
  },
});

Deno.test({
  name:
    "importCompose() copies files of variables that mean something else to a definition, and those of the service itself win over them",
  permissions,
  fn() {
    const files = { ".env": "D=project\n", "a.env": "A=1\nB=${D}\nD\n", "raw.env": "R='$A'\n" };
    const { spec, told } = importOne(
      "env_file: [a.env, {path: raw.env, format: raw}, {path: no.env, required: false}, missing.env], environment: {A: 2}",
      "",
      { files },
    );
    deepStrictEqual(spec.env, { A: "2", B: "project", D: "project", R: "'$A'" });
    deepStrictEqual(told.map((line) => line.replace(/services\.web\./, "")), [
      "changed: env_file[0]: 2 variables of a.env now stand in `env`",
      "changed: env_file[1]: 1 variable of raw.env now stands in `env`",
      "left out: env_file[2]: the variables of no.env: there is no such file here",
      "left out: env_file[3]: the variables of missing.env: there is no such file here",
    ]);
  },
});

Deno.test({
  name:
    "importCompose() names files of variables that mean the same to a definition, and says beside them what differs",
  permissions,
  fn() {
    const { spec, sources, notes } = importText(
      `services:
  web:
    image: a.example/web:v1
    restart: always
    env_file: [a.env, sub/b.env]
    environment: {A: "2", E: own}
  db: {image: a.example/db:v1, restart: always}
`,
      {
        files: {
          "a.env": "A=1\nB='$x'\nDB_HOST=db\nDB_PASSWORD=hush\n",
          "sub/b.env": 'C="3"\n',
        },
      },
    );
    deepStrictEqual(spec.components[0]?.env, { A: "2", DB_HOST: "shop-db", E: "own" });
    deepStrictEqual(sources?.envFiles.map(({ component, path }) => [component, path]), [
      ["web", "/home/ada/shop/a.env"],
      ["web", "/home/ada/shop/sub/b.env"],
    ]);
    const told = notes.map(({ what }) => what).join("\n");
    match(told, /DB_PASSWORD looks like a secret/);
    ok(!told.includes("stand in `env`"), told);
  },
});

Deno.test({
  name: "importCompose() begins a service as the one it extends, here or in another file",
  permissions,
  fn() {
    const { spec, sources } = importText(
      `services:
  web:
    extends: {file: base/common.yaml, service: web}
    image: a.example/web:v2
    command: [serve]
    environment: {B: 2}
    cap_add: [KILL]
    volumes: ["/srv/shop/mine:/data"]
  copy: {extends: web, command: [copy]}
`,
      {
        files: {
          "base/common.yaml": `services:
  web:
    extends: root
    image: a.example/web:v1
    environment: [A=1, B=1]
    env_file: x.env
    cap_add: [CHOWN]
    volumes: ["/srv/shop/theirs:/data"]
  root: {restart: always, command: [never], labels: {l: m}}
`,
          "base/x.env": "X=1\n",
        },
      },
    );
    const [web, copy] = spec.components;
    deepStrictEqual(
      [web?.image, web?.restart, web?.cmd, web?.labels, web?.capAdd, web?.volumes],
      [
        "a.example/web:v2",
        "always",
        ["serve"],
        { l: "m" },
        ["CHOWN", "KILL"],
        ["/srv/shop/mine:/data"],
      ],
    );
    deepStrictEqual(web?.env, { A: "1", B: "2" });
    deepStrictEqual([copy?.cmd, copy?.env], [["copy"], web?.env]);
    const file = "/home/ada/shop/base/x.env";
    deepStrictEqual(sources?.envFiles.map(({ component, path }) => [component, path]), [
      ["web", file],
      ["copy", file],
    ]);
  },
});

// --- Several services -----------------------------------------------------------------

Deno.test({
  name: "importCompose() converts names, and every reference follows",
  permissions,
  fn() {
    const { spec, notes } = importText(`name: My_Shop
services:
  shop_web.1:
    image: nginx
    depends_on: [shop_db]
    environment:
      DB_URL: postgres://me:pw@shop_db:5432/shop_db
      CACHE: shop_cache:6379
      DB_HOST: shop_db
      DB_NAME: shop_db
  shop_db: {image: postgres, container_name: pg}
  shop_cache: {image: redis, command: [--replicaof, "pg:6379"]}
`);
    deepStrictEqual(
      [spec.name, spec.components.map(({ name, image }) => [name, image])],
      ["my-shop", [
        ["shop-web-1", "docker.io/library/nginx"],
        ["shop-db", "docker.io/library/postgres"],
        ["shop-cache", "docker.io/library/redis"],
      ]],
    );
    deepStrictEqual(spec.components[0]?.dependsOn, ["shop-db"]);
    deepStrictEqual(spec.components[0]?.env, {
      DB_URL: "postgres://me:pw@my-shop-shop-db:5432/shop_db",
      CACHE: "my-shop-shop-cache:6379",
      DB_HOST: "my-shop-shop-db",
      DB_NAME: "shop_db",
    });
    deepStrictEqual(spec.components[2]?.cmd, ["--replicaof", "my-shop-shop-db:6379"]);
    // What is told of a value never holds the value.
    ok(!JSON.stringify(notes).includes("pw@"));
  },
});

Deno.test({
  name:
    "importCompose() gives components that talk to each other one network, and says what is cut",
  permissions,
  fn() {
    const { spec, notes } = importText(`services:
  web: {image: a/web, networks: [front, back]}
  proxy: {image: a/proxy, networks: {front: {aliases: [gate]}}}
  db: {image: a/db, networks: [back], environment: {PROXY_HOST: gate}}
  one: {image: a/one}
networks:
  front: {name: edge, external: true}
  back: {internal: true, driver: bridge}
`);
    deepStrictEqual(
      spec.components.map(({ name, network }) => [name, network]),
      [["web", "edge"], ["proxy", "edge"], ["db", "shop_back"], ["one", ""]],
    );
    strictEqual(spec.components[2]?.env["PROXY_HOST"], "shop-proxy");
    const told = notes.map(({ what, todo }) => `${what} (${todo})`);
    ok(
      told.some((line) => /network "back": a component has one \(It does not reach db/.test(line)),
    );
    ok(
      told.some((line) =>
        /shop_back must be on the node \(.*create --internal shop_back/.test(line)
      ),
    );
    ok(told.some((line) => /edge must be on the node \(Look with/.test(line)));
  },
});

Deno.test({
  name: "importCompose() makes a job of what others wait for until it has ended",
  permissions,
  fn() {
    const { spec, notes } = importText(`services:
  web:
    image: a/web
    depends_on:
      migrate: {condition: service_completed_successfully}
      db: {condition: service_healthy, restart: true}
      gone: {condition: service_started, required: false}
  migrate: {image: a/web, restart: always, healthcheck: {test: x}}
  db: {image: a/db}
`);
    const [web, migrate] = spec.components;
    deepStrictEqual(web?.dependsOn, ["migrate", "db"]);
    deepStrictEqual([migrate?.kind, migrate?.restart, migrate?.healthcheck], [
      "job",
      "no",
      undefined,
    ]);
    const told = notes.map(({ what }) => what).join("\n");
    match(told, /restart = "always" of a job/);
    match(told, /the health check of a job/);
    match(told, /it is not restarted when db is/);
    match(told, /it does not wait for gone/);
  },
});

Deno.test({
  name: "importCompose() leaves out services of profiles that nobody asked for",
  permissions,
  fn() {
    const text = `services:
  web: {image: a/web, depends_on: [debug]}
  debug: {image: a/debug, profiles: [debug, all]}
`;
    const names = (options: Options) =>
      importText(text, options).spec.components.map(({ name }) => name);
    deepStrictEqual(names({}), ["web"]);
    deepStrictEqual(names({ profiles: ["debug"] }), ["web", "debug"]);
    deepStrictEqual(names({ profiles: ["*"] }), ["web", "debug"]);
    deepStrictEqual(names({ files: { ".env": "COMPOSE_PROFILES=x,all\n" } }), ["web", "debug"]);
    const told = importText(text).notes.map(({ what }) => what);
    ok(told.includes("debug: it is of the profile debug, all"));
    ok(told.includes("it does not wait for debug: it is of the profile debug, all"));
  },
});

Deno.test({
  name: "importCompose() tells of volumes, and keeps the names that Compose gave them",
  permissions,
  fn() {
    const { spec, notes } = importOne(
      "volumes: ['data:/data', 'old:/old', 'named:/named']",
      "volumes: {data: {driver_opts: {type: nfs}}, old: {external: true}, named: {name: mine}}\n",
    );
    deepStrictEqual(spec.volumes, ["shop_data:/data", "old:/old", "mine:/named"]);
    const told = notes.map(({ what }) => what).join("\n");
    match(told, /the volume is called shop_data on the node/);
    match(told, /"driver_opts" of the volume shop_data/);
    match(told, /the volume old must hold what it held before/);
  },
});

Deno.test({
  name:
    "importCompose() mounts secrets with where they come from, and makes pushed files of configs",
  permissions,
  fn() {
    const { spec, sources, notes } = importOne(
      "secrets: [db_pass, {source: key, target: /etc/key, uid: '70', mode: 0400}], configs: [{source: conf, target: /etc/conf, mode: 0444}, inline]",
      `secrets: {db_pass: {file: ./db.txt}, key: {environment: KEY}}
configs: {conf: {file: ./etc/conf.toml}, inline: {content: "x"}}
`,
    );
    deepStrictEqual(spec.volumes, [
      "/srv/shop/configs/conf.toml:/etc/conf:ro",
      "/srv/shop/configs/inline:/inline:ro",
    ]);
    deepStrictEqual(spec.secrets, [
      { name: "db-pass", target: "/run/secrets/db_pass", mode: 0o444, uid: 0, gid: 0 },
      { name: "key", target: "/etc/key", mode: 0o400, uid: 70, gid: 0 },
    ]);
    deepStrictEqual(sources?.secrets.map(({ name, from }) => [name, from]), [
      ["db-pass", { file: "/home/ada/shop/db.txt" }],
      ["key", undefined],
    ]);
    const told = notes.map(({ fate, what }) => `${fate}: ${what}`).join("\n");
    match(told, /changed: the secret db_pass is called db-pass/);
    match(
      told,
      /needs you: nobody says where the secret key comes from: it is in the variable KEY/,
    );
    const todo = notes.map((note) => note.todo).join("\n");
    match(todo, /mcp push \.\/etc\/conf\.toml shop configs\/conf\.toml/);
    match(todo, /Copy its content into a file and run `mcp push FILE shop configs\/inline`/);
  },
});

Deno.test({
  name: "importCompose() says how an image is built, without the values of its arguments",
  permissions,
  fn() {
    const { spec, notes } = importText(`services:
  web:
    build: {context: ./web, dockerfile: a b, target: run, args: {TOKEN: hidden, PLAIN: null}}
`);
    strictEqual(spec.components[0]?.image, "localhost/shop-web:latest");
    const todo = notes.map((note) => note.todo).join("\n");
    match(
      todo,
      /podman build --file 'a b' --target run --build-arg TOKEN=… --build-arg PLAIN=… --tag REGISTRY\/shop-web:v1 \.\/web/,
    );
    ok(!JSON.stringify(notes).includes("hidden"));
    const images = importText(`services:
  one: {image: shop-web:latest, build: .}
  two: {image: registry.example/web:v2, build: .}
`).spec.components.map((component) => component.image);
    deepStrictEqual(images, ["localhost/shop-web:latest", "registry.example/web:v2"]);
  },
});

Deno.test({
  name: "importCompose() tells of what looks like a secret, by its name alone",
  permissions,
  fn() {
    const { told, notes } = importOne(
      "environment: {DB_PASSWORD: hush, API_TOKEN: '', X_PASSWORD_FILE: /f, URL: 'a://me:hush@db', A: b}",
    );
    match(told.join("\n"), /needs you: .*DB_PASSWORD, URL look like secrets in plain text/);
    ok(!JSON.stringify(notes).includes("hush"));
  },
});

// --- Mistakes -------------------------------------------------------------------------

Deno.test({
  name: "importCompose() tells all mistakes at once, each with its line and key",
  permissions,
  fn() {
    const { message, details } = refusal(() =>
      importText(`services:
  web:
    image: "Not An Image"
    user: "a b"
    ports: ["x:y", "70000:1", "1-3:1-2"]
    volumes: [nowhere:/data, "a:b:c:d"]
    depends_on: [nobody, web]
    environment: hello
    command: "a 'b"
    healthcheck: {test: [what, x], interval: soon}
    mem_limit: lots
    cpus: many
    restart: sometimes
    secrets: [none]
    cap_add: ["!"]
    stop_grace_period: 2h
    labels: {A: "\${B:?must be said}", C: "$"}
  empty: {}
`)
    );
    strictEqual(message, `Cannot import compose.yaml: it has ${details.length} mistakes`);
    const text = details.join("\n");
    for (
      const expected of [
        /compose\.yaml:3: services\.web\.image: image: expected an image reference/,
        /compose\.yaml:4: services\.web\.user: user: expected "user" or "user:group"/,
        /compose\.yaml:5: services\.web\.ports\[0\]: expected \[address:\]/,
        /compose\.yaml:5: services\.web\.ports\[1\]: expected a port from 1 to 65535/,
        /compose\.yaml:5: services\.web\.ports\[2\]: its two ranges are not of one length/,
        /compose\.yaml:6: services\.web\.volumes\[0\]: "nowhere" is none of the file's volumes/,
        /compose\.yaml:6: services\.web\.volumes\[1\]: expected source:target/,
        /compose\.yaml:7: services\.web\.depends_on\[0\]: there is no service "nobody"/,
        /compose\.yaml:8: services\.web\.environment: expected a list, found a text/,
        /compose\.yaml:9: services\.web\.command: a ' is not closed/,
        /compose\.yaml:10: services\.web\.healthcheck\.test: expected \["CMD"/,
        /compose\.yaml:11: services\.web\.mem_limit: expected an amount/,
        /compose\.yaml:12: services\.web\.cpus: expected a number, found a text/,
        /compose\.yaml:13: services\.web\.restart: restart: expected "no", "on-failure"/,
        /compose\.yaml:14: services\.web\.secrets\[0\]: "none" is none of the file's secrets/,
        /compose\.yaml:15: services\.web\.cap_add\[0\]: cap_add\[0\]: expected a capability/,
        /compose\.yaml:16: services\.web\.stop_grace_period: stop_timeout: expected at most an hour/,
        /compose\.yaml:17: services\.web\.labels\.A: the variable B must be set: must be said/,
        /compose\.yaml:17: services\.web\.labels\.C: .*write \$\$ for a \$/,
        /compose\.yaml:18: services\.empty: image: expected an image reference/,
      ]
    ) match(text, expected);
  },
});

const refused: readonly [given: string, text: string, message: RegExp][] = [
  ["what has no services", "a: 1\n", /it has no services/],
  ["services that are a list", "services: [a]\n", /it has no services/],
  ["an empty file", "", /it has no services/],
  [
    "a file that extends itself",
    "services: {a: {extends: b, image: x}, b: {extends: a, image: x}}",
    /mistake/,
  ],
  [
    "a file to extend that is not there",
    "services: {a: {extends: {file: no.yaml, service: b}, image: x}}",
    /mistake/,
  ],
  [
    "two components that want one port",
    "services: {a: {image: x, ports: ['80:80']}, b: {image: x, ports: ['80:1']}}",
    /a mistake/,
  ],
  [
    "components that wait for each other",
    "services: {a: {image: x, depends_on: [b]}, b: {image: x, depends_on: [a]}}",
    /2 mistakes/,
  ],
];

for (const [given, text, message] of refused) {
  Deno.test({
    name: `importCompose() refuses ${given}`,
    permissions,
    fn: () => match(refusal(() => importText(text)).message, message),
  });
}

Deno.test({
  name: "importCompose() keeps within bounds what variables make of a file",
  permissions,
  fn() {
    const files = { ".env": `L=${"x".repeat(200_000)}\n` };
    const text = `services: {a: {image: x, environment: [${
      Array.from({ length: 1_000 }, (_, at) => `"V${at}=\${L}"`).join(",")
    }]}}`;
    match(refusal(() => importText(text, { files })).message, /its variables make it too long/);
  },
});

Deno.test({
  name: "importCompose() tells of the file that Compose would lay over this one",
  permissions,
  fn() {
    const { notes } = importOne("", "include: [other.yaml]\nwhatever: 1\n", {
      files: { "compose.override.yaml": "services: {}\n" },
    });
    const told = notes.map(({ origin, what }) => `${origin.file}:${origin.line}: ${what}`);
    ok(told.includes("compose.override.yaml:1: Compose would lay this file over the other"));
    ok(told.includes("compose.yaml:3: the files that it includes"));
    ok(told.includes("compose.yaml:4: Compose has no such table"));
  },
});
