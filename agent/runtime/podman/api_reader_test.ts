import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { errorChain, type ErrorKind, McpError } from "../../../lib/errors.ts";
import type { UnixHttpAnswer, UnixHttpQuestion } from "../../../lib/system/unix_http.ts";
import { QuietLogs } from "../../../tests/support/quiet_logs.ts";
import { ScriptedExec } from "../../../tests/support/scripted_exec.ts";
import type { RuntimeEvent } from "../runtime.ts";
import { ApiReader } from "./api_reader.ts";
import { Podman } from "./podman.ts";

/** What the service of podman 4.3.1 answered, by what it was asked. */
const answers: Readonly<Record<string, Omit<UnixHttpAnswer, "headers">>> = JSON.parse(
  await Deno.readTextFile(
    new URL("../../../tests/fixtures/podman/4.3/api_answers.json", import.meta.url),
  ),
);

function answer(name: string): UnixHttpAnswer {
  const found = answers[name];
  ok(found !== undefined, `nothing is captured as ${name}`);
  return { ...found, headers };
}

/** The head of all of them. */
const headers = { "libpod-api-version": "4.3.1" };

function made(status: number, text: string): UnixHttpAnswer {
  return { status, headers, text };
}

const libpod = "/v4.0.0/libpod";
const shopWeb = `${libpod}/containers/shop-web/json`;
const tiny = "localhost/tiny:v1";

/** A podman whose service answers as scripted, by paths without their queries. */
function podmanWith(script: Readonly<Record<string, UnixHttpAnswer | Error | "hang">>) {
  const asked: UnixHttpQuestion[] = [];
  const ask = async (question: UnixHttpQuestion): Promise<UnixHttpAnswer> => {
    asked.push(question);
    const scripted = script[question.path.split("?", 1)[0] ?? ""];
    if (scripted === undefined) throw new Error(`Nothing is scripted for ${question.path}`);
    if (scripted instanceof Error) throw scripted;
    if (scripted !== "hang") return scripted;
    return await new Promise((_, reject) => {
      if (question.signal?.aborted) reject(new Error("called off"));
      question.signal?.addEventListener("abort", () => reject(new Error("called off")));
    });
  };
  const scripted = new ScriptedExec();
  const podman = new Podman({
    exec: scripted.exec,
    follow: () => Promise.reject(new Error("nothing is followed here")),
    target: { program: "podman", url: "unix:///run/mcp-podman/podman.sock" },
    socket: {
      socket: "/run/mcp-podman/podman.sock",
      ask,
      async follow(question, onLine) {
        const given = await ask(question);
        if (given.status !== 200) return given;
        for (const line of given.text.split("\n")) onLine(line);
        return { ...given, text: "" };
      },
    },
    pullTimeoutMs: 600_000,
  });
  return { podman, asked, scripted };
}

Deno.test({
  name: "Podman with a socket runs nothing to read",
  permissions: "none",
  fn: async () => {
    const { podman, scripted } = podmanWith({
      [`${libpod}/_ping`]: made(200, "OK"),
      [`${libpod}/containers/json`]: answer("list"),
      [shopWeb]: answer("container"),
      [`${libpod}/images/json`]: answer("images"),
      [`${libpod}/secrets/json`]: answer("secrets"),
      [`${libpod}/containers/shop-web/top`]: answer("top"),
      [`${libpod}/events`]: answer("lives"),
    });
    strictEqual(await podman.version(), "4.3.1");
    strictEqual((await podman.list()).length, 3);
    strictEqual((await podman.inspect("shop-web"))?.status, "running");
    strictEqual((await podman.listImages()).length > 0, true);
    deepStrictEqual([...await podman.listSecrets()], ["mcp.shop.password.1"]);
    strictEqual(await podman.hasVanished("shop-web"), false);
    const events: RuntimeEvent[] = [];
    await podman.watch((event) => events.push(event), new AbortController().signal);
    ok(events.some(({ container, exitCode }) => container === "shop-job" && exitCode === 7));
    deepStrictEqual(scripted.lines, []);
  },
});

