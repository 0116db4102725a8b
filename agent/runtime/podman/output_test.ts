import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { McpError } from "../../../lib/errors.ts";
import {
  parseInfo,
  parseInspections,
  parseLastDeath,
  parseListing,
  parseReason,
  parseVersion,
} from "./output.ts";

/** Captured from podman 4.3.1, shortened to what is useful. */
async function captured(file: string): Promise<string> {
  const folder = new URL("../../../tests/fixtures/podman/4.3/", import.meta.url);
  return await Deno.readTextFile(new URL(file, folder));
}

// Read while the module loads: the tests themselves need no permission.
const captures = {
  listing: await captured("ps.json"),
  noContainers: await captured("ps_none.json"),
  running: await captured("inspect_running.json"),
  exited: await captured("inspect_exited.json"),
  restarted: await captured("inspect_restarted.json"),
  created: await captured("inspect_created.json"),
  info: await captured("info.json"),
  version: await captured("version.json"),
  remoteVersion: await captured("version_remote.json"),
};

const imageId = "9660a332036e5952a18259d4024847c65b6b3705b1c4f69ee0ac9bc827b136a1";

Deno.test({
  name: "parseListing() reads the containers of podman 4.3",
  permissions: "none",
  fn: () =>
    deepStrictEqual(
      parseListing(captures.listing).map(({ id, labels, ...rest }) => {
        ok(/^[0-9a-f]{64}$/.test(id), id);
        return { ...rest, isOurs: labels["mcp.service"] === "shop" };
      }),
      [
        ["shop-web", "running", undefined, 1795168067, true],
        ["shop-job", "exited", 7, 1795168067, false],
        ["shop-loop", "exited", 3, 1795168068, false],
        ["shop-new", "created", undefined, undefined, false],
        ["shop-paused", "running", undefined, 1795168068, false],
      ].map(([name, status, exitCode, startedAt, isOurs]) => ({
        name,
        image: "localhost/tiny:v1",
        imageId,
        status,
        exitCode,
        startedAt: typeof startedAt === "number" ? new Date(startedAt * 1000) : undefined,
        isOurs,
      })),
    ),
});

Deno.test({
  name: "parseListing() reads all labels of a container",
  permissions: "none",
  fn: () =>
    deepStrictEqual(parseListing(captures.listing)[0]?.labels, {
      "io.buildah.version": "1.28.2",
      "mcp.component": "web",
      "mcp.node": "rift",
      "mcp.revision": "3",
      "mcp.service": "shop",
    }),
});

for (
  const [given, output] of [
    ["an empty list", captures.noContainers],
    ["nothing", ""],
    ["a line feed", "\n"],
  ] as const
) {
  Deno.test({
    name: `parseListing() reads no container given ${given}`,
    permissions: "none",
    fn: () => deepStrictEqual(parseListing(output), []),
  });
}

Deno.test({
  name: "parseListing() reads what podman 5 leaves out, renames or sets to null",
  permissions: "none",
  fn: () => {
    // By podman 5's documentation of `ps --format json`, with fields that 4.3 does not have.
    const output = JSON.stringify([
      {
        Id: "ab",
        Names: ["shop-web", "also-called"],
        Image: "registry.example/x:v1",
        State: "Exited",
        Exited: true,
        ExitCode: 137,
        StartedAt: 1795168067,
        Labels: null,
        Networks: ["podman"],
        Restarts: 2,
        CIDFile: "",
      },
      { Id: "cd", Names: null, State: "configured" },
      { Id: "ef", State: "stopped", StartedAt: -62135596800 },
    ]);
    deepStrictEqual(parseListing(output), [
      {
        id: "ab",
        name: "shop-web",
        image: "registry.example/x:v1",
        imageId: "",
        status: "exited",
        exitCode: 137,
        startedAt: new Date(1795168067_000),
        labels: {},
      },
      {
        id: "cd",
        name: "cd",
        image: "",
        imageId: "",
        status: "configured",
        exitCode: undefined,
        startedAt: undefined,
        labels: {},
      },
      {
        id: "ef",
        name: "ef",
        image: "",
        imageId: "",
        status: "stopped",
        exitCode: 0,
        startedAt: undefined,
        labels: {},
      },
    ]);
  },
});

