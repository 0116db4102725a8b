import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { complaintsAboutComponent } from "./component_complaints.ts";
import { componentDefaults, type ComponentSpec } from "./component_spec.ts";
import { parsePort, parseVolume } from "./mappings.ts";

const sensible: ComponentSpec = {
  ...componentDefaults,
  name: "api",
  image: "registry.example/metacrypt:v1",
  network: "mcpnet",
  user: "0:0",
  restart: "unless-stopped",
  ports: ["127.0.0.1:18443:8443"],
  volumes: ["/srv/metacrypt:/srv/metacrypt:ro"],
  cmd: ["server", "--config", "/srv/metacrypt/metacrypt.toml"],
};

Deno.test({
  name: "complaintsAboutComponent() has none about a spec that makes sense",
  permissions: "none",
  fn: () => deepStrictEqual(complaintsAboutComponent(sensible, []), []),
});

Deno.test({
  name: "complaintsAboutComponent() has none about a spec that leaves out what it can",
  permissions: "none",
  fn: () => {
    const least = { ...sensible, network: "", user: "", ports: [], volumes: [], cmd: [] };
    deepStrictEqual(complaintsAboutComponent(least, []), []);
  },
});

Deno.test({
  name:
    "complaintsAboutComponent() tells of secrets that could not be seen, and of a job without end",
  permissions: "none",
  fn: () => {
    const key = { name: "key", target: "/run/secrets/key", mode: 0o400, uid: 0, gid: 0 };
    const wrong: ComponentSpec = {
      ...sensible,
      kind: "job",
      restart: "always",
      volumes: ["/srv/metacrypt:/run/secrets/key"],
      tmpfs: ["/run/below:size=1m"],
      devices: ["/dev/fuse", "/dev/../etc/shadow", "/dev/./fuse"],
      secrets: [
        key,
        { ...key, target: "/run/secrets/key" },
        { ...key, name: "salt", target: "/run/below" },
        { ...key, name: "pepper", target: "/run/../etc/pepper" },
        { ...key, name: "open", target: "/run/open", mode: 0o4755 },
      ],
    };
    deepStrictEqual(complaintsAboutComponent(wrong, []).map(({ path }) => path.join(".")), [
      "devices.1",
      "devices.2",
      "restart",
      "secrets.1.name",
      "secrets.1.target",
      "secrets.3.target",
      "secrets.4.mode",
      "secrets.0.target",
      "secrets.1.target",
      "secrets.2.target",
    ]);
  },
});

Deno.test({
  name: "complaintsAboutComponent() lets no namespace be a flag, and shows no value of a variable",
  permissions: "none",
  fn: () => {
    const hostNamespaces = ["pid", "privileged", "net"] as ComponentSpec["hostNamespaces"];
    const complaints = complaintsAboutComponent(
      { ...sensible, hostNamespaces, env: { PASSWORD: "hunter2\0" } },
      [],
    );
    deepStrictEqual(complaints.map(({ path }) => path.join(".")), [
      "env.PASSWORD",
      "host_namespaces.1",
      "host_namespaces.2",
    ]);
    strictEqual(JSON.stringify(complaints).includes("hunter2"), false);
  },
});

Deno.test({
  name: "complaintsAboutComponent() tells every mistake at once, each with its key path",
  permissions: "none",
  fn: () => {
    const wrong: ComponentSpec = {
      ...componentDefaults,
      name: "",
      image: "--privileged",
      network: "-n",
      user: "a b",
      restart: "sometimes",
      ports: ["80:80", "80"],
      volumes: ["relative/path:/x", "/ok:/ok"],
      cmd: ["fine", "nul\0"],
    };
    const complaints = complaintsAboutComponent(wrong, ["components", 3]);
    deepStrictEqual(complaints.map(({ path }) => path.slice(2)), [
      ["name"],
      ["image"],
      ["network"],
      ["user"],
      ["restart"],
      ["ports", 1],
      ["volumes", 0],
      ["cmd", 1],
    ]);
    deepStrictEqual(complaints[1], {
      path: ["components", 3, "image"],
      expected: 'an image reference like "registry.example/name:tag"',
      found: '"--privileged"',
    });
    strictEqual(complaints[0]?.found, "nothing");
  },
});

