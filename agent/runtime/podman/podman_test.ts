import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { errorChain, type ErrorKind, McpError } from "../../../lib/errors.ts";
import type { ExecResult } from "../../../lib/system/exec.ts";
import { ScriptedExec } from "../../../tests/support/scripted_exec.ts";
import type { NewContainer } from "../runtime.ts";
import { Podman } from "./podman.ts";
import { componentDefaults } from "../../../lib/domain/component_spec.ts";

/** How podman 4.3.1 ended and what it said, by what was wrong. */
const answers: Readonly<Record<string, ExecResult>> = JSON.parse(await read("answers.json"));
const inspectRunning = await read("inspect_running.json");
const listing = await read("ps.json");
const version = await read("version.json");

async function read(file: string): Promise<string> {
  const folder = new URL("../../../tests/fixtures/podman/4.3/", import.meta.url);
  return await Deno.readTextFile(new URL(file, folder));
}

function answer(name: string): ExecResult {
  const found = answers[name];
  ok(found !== undefined, `nothing is captured as ${name}`);
  return found;
}

function podmanWith(url?: string) {
  const scripted = new ScriptedExec();
  const podman = new Podman({
    exec: scripted.exec,
    follow: () => Promise.reject(new Error("nothing is followed here")),
    target: { program: "podman", url },
    pullTimeoutMs: 600_000,
  });
  return { scripted, podman };
}

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
  readonly given: string;
  readonly prefix: string;
  readonly answer: string;
  readonly act: (podman: Podman) => Promise<unknown>;
  readonly kind: ErrorKind;
  readonly chain: RegExp;
}

const failures: readonly Failure[] = [
  {
    given: "a container to start that does not exist",
    prefix: "podman start",
    answer: "start_absent",
    act: (podman) => podman.start("nobody"),
    kind: "not_found",
    chain: /^Cannot start container "nobody": no container with name or ID "nobody" found/,
  },
  {
    given: "a container to stop that does not exist",
    prefix: "podman stop",
    answer: "stop_absent",
    act: (podman) => podman.stop("nobody", 1000),
    kind: "not_found",
    chain: /^Cannot stop container "nobody": /,
  },
  {
    given: "a container to restart that does not exist",
    prefix: "podman restart",
    answer: "restart_absent",
    act: (podman) => podman.restart("nobody", 1000),
    kind: "not_found",
    chain: /^Cannot restart container "nobody": /,
  },
  {
    given: "a container to rename that does not exist",
    prefix: "podman rename",
    answer: "rename_absent",
    act: (podman) => podman.rename("nobody", "somebody"),
    kind: "not_found",
    chain: /^Cannot rename container "nobody" to "somebody": /,
  },
  {
    given: "a new name that is taken",
    prefix: "podman rename",
    answer: "rename_taken",
    act: (podman) => podman.rename("shop-job", "shop-web"),
    kind: "conflict",
    chain: /name shop-web already in use/,
  },
  {
    given: "a name for a new container that is taken",
    prefix: "podman run",
    answer: "run_name_taken",
    act: (podman) => podman.run(container),
    kind: "conflict",
    chain: /^Cannot run container "shop-web": .*the container name "shop-web" is already in use/,
  },
  {
    given: "a port that is taken",
    prefix: "podman run",
    answer: "run_port_taken",
    act: (podman) => podman.run(container),
    kind: "conflict",
    chain: /bind: address already in use$/,
  },
  {
    given: "an image that is not on the node",
    prefix: "podman run",
    answer: "run_without_image",
    act: (podman) => podman.run(container),
    kind: "not_found",
    chain: /localhost\/nothing:v1: image not known$/,
  },
  {
    given: "a folder to mount that does not exist",
    prefix: "podman run",
    answer: "run_without_folder",
    act: (podman) => podman.run(container),
    kind: "unavailable",
    chain: /statfs \/no\/such\/path: no such file or directory$/,
  },
  {
    given: "a network that does not exist",
    prefix: "podman run",
    answer: "run_without_network",
    act: (podman) => podman.run(container),
    kind: "unavailable",
    chain: /unable to find network with name or ID nonet: network not found$/,
  },
  {
    given: "a command that does not exist",
    prefix: "podman run",
    answer: "run_without_command",
    act: (podman) => podman.run(container),
    kind: "unavailable",
    chain: /executable file `\/no\/such` not found in \$PATH/,
  },
  {
    given: "an image registry that does not answer",
    prefix: "podman pull",
    answer: "pull_refused",
    act: (podman) => podman.pull("127.0.0.1:1/x:v1"),
    kind: "unavailable",
    chain: /^Cannot pull the image "127.0.0.1:1\/x:v1": initializing source .*connection refused$/,
  },
  {
    given: "podman's API service not listening",
    prefix: "podman ps",
    answer: "remote_down",
    act: (podman) => podman.list(),
    kind: "unavailable",
    chain: /^Cannot list the containers: unable to connect to Podman socket/,
  },
];
for (const { given, prefix, answer: name, act, kind, chain } of failures) {
  Deno.test({
    name: `Podman fails as ${kind} given ${given}`,
    permissions: "none",
    fn: async () => {
      const { scripted, podman } = podmanWith();
      scripted.on(prefix, answer(name));
      await rejects(act(podman), (error) => {
        ok(error instanceof McpError, String(error));
        strictEqual(error.kind, kind);
        match(errorChain(error), chain);
        return true;
      });
    },
  });
}

