/** What podman 5.4.2 says, read as that of 4.3 is: the two differ where these tests look. */

import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { componentDefaults } from "../../../lib/domain/component_spec.ts";
import { errorChain, type ErrorKind, McpError } from "../../../lib/errors.ts";
import type { ExecResult } from "../../../lib/system/exec.ts";
import { ScriptedExec } from "../../../tests/support/scripted_exec.ts";
import type { NewContainer } from "../runtime.ts";
import { hasAnyProcess, parseLastServiceDeath, parseServiceEvent } from "./api_output.ts";
import {
  parseEvent,
  parseImages,
  parseInfo,
  parseInspections,
  parseLastDeath,
  parseListing,
  parseVersion,
} from "./output.ts";
import { Podman } from "./podman.ts";

async function captured(file: string): Promise<string> {
  const folder = new URL("../../../tests/fixtures/podman/5.4/", import.meta.url);
  return await Deno.readTextFile(new URL(file, folder));
}

// Read while the module loads: the tests themselves need no permission.
const captures = {
  listing: await captured("ps.json"),
  running: await captured("inspect_running.json"),
  exited: await captured("inspect_exited.json"),
  restarted: await captured("inspect_restarted.json"),
  created: await captured("inspect_created.json"),
  info: await captured("info.json"),
  version: await captured("version.json"),
  remoteVersion: await captured("version_remote.json"),
  events: (await captured("events.jsonl")).trim().split("\n"),
};
const answers: Readonly<Record<string, ExecResult>> = JSON.parse(await captured("answers.json"));
const serviceAnswers: Readonly<Record<string, { readonly status: number; readonly text: string }>> =
  JSON.parse(await captured("api_answers.json"));

function answer(name: string): ExecResult {
  const found = answers[name];
  ok(found !== undefined, `nothing is captured as ${name}`);
  return found;
}

function serviceAnswer(name: string): string {
  const found = serviceAnswers[name];
  ok(found !== undefined, `nothing is captured as ${name}`);
  return found.text;
}

function test(name: string, fn: () => void | Promise<void>): void {
  Deno.test({ name: `podman 5.4: ${name}`, permissions: "none", fn });
}

test("parseListing() reads its containers, told by either way", () => {
  const expected = [
    ["shop-web", "running", undefined, true],
    ["shop-job", "exited", 7, true],
    ["shop-loop", "exited", 3, true],
    ["shop-new", "created", undefined, false],
  ];
  for (const listing of [captures.listing, serviceAnswer("list")]) {
    const told = parseListing(listing).filter(({ name }) =>
      expected.some(([known]) => known === name)
    );
    deepStrictEqual(
      told.map(({ name, status, exitCode, startedAt }) => [
        ...[name, status, exitCode, startedAt !== undefined],
      ]),
      expected,
    );
    strictEqual(told[0]?.labels["mcp.component"], "web");
  }
});

for (
  const [given, output, name, detail] of [
    ["one that runs", captures.running, "shop-web", ["running", 0, 0, true]],
    ["one that has ended", captures.exited, "shop-job", ["exited", 7, 0, true]],
    ["one it gave up", captures.restarted, "shop-loop", ["exited", 3, 2, true]],
    ["one never started", captures.created, "shop-new", ["created", 0, 0, false]],
  ] as const
) {
  test(`parseInspections() reads ${given}`, () => {
    const found = parseInspections(output).get(name);
    ok(found !== undefined);
    const { status, exitCode, restartCount, startedAt } = found;
    deepStrictEqual([status, exitCode, restartCount, startedAt !== undefined], detail);
  });
}

test("parseInfo() and parseVersion() read how it is set up", () => {
  const { storage, userIds: _users, groupIds: _groups, ...rest } = parseInfo(captures.info);
  deepStrictEqual(
    rest,
    {
      version: "5.4.2",
      rootless: true,
      cgroupVersion: "v2",
      cgroupControllers: ["hugetlb"],
      cgroupManager: "cgroupfs",
      networkCommand: "pasta",
      logDriver: "k8s-file",
      eventLogger: "file",
    },
  );
  strictEqual(storage.driver, "overlay");
  ok((storage.freeBytes ?? 0) > 0);
  strictEqual(parseVersion(captures.version), "5.4.2");
  strictEqual(parseVersion(captures.remoteVersion), "5.4.2");
});