const verdicts: readonly (readonly [keyof ComponentSpec, string, boolean])[] = [
  ["network", "host", true],
  ["network", "my_net.1", true],
  ["network", "container:other", false],
  ["network", "--network=host", false],
  ["network", "a,b", false],
  ["network", "n".repeat(129), false],
  ["user", "1000", true],
  ["user", "app:app", true],
  ["user", "_app", true],
  ["user", "-1", false],
  ["user", "a:", false],
  ["user", "a:b:c", false],
  ["user", "root\n", false],
  ["restart", "no", true],
  ["restart", "always", true],
  ["restart", "on-failure", true],
  ["restart", "on-failure:5", true],
  ["restart", "on-failure:", false],
  ["restart", "on-failure:-1", false],
  ["restart", "", false],
  ["restart", "no ", false],
];
for (const [key, text, expected] of verdicts) {
  Deno.test({
    name: `complaintsAboutComponent() ${expected ? "takes" : "refuses"} ${key} ${
      JSON.stringify(text).slice(0, 40)
    }`,
    permissions: "none",
    fn: () => {
      const complaints = complaintsAboutComponent({ ...sensible, [key]: text }, []);
      deepStrictEqual(complaints.map(({ path }) => path), expected ? [] : [[key]]);
    },
  });
}

Deno.test({
  name: "complaintsAboutComponent() leaves the command free, behind the image where podman stops",
  permissions: "none",
  fn: () => {
    const spec = { ...sensible, cmd: ["sh", "-c", "echo a\necho b", "--privileged", ""] };
    deepStrictEqual(complaintsAboutComponent(spec, []), []);
  },
});

for (
  const [text, ip, hostPort, containerPort, protocol] of [
    ["8080:80", "", 8080, 80, "tcp"],
    ["1:65535", "", 1, 65535, "tcp"],
    ["53:53/udp", "", 53, 53, "udp"],
    ["53:53/sctp", "", 53, 53, "sctp"],
    ["127.0.0.1:8080:80/tcp", "127.0.0.1", 8080, 80, "tcp"],
    ["[::1]:8080:80", "[::1]", 8080, 80, "tcp"],
    ["[2001:db8::1]:8080:80", "[2001:db8::1]", 8080, 80, "tcp"],
  ] as const
) {
  Deno.test({
    name: `parsePort() takes ${text} apart`,
    permissions: "none",
    fn: () => deepStrictEqual(parsePort(text), { ip, hostPort, containerPort, protocol }),
  });
}

for (
  const text of [
    "",
    "80",
    ":80",
    "80:",
    "0:80",
    "80:0",
    "65536:80",
    "80:65536",
    "-1:80",
    "a:80",
    "8080-8090:80-90",
    "80:80/icmp",
    "80:80/TCP",
    "80:80/",
    "256.0.0.1:80:80",
    "1.2.3:80:80",
    "::1:80:80",
    "[:::]:80:80",
    "[1:2]:80:80",
    "[::1]80:80",
    "example.com:80:80",
    " 80:80",
    "80:80\n",
    "80:80:80:80",
  ]
) {
  Deno.test({
    name: `parsePort() refuses ${JSON.stringify(text)}`,
    permissions: "none",
    fn: () => strictEqual(parsePort(text), undefined),
  });
}

for (
  const [text, source, target, options] of [
    ["/srv/a:/srv/a", "/srv/a", "/srv/a", []],
    ["/srv/a b:/data:ro,Z", "/srv/a b", "/data", ["ro", "Z"]],
    ["data:/data:rw,U", "data", "/data", ["rw", "U"]],
    ["/:/host:ro", "/", "/host", ["ro"]],
    ["/srv/..hidden:/x", "/srv/..hidden", "/x", []],
  ] as const
) {
  Deno.test({
    name: `parseVolume() takes ${text} apart`,
    permissions: "none",
    fn: () => deepStrictEqual(parseVolume(text), { source, target, options }),
  });
}

for (
  const text of [
    "",
    "/srv/a",
    ":/data",
    "/srv/a:",
    "/srv/a:data",
    "./a:/data",
    "~/a:/data",
    "../a:/data",
    "/srv/../etc:/data",
    "/srv/./a:/data",
    "/srv//a:/data",
    "/srv/a/:/data",
    "/srv/a:/data/..",
    "-v:/data",
    "/a:/b:",
    "/a:/b:shared",
    "/a:/b:ro,",
    "/a:/b:RO",
    "/a:/b:ro:z",
    "/a\n:/b",
    "/a\0:/b",
    "/a:/b\u007f",
    `/${"a".repeat(4096)}:/b`,
  ]
) {
  Deno.test({
    name: `parseVolume() refuses ${JSON.stringify(text).slice(0, 40)}`,
    permissions: "none",
    fn: () => strictEqual(parseVolume(text), undefined),
  });
}