for (const name of ["logs_absent", "remote_logs_absent"]) {
  Deno.test({
    name: `Podman.logTail() fails as not_found when there is no container (${name})`,
    permissions: "none",
    fn: async () => {
      const { scripted, podman } = podmanWith();
      scripted.on("podman logs", answer(name));
      scripted.on("podman container inspect", answer("inspect_absent"));
      await rejects(podman.logTail("nobody", 5), { kind: "not_found" });
    },
  });
}

Deno.test({
  name: "Podman tells the exit code when podman says nothing",
  permissions: "none",
  fn: async () => {
    const { scripted, podman } = podmanWith();
    scripted.on("podman start", { code: 125 });
    await rejects(podman.start("shop-web"), (error) => {
      strictEqual(
        errorChain(error),
        'Cannot start container "shop-web": podman exited with code 125',
      );
      return true;
    });
  },
});

Deno.test({
  name: "Podman.list() and Podman.version() hand on what podman printed",
  permissions: "none",
  fn: async () => {
    const { scripted, podman } = podmanWith();
    scripted.on("podman ps", { stdout: listing }).on("podman version", { stdout: version });
    strictEqual((await podman.list()).length, 5);
    strictEqual(await podman.version(), "4.3.1");
  },
});

for (const name of ["inspect_absent", "remote_inspect_absent"]) {
  Deno.test({
    name: `Podman.inspect() knows no container that does not exist (${name})`,
    permissions: "none",
    fn: async () => {
      const { scripted, podman } = podmanWith();
      scripted.on("podman container inspect", answer(name));
      strictEqual(await podman.inspect("nobody"), undefined);
    },
  });
}

Deno.test({
  name: "Podman.inspect() does not take a container for the one whose name begins its id",
  permissions: "none",
  fn: async () => {
    const { scripted, podman } = podmanWith();
    scripted.on("podman container inspect", { stdout: inspectRunning });
    strictEqual(await podman.inspect("f7"), undefined);
    strictEqual((await podman.inspect("shop-web"))?.status, "running");
  },
});

const byName: readonly (readonly [string, (podman: Podman, name: string) => Promise<unknown>])[] = [
  ["start", (podman, name) => podman.start(name)],
  ["stop", (podman, name) => podman.stop(name, 0)],
  ["restart", (podman, name) => podman.restart(name, 0)],
  ["rename", (podman, name) => podman.rename(name, "x")],
  ["logTail", (podman, name) => podman.logTail(name, 5)],
];
for (const [verb, act] of byName) {
  Deno.test({
    name: `Podman.${verb}() touches no container whose id only begins with the name`,
    permissions: "none",
    fn: async () => {
      const { scripted, podman } = podmanWith();
      scripted.on("podman container inspect", { stdout: inspectRunning });
      await rejects(act(podman, "f7"), { kind: "not_found" });
      deepStrictEqual(scripted.lines, ["podman container inspect f7"]);
    },
  });
}

Deno.test({
  name: "Podman.remove() touches no container whose id only begins with the name",
  permissions: "none",
  fn: async () => {
    const { scripted, podman } = podmanWith();
    scripted.on("podman container inspect", { stdout: inspectRunning });
    strictEqual(await podman.remove("f7"), false);
    deepStrictEqual(scripted.lines, ["podman container inspect f7"]);
  },
});

Deno.test({
  name: "Podman calls a container whose name could be an id by its whole id",
  permissions: "none",
  fn: async () => {
    const { scripted, podman } = podmanWith();
    const stdout = inspectRunning.replace('"shop-web"', '"db"');
    scripted.on("podman container inspect", { stdout }).on("podman rm", { stdout: "f77b\n" });
    strictEqual(await podman.remove("db"), true);
    match(scripted.lines[1] ?? "", /^podman rm --force --time=0 f77b1b774fc1[0-9a-f]{52}$/);
  },
});

for (
  const [given, result, was] of [
    ["podman 4.3 removing nothing", answer("remove_absent"), false],
    ["a podman that says that there is none", answer("stop_absent"), false],
    ["a container", { code: 0, stdout: "shop-web\n", stderr: "" }, true],
  ] as const
) {
  Deno.test({
    name: `Podman.remove() tells whether there was one given ${given}`,
    permissions: "none",
    fn: async () => {
      const { scripted, podman } = podmanWith();
      scripted.on("podman rm", result);
      strictEqual(await podman.remove("shop-web"), was);
    },
  });
}

Deno.test({
  name: "Podman.stop() takes a container that had to be killed for stopped",
  permissions: "none",
  fn: async () => {
    const { scripted, podman } = podmanWith();
    scripted.on("podman stop", answer("stop_killed"));
    await podman.stop("shop-paused", 1000);
  },
});

