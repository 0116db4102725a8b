import { deepStrictEqual, ok, throws } from "node:assert/strict";
import { compare, type Grant, requireGrants, suspectGrants } from "./grants.ts";
import type { ServerNeeds } from "./permissions.ts";

const needs: ServerNeeds = {
  run: ["/usr/bin/podman"],
  read: ["/srv", "/etc/subuid"],
  write: ["/srv"],
  net: ["100.95.252.120:9444", "127.0.0.1", "[::1]", "unix:/run/mcp-podman/podman.sock"],
  sys: ["statfs", "cpus"],
};

const exactly: readonly string[] = [
  "--allow-run=/usr/bin/podman",
  "--allow-read=/srv",
  "--allow-read=/etc/subuid",
  "--allow-write=/srv",
  "--allow-net=100.95.252.120:9444",
  "--allow-net=127.0.0.1",
  "--allow-net=[::1]",
  "--allow-net=unix:/run/mcp-podman/podman.sock",
  "--allow-sys=statfs",
  "--allow-sys=cpus",
];

/** A process that holds these flags, with paths holding what lies below them, as Deno has it. */
function holder(flags: readonly string[]): (grant: Grant) => Promise<boolean> {
  return ({ name, value }) =>
    Promise.resolve(flags.some((flag) => {
      const [held = "", ...rest] = flag.slice("--allow-".length).split("=");
      const what = rest.join("=");
      if (held !== name) return false;
      if (rest.length === 0 || what === value) return true;
      if (value === undefined) return false;
      return name === "net"
        ? value.startsWith(`${what}:`)
        : value.startsWith(what === "/" ? "/" : `${what}/`);
    }));
}

const cases:
  readonly (readonly [string, readonly string[], readonly string[], readonly string[]])[] = [
    ["exactly what is needed", exactly, [], []],
    ["nothing", [], exactly, []],
    [
      "all but one folder and one fact",
      exactly.filter((flag) => flag !== "--allow-write=/srv" && flag !== "--allow-sys=cpus"),
      ["--allow-write=/srv", "--allow-sys=cpus"],
      [],
    ],
    [
      "everything",
      ["run", "read", "write", "net", "sys", "env", "ffi", "import"].map((name) =>
        `--allow-${name}`
      ),
      [],
      ["--allow-all"],
    ],
    ["all reading", [...exactly, "--allow-read"], [], ["--allow-read"]],
    ["the root folder", [...exactly, "--allow-write=/"], [], ["--allow-write=/"]],
    ["what encloses what is needed", [...exactly, "--allow-read=/etc"], [], ["--allow-read=/etc"]],
    ["a folder nobody spoke of", [...exactly, "--allow-write=/usr"], [], ["--allow-write=/usr"]],
    [
      "all ports of the address",
      [...exactly, "--allow-net=100.95.252.120"],
      [],
      ["--allow-net=100.95.252.120"],
    ],
    [
      "another host",
      [...exactly, "--allow-net=example.com:443"],
      [],
      ["--allow-net=example.com:443"],
    ],
    ["another address of this machine", [...exactly, "--allow-net=127.0.0.2"], [], [
      "--allow-net=127.0.0.2:22",
    ]],
    ["this machine by its name", [...exactly, "--allow-net=localhost"], [], [
      "--allow-net=localhost:22",
    ]],
    [
      "not the loopback, where components are asked for their health",
      exactly.filter((flag) => flag !== "--allow-net=127.0.0.1"),
      ["--allow-net=127.0.0.1"],
      [],
    ],
    ["a shell", [...exactly, "--allow-run=/bin/sh"], [], ["--allow-run=/bin/sh"]],
    ["another fact", [...exactly, "--allow-sys=hostname"], [], ["--allow-sys=hostname"]],
    ["all facts", [...exactly, "--allow-sys"], [], ["--allow-sys"]],
    ["a variable", [...exactly, "--allow-env=HOME"], [], ["--allow-env=HOME"]],
    ["libraries", [...exactly, "--allow-ffi"], [], ["--allow-ffi"]],
    ["a library", [...exactly, "--allow-ffi=/srv"], [], ["--allow-ffi=/srv"]],
    ["code from elsewhere", [...exactly, "--allow-import=jsr.io:443"], [], [
      "--allow-import=jsr.io:443",
    ]],
  ];
for (const [given, flags, missing, broader] of cases) {
  Deno.test({
    name: `compare() given ${given}`,
    permissions: "none",
    fn: async () => deepStrictEqual(await compare(needs, holder(flags)), { missing, broader }),
  });
}

Deno.test({
  name: "suspectGrants() suspects nothing of what is needed",
  permissions: "none",
  fn: () => {
    const wide = { ...needs, run: ["/bin/sh"], write: ["/tmp", "/home/mcp"], sys: ["hostname"] };
    const suspects = suspectGrants(wide).map(({ name, value }) => `${name}=${value}`);
    for (const need of ["run=/bin/sh", "write=/tmp", "sys=hostname"]) {
      ok(!suspects.includes(need), need);
    }
    ok(suspects.includes("write=/home"));
    ok(suspects.includes("sys=cpus"));
  },
});

Deno.test({
  name: "requireGrants() names every flag that is missing before it speaks of any that is too much",
  permissions: "none",
  fn: () => {
    const options = { allowsBroader: false, configFile: "/srv/mcp/mcp-agent.toml" };
    throws(
      () =>
        requireGrants(
          { missing: ["--allow-read=/a", "--allow-net=b:1"], broader: ["--allow-ffi"] },
          {
            ...options,
            allowsBroader: true,
          },
        ),
      {
        kind: "conflict",
        details: ["--allow-read=/a is missing", "--allow-net=b:1 is missing"],
        hint: /mcp-agent permissions --config \/srv\/mcp\/mcp-agent.toml/,
      },
    );
    throws(() => requireGrants({ missing: [], broader: ["--allow-ffi"] }, options), {
      kind: "conflict",
      details: ["--allow-ffi is too much"],
      hint: /--allow-broad-permissions/,
    });
    deepStrictEqual(
      requireGrants({ missing: [], broader: ["--allow-ffi"] }, { ...options, allowsBroader: true }),
      ["--allow-ffi"],
    );
    deepStrictEqual(requireGrants({ missing: [], broader: [] }, options), []);
  },
});