Deno.test({
  name: "Podman with a socket runs podman for what changes anything",
  permissions: "none",
  fn: async () => {
    const { podman, asked, scripted } = podmanWith({});
    scripted.on("podman --remote", {});
    await podman.start("shop-web");
    deepStrictEqual(scripted.lines, [
      "podman --remote --url=unix:///run/mcp-podman/podman.sock start shop-web",
    ]);
    deepStrictEqual(asked, []);
  },
});

Deno.test({
  name: "Podman with a socket looks there for a name that could begin an id",
  permissions: "none",
  fn: async () => {
    const { podman, scripted } = podmanWith({
      [`${libpod}/containers/4cf7/json`]: answer("container"),
      [`${libpod}/containers/f00/json`]: answer("container_absent"),
    });
    strictEqual(await podman.inspect("4cf7"), undefined);
    strictEqual(await podman.remove("4cf7"), false);
    strictEqual(await podman.remove("f00"), false);
    await rejects(podman.stop("4cf7", 0), { kind: "not_found" });
    deepStrictEqual(scripted.lines, []);
  },
});

Deno.test({
  name: "Podman.inspectAll() and inspectImages() leave out what the service does not know",
  permissions: "none",
  fn: async () => {
    const { podman } = podmanWith({
      [shopWeb]: answer("container"),
      [`${libpod}/containers/nobody/json`]: answer("container_absent"),
      [`${libpod}/images/localhost%2Ftiny%3Av1/json`]: answer("image"),
      [`${libpod}/images/tiny%3Av1/json`]: answer("image"),
      [`${libpod}/images/localhost%2Fnothing%3Av1/json`]: answer("image_absent"),
    });
    deepStrictEqual([...(await podman.inspectAll(["nobody", "shop-web"])).keys()], ["shop-web"]);
    const images = await podman.inspectImages(["localhost/nothing:v1", "tiny:v1", tiny, tiny]);
    deepStrictEqual([...images.keys()], ["tiny:v1", tiny]);
    strictEqual(images.get(tiny)?.id, images.get("tiny:v1")?.id);
    strictEqual((await podman.inspectImages([])).size, 0);
  },
});

/** What podman's service may say, and what becomes of it. */
const failures: readonly {
  readonly given: string;
  readonly answer: UnixHttpAnswer | Error;
  readonly kind: ErrorKind;
  readonly chain: RegExp;
}[] = [
  {
    given: "an error of its own",
    answer: made(500, '{"cause":"x","message":"no space left","response":500}'),
    kind: "unavailable",
    chain: /^Cannot inspect container "shop-web": no space left$/,
  },
  {
    given: "an error without a word",
    answer: made(502, "<html>"),
    kind: "unavailable",
    chain: /^Cannot inspect container "shop-web": podman answered with status 502$/,
  },
  {
    // A path that is not known any more says nothing about the container.
    given: "a path that it does not know",
    answer: answer("no_such_path"),
    kind: "unavailable",
    chain: /^Cannot inspect container "shop-web": podman answered with status 404$/,
  },
  {
    given: "another place to look",
    answer: made(301, ""),
    kind: "unavailable",
    chain: /podman answered with status 301$/,
  },
  {
    given: "no JSON",
    answer: made(200, "<html>"),
    kind: "unavailable",
    chain: /^Cannot read the answer of podman inspect: it is not JSON: /,
  },
  {
    given: "nothing at all",
    answer: made(200, ""),
    kind: "unavailable",
    chain: /^Cannot inspect container "shop-web": podman answered nothing at all$/,
  },
  {
    given: "JSON of another shape",
    answer: made(200, '{"Id":7}'),
    kind: "unavailable",
    chain: /^Cannot read the answer of podman inspect: 0\.Id is off$/,
  },
];
for (const { given, answer, kind, chain } of failures) {
  Deno.test({
    name: `Podman with a socket fails as ${kind} given ${given}`,
    permissions: "none",
    fn: async () => {
      const { podman } = podmanWith({ [shopWeb]: answer });
      await rejects(podman.inspect("shop-web"), (error) => {
        ok(error instanceof McpError, String(error));
        strictEqual(error.kind, kind);
        match(errorChain(error), chain);
        return true;
      });
    },
  });
}