test("parseEvent() reads its events, whose time is a number", () => {
  deepStrictEqual(
    captures.events.map(parseEvent).map(({ container, status, exitCode, at }) => [
      ...[container, status, exitCode, at.toISOString()],
    ]),
    [
      ["shop-watched", "create", undefined, "2026-12-01T04:08:37.335Z"],
      ["shop-watched", "init", undefined, "2026-12-01T04:08:37.398Z"],
      ["shop-watched", "start", undefined, "2026-12-01T04:08:37.403Z"],
      ["shop-watched", "died", 5, "2026-12-01T04:08:38.462Z"],
      ["shop-watched", "cleanup", undefined, "2026-12-01T04:08:38.538Z"],
      ["shop-watched", "remove", undefined, "2026-12-01T04:08:39.563Z"],
    ],
  );
  strictEqual(parseLastDeath(captures.events.slice(0, 4).join("\n")), 5);
});

test("what its service answers is read", () => {
  const [container] = parseInspections(`[${serviceAnswer("container")}]`).values();
  const [image] = parseImages(`[${serviceAnswer("image")}]`);
  strictEqual(container?.status, "running");
  strictEqual(container.imageId, image?.id);
  strictEqual(hasAnyProcess(serviceAnswer("top")), true);
  strictEqual(serviceAnswers["top_ended"]?.status, 500);
  strictEqual(parseLastServiceDeath(serviceAnswer("deaths")), 7);
  const lives = serviceAnswer("lives").trim().split("\n").map(parseServiceEvent);
  deepStrictEqual(lives.find(({ status }) => status === "died")?.exitCode, 7);
  ok(lives.every(({ container }) => container === "shop-job"));
});

const container: NewContainer = {
  name: "shop-web",
  spec: {
    ...componentDefaults,
    name: "web",
    image: "registry.example/shop-web:v1",
    network: "",
    user: "",
    restart: "no",
    ports: [],
    volumes: [],
    cmd: [],
  },
  labels: {},
  pull: "never",
};

interface Failure {
  readonly prefix: string;
  readonly answer: string;
  readonly act: (podman: Podman) => Promise<unknown>;
  readonly kind: ErrorKind;
  readonly chain: RegExp;
}

const failures: readonly Failure[] = [
  ...([
    ["start", (podman) => podman.start("nobody")],
    ["stop", (podman) => podman.stop("nobody", 1_000)],
    ["restart", (podman) => podman.restart("nobody", 1_000)],
  ] as [string, Failure["act"]][]).map(([verb, act]): Failure => ({
    prefix: `podman ${verb}`,
    answer: `${verb}_absent`,
    act,
    kind: "not_found",
    chain: /no container with name or ID "nobody" found/,
  })),
  ...["rename_taken", "remote_rename_taken"].map((answer): Failure => ({
    prefix: "podman rename",
    answer,
    act: (podman) => podman.rename("shop-job", "shop-web"),
    kind: "conflict",
    chain: /^Cannot rename container "shop-job" to "shop-web": .*UNIQUE constraint failed/,
  })),
  ...["run_port_taken", "remote_run_port_taken"].map((answer): Failure => ({
    prefix: "podman run",
    answer,
    act: (podman) => podman.run(container),
    kind: "conflict",
    chain: /pasta failed with exit code 1: Failed to bind port 18080 \(Address already in use\)/,
  })),
  {
    prefix: "podman start",
    answer: "start_port_taken",
    act: (podman) => podman.start("shop-web"),
    kind: "conflict",
    chain: /Failed to bind port 18080 \(Address already in use\)/,
  },
  {
    prefix: "podman run",
    answer: "run_name_taken",
    act: (podman) => podman.run(container),
    kind: "conflict",
    chain: /the container name "shop-web" is already in use/,
  },
  {
    prefix: "podman run",
    answer: "run_without_image",
    act: (podman) => podman.run(container),
    kind: "not_found",
    chain: /localhost\/nothing:v1: image not known$/,
  },
  {
    prefix: "podman run",
    answer: "run_without_command",
    act: (podman) => podman.run(container),
    kind: "unavailable",
    chain: /executable file `\/no\/such` not found: No such file or directory/,
  },
  {
    prefix: "podman pull",
    answer: "pull_refused",
    act: (podman) => podman.pull("127.0.0.1:1/x:v1"),
    kind: "unavailable",
    chain: /^Cannot pull the image "127.0.0.1:1\/x:v1": initializing source .*connection refused$/,
  },
  {
    prefix: "podman ps",
    answer: "remote_down",
    act: (podman) => podman.list(),
    kind: "unavailable",
    chain: /^Cannot list the containers: unable to connect to Podman socket/,
  },
];
for (const { prefix, answer: name, act, kind, chain } of failures) {
  test(`${name} fails as ${kind}`, async () => {
    const { scripted, podman } = podmanWith();
    scripted.on("podman start", answer("start_port_taken"));
    scripted.on(prefix, answer(name));
    await rejects(act(podman), (error) => {
      ok(error instanceof McpError, String(error));
      strictEqual(error.kind, kind);
      match(errorChain(error), chain);
      return true;
    });
  });
}