for (
  const [given, output, name, detail] of [
    [
      "one that runs",
      captures.running,
      "shop-web",
      { status: "running", exitCode: 0, restartCount: 0, startedAt: "2026-11-20T09:47:47.595Z" },
    ],
    [
      "one that has ended",
      captures.exited,
      "shop-job",
      { status: "exited", exitCode: 7, restartCount: 0, startedAt: "2026-11-20T09:47:47.697Z" },
    ],
    [
      "one that was restarted until podman gave up",
      captures.restarted,
      "shop-loop",
      { status: "exited", exitCode: 3, restartCount: 2, startedAt: "2026-11-20T09:47:48.093Z" },
    ],
    [
      "one that was never started",
      captures.created,
      "shop-new",
      { status: "created", exitCode: 0, restartCount: 0, startedAt: undefined },
    ],
  ] as const
) {
  Deno.test({
    name: `parseInspections() reads a container of podman 4.3: ${given}`,
    permissions: "none",
    fn: () => {
      const [found] = parseInspections(output);
      ok(found !== undefined);
      const { id, startedAt, ...rest } = found[1];
      ok(/^[0-9a-f]{64}$/.test(id), id);
      deepStrictEqual([found[0], { ...rest, startedAt: startedAt?.toISOString() }], [
        name,
        { oomKilled: false, imageId, ...detail },
      ]);
    },
  });
}

Deno.test({
  name: "parseInspections() reads that a container was killed for want of memory",
  permissions: "none",
  fn: () => {
    const state = { Status: "exited", ExitCode: 137, OOMKilled: true, Healthcheck: {} };
    const output = JSON.stringify([{ Id: "ab", Name: "shop-web", State: state }]);
    const detail = parseInspections(output).get("shop-web");
    deepStrictEqual([detail?.oomKilled, detail?.exitCode, detail?.imageId], [true, 137, ""]);
  },
});

Deno.test({
  name: "parseVersion() reads the server's version where there is a server",
  permissions: "none",
  fn: () => {
    strictEqual(parseVersion(captures.version), "4.3.1");
    strictEqual(parseVersion(captures.remoteVersion), "4.3.1");
    const both = { Client: { Version: "5.4.0" }, Server: { Version: "4.9.4" } };
    strictEqual(parseVersion(JSON.stringify(both)), "4.9.4");
    strictEqual(parseVersion(JSON.stringify({ ...both, Server: null })), "5.4.0");
  },
});

const container = { Id: "ab", Names: ["x"], State: "running" };
const inspected = { Id: "ab", Name: "x", State: { Status: "running" } };
const refused: readonly (readonly [string, (output: string) => unknown, string])[] = [
  ["a listing that is no JSON", parseListing, "Error: it broke"],
  ["half a listing", parseListing, '[{"Id": "ab"'],
  ["a listing that is an object", parseListing, "{}"],
  ["a listing that is null", parseListing, "null"],
  ["a listing of texts", parseListing, '["ab"]'],
  ["a container without a state", parseListing, JSON.stringify([{ Id: "ab" }])],
  [
    "a container with one name as text",
    parseListing,
    JSON.stringify([{ ...container, Names: "x" }]),
  ],
  [
    "a label that is a number",
    parseListing,
    JSON.stringify([{ ...container, Labels: { "mcp.revision": 3 } }]),
  ],
  [
    "a start written as text",
    parseListing,
    JSON.stringify([{ ...container, StartedAt: "2026-11-20T09:47:47Z" }]),
  ],
  ["nothing for an inspection", parseInspections, ""],
  ["an inspection without a name", parseInspections, JSON.stringify([{ ...inspected, Name: 1 }])],
  [
    "an exit code as text",
    parseInspections,
    JSON.stringify([{ ...inspected, State: { Status: "exited", ExitCode: "7" } }]),
  ],
  ["a version without a client", parseVersion, "{}"],
  ["a version that is text", parseVersion, '"4.3.1"'],
];
for (const [given, parse, output] of refused) {
  Deno.test({
    name: `${parse.name}() refuses ${given}`,
    permissions: "none",
    fn: () =>
      throws(() => parse(output), (error) => {
        ok(error instanceof McpError, String(error));
        strictEqual(error.kind, "unavailable");
        ok(
          /^Cannot read the answer of podman \w+: (it is not JSON|.+ is off)$/.test(error.message),
        );
        return true;
      }),
  });
}