Deno.test({
  name: "Podman.list() takes an empty answer of the service for none, and not for no container",
  permissions: "none",
  fn: async () => {
    const list = `${libpod}/containers/json`;
    const { podman } = podmanWith({ [list]: made(200, "") });
    await rejects(podman.list(), { kind: "unavailable" });
    deepStrictEqual(await podmanWith({ [list]: answer("list_none") }).podman.list(), []);
  },
});

Deno.test({
  name: "Podman.lastExitCode() at a socket is that of the last death, where there was one",
  permissions: "none",
  fn: async () => {
    for (const [deaths, code] of [["deaths", 7], ["deaths_none", undefined]] as const) {
      const { podman } = podmanWith({
        [shopWeb]: answer("container"),
        [`${libpod}/events`]: answer(deaths),
      });
      strictEqual(await podman.lastExitCode("shop-web"), code);
    }
  },
});

Deno.test({
  name: "Podman.describe() of what the service does not know is not_found",
  permissions: "none",
  fn: async () => {
    const { podman } = podmanWith({ [shopWeb]: answer("container_absent") });
    await rejects(podman.describe("shop-web", "web"), { kind: "not_found" });
  },
});

for (
  const [given, top, has] of [
    ["podman 4.3 telling no process", answer("top_ended"), true],
    ["podman 5 failing", made(500, '{"message":"can only top running"}'), true],
    ["a process", answer("top"), false],
    ["no such container", answer("top_absent"), true],
  ] as const
) {
  Deno.test({
    name: `Podman.hasVanished() of what is told to run is ${has} given ${given}`,
    permissions: "none",
    fn: async () => {
      const { podman } = podmanWith({
        [shopWeb]: answer("container"),
        [`${libpod}/containers/shop-web/top`]: top,
      });
      strictEqual(await podman.hasVanished("shop-web"), has);
    },
  });
}

Deno.test({
  name: "Podman.hasVanished() does not take a service that cannot be asked for an end",
  permissions: "none",
  fn: async () => {
    for (
      const top of [
        new McpError("unavailable", "Cannot ask"),
        answer("no_filter"),
        answer("no_such_path"),
      ]
    ) {
      const { podman } = podmanWith({
        [shopWeb]: answer("container"),
        [`${libpod}/containers/shop-web/top`]: top,
      });
      await rejects(podman.hasVanished("shop-web"), { kind: "unavailable" });
    }
  },
});

Deno.test({
  name: "Podman.inspectAll() that fails calls off what it still waits for",
  permissions: "none",
  fn: async () => {
    const { podman, asked } = podmanWith({
      [`${libpod}/containers/hangs/json`]: "hang",
      [shopWeb]: made(500, ""),
    });
    await rejects(podman.inspectAll(["hangs", "shop-web"]), { kind: "unavailable" });
    deepStrictEqual(asked.map(({ signal }) => signal?.aborted), [true, true]);
  },
});

Deno.test({
  name: "Podman.inspectAll() at a socket is called off with all it asks",
  permissions: "none",
  fn: async () => {
    const { podman, asked } = podmanWith({ [shopWeb]: "hang" });
    const controller = new AbortController();
    const looking = podman.inspectAll(["shop-web"], controller.signal);
    controller.abort(new Error("enough"));
    await rejects(looking, /^Error: called off$/);
    deepStrictEqual(asked.map(({ signal }) => signal?.reason), [controller.signal.reason]);
    await rejects(podman.inspect("shop-web", controller.signal));
  },
});