for (
  const [verb, act] of [
    ["run", (podman) => podman.run(container)],
    ["start", (podman) => podman.start("shop-web")],
    ["restart", (podman) => podman.restart("shop-web", 1_000)],
  ] as [string, Failure["act"]][]
) {
  test(`${verb}() starts a container once pasta has let go of its port`, async () => {
    const { scripted, podman } = podmanWith();
    const taken = answer("start_port_taken");
    if (verb !== "start") scripted.on(`podman ${verb}`, answer("run_port_taken"));
    scripted.on("podman start", ...verb === "start" ? [taken, { code: 0 }] : [{ code: 0 }]);
    await act(podman);
    deepStrictEqual(scripted.lines.slice(1), ["podman start shop-web"]);
  });
}

test("start() of what fails for another reason is tried once", async () => {
  const { scripted, podman } = podmanWith();
  scripted.on("podman start", answer("start_absent"));
  await rejects(podman.start("nobody"));
  strictEqual(scripted.runs.length, 1);
});

test("remove() tries again when a process did not die in time", async () => {
  const { scripted, podman } = podmanWith();
  const late = "cannot remove container ab as it could not be stopped: " +
    "given PID did not die within timeout";
  scripted.on("podman rm", { code: 125, stderr: `Error: ${late}\n` }, { stdout: "shop-web\n" });
  strictEqual(await podman.remove("shop-web"), true);
});

for (
  const [verb, act] of [
    ["stop", (podman) => podman.stop("shop-web", 1_000)],
    ["restart", (podman) => podman.restart("shop-web", 1_000)],
    ["rm", (podman) => podman.remove("shop-web")],
  ] as [string, Failure["act"]][]
) {
  test(`what was killed with its conmon takes two tries to ${verb}`, async () => {
    const { scripted, podman } = podmanWith();
    const stderr = "Error: container ab conmon exited prematurely, " +
      "exit code could not be retrieved: internal libpod error\n";
    scripted.on(`podman ${verb}`, { code: 125, stderr }, { stdout: "shop-web\n" });
    await act(podman);
    strictEqual(scripted.runs.length, 2);
  });
}

for (const name of ["inspect_absent", "remote_inspect_absent"]) {
  test(`${name} is no container`, async () => {
    const { scripted, podman } = podmanWith();
    scripted.on("podman container inspect", answer(name));
    strictEqual(await podman.inspect("nobody"), undefined);
  });
}

for (const name of ["remove_absent", "remote_remove_absent"]) {
  test(`${name} removes nothing`, async () => {
    const { scripted, podman } = podmanWith();
    scripted.on("podman rm", answer(name));
    strictEqual(await podman.remove("nobody"), false);
  });
}

function podmanWith() {
  const scripted = new ScriptedExec();
  const podman = new Podman({
    exec: scripted.exec,
    follow: () => Promise.reject(new Error("nothing is followed here")),
    target: { program: "podman", url: undefined },
    pullTimeoutMs: 600_000,
    portPatienceMs: 50,
  });
  return { scripted, podman };
}