Deno.test({
  name: "Podman.logTail() reads both streams and leaves empty lines out",
  permissions: "none",
  fn: async () => {
    const { scripted, podman } = podmanWith();
    scripted.on("podman logs", { stdout: "one\n\ntwo\n", stderr: "three\n" });
    deepStrictEqual(await podman.logTail("shop-web", 5), ["one", "two", "three"]);
  },
});

Deno.test({
  name: "Podman puts the API service in front of every command line",
  permissions: "none",
  fn: async () => {
    const { scripted, podman } = podmanWith("unix:///run/mcp-podman/podman.sock");
    scripted.on("podman --remote", { stdout: "shop-web\n" });
    await podman.remove("shop-web");
    deepStrictEqual(scripted.lines, [
      "podman --remote --url=unix:///run/mcp-podman/podman.sock rm --force --time=0 shop-web",
    ]);
  },
});

const deadlines: readonly (readonly [string, (podman: Podman) => Promise<unknown>, number])[] = [
  ["list", (podman) => podman.list(), 15_000],
  ["run", (podman) => podman.run(container), 60_000],
  ["start", (podman) => podman.start("shop-web"), 60_000],
  ["stop", (podman) => podman.stop("shop-web", 10_000), 70_000],
  ["restart", (podman) => podman.restart("shop-web", 10_000), 70_000],
  ["pull", (podman) => podman.pull("registry.example/x:v1"), 600_000],
];
for (const [verb, act, timeoutMs] of deadlines) {
  Deno.test({
    name: `Podman.${verb}() has a deadline of ${timeoutMs / 1000} s`,
    permissions: "none",
    fn: async () => {
      const { scripted, podman } = podmanWith();
      scripted.on("podman", { stdout: "" });
      await act(podman);
      deepStrictEqual(scripted.runs.map(({ options }) => options.timeoutMs), [timeoutMs]);
    },
  });
}

Deno.test({
  name: "Podman keeps no more than 16 MiB of what podman prints",
  permissions: "none",
  fn: async () => {
    const { scripted, podman } = podmanWith();
    scripted.on("podman", { stdout: "[]" });
    await podman.list();
    await podman.start("shop-web");
    for (const { options } of scripted.runs) strictEqual(options.maxOutputBytes, 16 * 1024 * 1024);
    strictEqual(scripted.runs.length, 2);
  },
});

Deno.test({
  name: "Podman.run() has time to fetch an image where it may have to",
  permissions: "none",
  fn: async () => {
    const { scripted, podman } = podmanWith();
    scripted.on("podman run", {});
    await podman.run({ ...container, pull: "missing" });
    deepStrictEqual(scripted.runs.map(({ options }) => options.timeoutMs), [660_000]);
  },
});

Deno.test({
  name: "Podman.run() makes a container while another one ends, and starts it when that has ended",
  permissions: "none",
  fn: async () => {
    const { scripted, podman } = podmanWith();
    scripted.on("podman create", { stdout: "0123abcd\n" }).on("podman start", {});
    const ending = Promise.withResolvers<void>();
    const running = podman.run(container, undefined, ending.promise);
    await new Promise((resolve) => setTimeout(resolve));
    deepStrictEqual(scripted.lines, [
      "podman create --pull=never --name=shop-web --restart=no registry.example/shop-web:v1",
    ]);
    ending.resolve();
    await running;
    deepStrictEqual(scripted.lines.slice(1), ["podman start 0123abcd"]);
  },
});

Deno.test({
  name: "Podman.run() starts nothing when the other one could not be ended, and says so",
  permissions: "none",
  fn: async () => {
    const { scripted, podman } = podmanWith();
    scripted.on("podman create", { code: 125, stderr: "Error: out of order" });
    const failure = new McpError("unavailable", "Cannot stop it");
    await rejects(podman.run(container, undefined, Promise.reject(failure)), failure);
    strictEqual(scripted.lines.length, 1);
  },
});

Deno.test({
  name: "Podman.run() has failed only when the other one has ended as well",
  permissions: "none",
  fn: async () => {
    const { scripted, podman } = podmanWith();
    scripted.on("podman create", { code: 125, stderr: "Error: out of order" });
    const ending = Promise.withResolvers<void>();
    let hasFailed = false;
    const running = podman.run(container, undefined, ending.promise)
      .finally(() => hasFailed = true);
    await new Promise((resolve) => setTimeout(resolve));
    strictEqual(hasFailed, false);
    ending.resolve();
    await rejects(running, { kind: "unavailable", message: 'Cannot run container "shop-web"' });
  },
});

Deno.test({
  name: "Podman hands the signal on that calls a command off",
  permissions: "none",
  fn: async () => {
    const { scripted, podman } = podmanWith();
    scripted.on("podman pull", "hang");
    const controller = new AbortController();
    const pull = podman.pull("registry.example/x:v1", controller.signal);
    await scripted.hanging("podman pull --quiet registry.example/x:v1");
    controller.abort(new Error("enough"));
    await rejects(pull, { kind: "unavailable" });
  },
});