Deno.test({
  name: "Podman.watch() at a socket fails when it is refused, and not when it was called off",
  permissions: "none",
  fn: async () => {
    const { podman } = podmanWith({ [`${libpod}/events`]: answer("no_filter") });
    await rejects(podman.watch(() => {}, new AbortController().signal), { kind: "unavailable" });
    await podman.watch(() => {}, AbortSignal.abort());
  },
});

Deno.test({
  name: "Podman.watch() at a socket gives a stream of rubbish up",
  fn: async () => {
    await using logs = await QuietLogs.start();
    const rubbish = (lines: number) => `${"rubbish\n".repeat(lines)}${answer("deaths").text}`;
    const told: RuntimeEvent[] = [];
    const watch = async (text: string) =>
      await podmanWith({ [`${libpod}/events`]: made(200, text) })
        .podman.watch((event) => told.push(event), new AbortController().signal);
    await watch(rubbish(9));
    deepStrictEqual(told.map(({ container }) => container), ["shop-job"]);
    strictEqual(logs.messages("mcp.podman").filter((said) => said.includes("not JSON")).length, 9);
    await rejects(watch(rubbish(10)), { kind: "unavailable" });
  },
});

Deno.test({
  name: "ApiReader.watch() tells an event once that two streams have, in its order, until one ends",
  permissions: "none",
  fn: async () => {
    /** The streams that are open: what is told to them, and what ends them. */
    const streams: { tell(line: string): void; end(): void }[] = [];
    const begun = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const reader = new ApiReader({
      socket: "/run/mcp-podman/podman.sock",
      ask: () => Promise.reject(new Error("nothing is asked here")),
      async follow({ signal }, tell) {
        const { promise, resolve } = Promise.withResolvers<void>();
        signal?.addEventListener("abort", () => resolve());
        begun[streams.push({ tell, end: resolve }) - 1]?.resolve();
        await promise;
        return made(200, "");
      },
    }, 1_000);
    const died = (nano: number) => {
      const line = JSON.parse(answer("deaths").text.split("\n")[0] ?? "");
      return JSON.stringify({ ...line, timeNano: nano });
    };
    const [first, second] = [died(1_700_000_000_001_500_000), died(1_700_000_000_002_500_000)];
    const told: number[] = [];
    const watching = reader.watch(
      ({ at }) => told.push(at.getTime()),
      new AbortController().signal,
    );
    await Promise.all(begun.map(({ promise }) => promise));
    streams[1]?.tell(first);
    streams[0]?.tell(first);
    streams[0]?.tell(second);
    streams[1]?.tell(second);
    deepStrictEqual(told, [1_700_000_000_001, 1_700_000_000_002]);
    streams[1]?.end();
    await watching;
    strictEqual(streams.length, 2);
  },
});

Deno.test("what is asked at the socket is logged so that it can be repeated", async () => {
  await using logs = await QuietLogs.start();
  const { podman } = podmanWith({ [`${libpod}/containers/json`]: answer("list") });
  await podman.list();
  deepStrictEqual(logs.messages("mcp.podman"), [
    "curl --unix-socket /run/mcp-podman/podman.sock " +
    "'http://podman/v4.0.0/libpod/containers/json?all=true'",
  ]);
});

Deno.test({
  name: "Podman with a socket gives every question 15 s, and the caller's signal",
  permissions: "none",
  fn: async () => {
    const { podman, asked } = podmanWith({ [`${libpod}/containers/json`]: answer("list") });
    const { signal } = new AbortController();
    await podman.list(signal);
    deepStrictEqual(asked.map(({ timeoutMs, signal }) => ({ timeoutMs, signal })), [
      { timeoutMs: 15_000, signal },
    ]);
  },
});
