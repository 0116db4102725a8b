import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { Podman } from "../../agent/runtime/podman/podman.ts";
import { errorChain, McpError } from "../../lib/errors.ts";
import { realClock } from "../../lib/system/clock.ts";
import { realExec } from "../../lib/system/exec.ts";
import { realFollow } from "../../lib/system/follow.ts";
import { UnixHttp } from "../../lib/system/unix_http.ts";
import { MemoryRuntime } from "../support/memory_runtime.ts";
import { QuietLogs } from "../support/quiet_logs.ts";
import { ample, TestNode } from "../support/test_node.ts";
import { ThrowAwayFolder } from "../support/throw_away_folder.ts";
import { type Answer, reply, UnixService } from "../support/unix_service.ts";

const image = "registry.example/web:v1";
const spec = { name: "web", active: true, components: [{ name: "web", image }] };

/** Real programs, and patience with all but those that would never answer. */
function real(isPatient: boolean) {
  const timeoutMs = isPatient ? ample.timeoutMs : 300;
  return {
    exec: realExec,
    follow: realFollow,
    pullTimeoutMs: timeoutMs,
    readTimeoutMs: timeoutMs,
    changeTimeoutMs: timeoutMs,
  };
}

/** Whether it is told that podman did not answer in time. */
function tellsOfTime(reason: RegExp): boolean {
  return reason.source.includes("no answer within");
}

/** What podman is like, and what is told then. A script is what there is instead of it. */
const cases: readonly {
  readonly given: string;
  readonly script: string | undefined;
  readonly reason: RegExp;
}[] = [
  {
    given: "is not installed",
    script: undefined,
    reason: /^Cannot run \S+\/podman ps: it did not start: /,
  },
  {
    given: "hangs",
    script: "exec sleep 1000",
    reason: /^Cannot run \S+\/podman ps: no answer within 0.3 s$/,
  },
  {
    given: "prints garbage",
    script: "echo '<html>'",
    reason: /^Cannot read the answer of podman ps: it is not JSON: /,
  },
  {
    given: "prints JSON of another shape",
    script: `echo '[{"Id": 7}]'`,
    reason: /^Cannot read the answer of podman ps: 0\.Id is off$/,
  },
  {
    given: "fails",
    script: "echo 'Error: cannot connect to the database' >&2; exit 125",
    reason: /^Cannot list the containers: cannot connect to the database$/,
  },
  {
    given: "fails without a word",
    script: "exit 3",
    reason: /^Cannot list the containers: podman exited with code 3$/,
  },
];

for (const { given, script, reason } of cases) {
  Deno.test(`an agent whose podman ${given} serves, and says what it cannot see`, async () => {
    await using folder = await ThrowAwayFolder.make();
    const program = folder.at("podman");
    if (script !== undefined) {
      await Deno.writeTextFile(program, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    }
    const target = { program, url: undefined };
    await proveBlindness(new Podman({ ...real(!tellsOfTime(reason)), target }), reason);
  });
}

/** What podman's service is like, and what is told then. */
const services: readonly {
  readonly given: string;
  readonly answer: Answer | undefined;
  readonly reason: RegExp;
}[] = [
  {
    given: "is not there",
    answer: undefined,
    reason: /^Cannot ask \S+ for \/v4\.0\.0\/libpod\/containers\/json: .*connect E\w+/,
  },
  {
    given: "hangs",
    answer: (_, { hangs }) => hangs(),
    reason: /^Cannot ask \S+ for \/v4\.0\.0\/libpod\/containers\/json: no answer within 0.3 s$/,
  },
  {
    given: "goes on answering",
    answer: async (_, { say, hangs }) => {
      await say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[");
      await hangs();
    },
    reason: /: no answer within 0.3 s$/,
  },
  {
    given: "hangs up within its answer",
    answer: (_, { say }) => say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[]"),
    reason: /: aborted$/,
  },
  {
    given: "answers garbage",
    answer: (_, { say }) => say(reply("<html>")),
    reason: /^Cannot read the answer of podman ps: it is not JSON: /,
  },
  {
    given: "answers nothing",
    answer: (_, { say }) => say(reply("")),
    reason: /^Cannot list the containers: podman answered nothing at all$/,
  },
  {
    given: "fails",
    answer: (_, { say }) => say(reply('{"message":"the database is locked"}', 500)),
    reason: /^Cannot list the containers: the database is locked$/,
  },
  {
    given: "says too much",
    answer: (_, { say }) => say(reply(`[${" ".repeat(17 * 1024 * 1024)}]`)),
    reason: /: its answer is over 16777216 bytes$/,
  },
];

for (const { given, answer, reason } of services) {
  Deno.test(`an agent whose podman's service ${given} serves, and says what it cannot see`, async () => {
    await using service = await UnixService.start(answer ?? (() => Promise.resolve()));
    if (answer === undefined) await service.kill();
    const url = `unix://${service.socket}`;
    const socket = new UnixHttp(service.socket);
    await proveBlindness(
      new Podman({ ...real(!tellsOfTime(reason)), target: { program: "/bin/false", url }, socket }),
      reason,
    );
  });
}

/** An agent that has deployed a component, and is started again over this podman. */
async function proveBlindness(podman: Podman, reason: RegExp): Promise<void> {
  await using logs = await QuietLogs.start();
  await using before = await TestNode.start({
    clock: realClock,
    runtime: new MemoryRuntime({ clock: realClock, images: [image] }),
    config: `[rollout]\nsettle = "0ms"`,
  });
  strictEqual((await before.client().deploy({ service: spec }, ample)).results[0]?.error, "");
  await before.stop();
  await using node = await TestNode.start({
    folder: before.folder,
    clock: realClock,
    runtime: podman,
  });
  const client = node.client();
  ok(
    logs.messages("mcp.agent").some((message) =>
      /^Serving without having seen the containers: "?Cannot /.test(message)
    ),
  );

  const failure = await failureOf(client.liveCheck({}, ample), "unavailable");
  match(failure.message, reason);

  const status = await client.getServiceStatus({ name: "web" }, ample);
  match(status.runtimeError, reason);
  const [component] = status.services[0]?.components ?? [];
  strictEqual(component?.desiredState, "running");
  strictEqual(component?.observedState, "unknown");
  strictEqual(component?.lastObservedState, "running");
  ok(component?.observedAt !== undefined);
  deepStrictEqual(status.drift, []);

  const { runtimeVersion, runtimeError, serviceCount } = await client.nodeStatus({}, ample);
  strictEqual(runtimeVersion, "");
  ok(runtimeError !== "");
  strictEqual(serviceCount, 1);

  // The registry is not asked of podman, and keeps what was last really seen.
  const { services } = await client.listServices({}, ample);
  strictEqual(services[0]?.components[0]?.observedState, "running");

  await failureOf(client.deploy({ service: spec }, ample), "unavailable");
  await failureOf(client.stopService({ name: "web" }, ample), "unavailable");
  const { deployed } = await client.getServiceSpec({ name: "web" }, ample);
  strictEqual(deployed?.components[0]?.image, image);
}

async function failureOf(call: Promise<unknown>, kind: McpError["kind"]): Promise<McpError> {
  let failure: unknown;
  await rejects(call, (error) => (failure = error, true));
  ok(failure instanceof McpError && failure.kind === kind, errorChain(failure));
  return failure;
}