for (
  const [given, stderr, reason] of [
    ["one error", "Error: it broke\n", "it broke"],
    [
      "an error behind warnings",
      'time="…" level=warning msg="Failed, retrying"\nError: it broke\n',
      "it broke",
    ],
    ["an error before a warning", 'Error: it broke\ntime="…" level=warning\n', "it broke"],
    ["two errors", "Error: one\nError: another\n", "another"],
    [
      "an error of several lines",
      'Error: pasta failed:\nFailed to bind\n\ntime="…" level=warning\n',
      "pasta failed: Failed to bind",
    ],
    ["no error", "something else\nlast words\n\n", "last words"],
    ["nothing", "", ""],
  ] as const
) {
  Deno.test({
    name: `parseReason() given ${given}`,
    permissions: "none",
    fn: () => strictEqual(parseReason(stderr), reason),
  });
}

for (
  const [given, output, exitCode] of [
    ["no end", "", undefined],
    ["one end", '{"ContainerExitCode":5,"Status":"died"}\n', 5],
    ["several", '{"ContainerExitCode":5}\n{"ContainerExitCode":137}\n', 137],
    ["an end without an exit code, which podman leaves out when it is 0", '{"ID":"af73"}\n', 0],
  ] as const
) {
  Deno.test({
    name: `parseLastDeath() given ${given}`,
    permissions: "none",
    fn: () => strictEqual(parseLastDeath(output), exitCode),
  });
}

Deno.test({
  name: "parseInfo() reads how podman 4.3 is set up",
  permissions: "none",
  fn: () =>
    deepStrictEqual(parseInfo(captures.info), {
      version: "4.3.1",
      rootless: true,
      cgroupVersion: "v2",
      cgroupControllers: ["hugetlb"],
      cgroupManager: "cgroupfs",
      networkCommand: "",
      logDriver: "k8s-file",
      eventLogger: "file",
      storage: {
        driver: "overlay",
        folder: "/home/mcp/.local/share/containers/storage",
        totalBytes: 270_553_174_016,
        freeBytes: 246_674_399_232,
      },
      userIds: [{ start: 59_266, count: 1 }, { start: 23_632_576, count: 65_536 }],
      groupIds: [{ start: 59_266, count: 1 }, { start: 23_632_576, count: 65_536 }],
    }),
});

Deno.test({
  name: "parseInfo() reads what a rootful podman leaves out",
  permissions: "none",
  fn: () => {
    const { host, store, ...rest } = JSON.parse(captures.info);
    const { idMappings: _, ...without } = host;
    const info = parseInfo(JSON.stringify({
      ...rest,
      host: { ...without, cgroupControllers: null, security: { rootless: false } },
      store: { graphDriverName: "vfs", graphRoot: "/var/lib/containers", extra: store },
    }));
    deepStrictEqual(
      [info.rootless, info.userIds, info.cgroupControllers, info.storage],
      [false, [], [], {
        driver: "vfs",
        folder: "/var/lib/containers",
        totalBytes: undefined,
        freeBytes: undefined,
      }],
    );
    throws(() => parseInfo("{}"), {
      message: "Cannot read the answer of podman info: host is off",
    });
  },
});
