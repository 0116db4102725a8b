import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { Podman } from "../../agent/runtime/podman/podman.ts";
import { errorChain, McpError } from "../../lib/errors.ts";
import { realClock } from "../../lib/system/clock.ts";
import { realExec } from "../../lib/system/exec.ts";
import { realFollow } from "../../lib/system/follow.ts";
import { MemoryRuntime } from "../support/memory_runtime.ts";
import { QuietLogs } from "../support/quiet_logs.ts";
import { ample, TestNode } from "../support/test_node.ts";

const image = "registry.example/web:v1";
const spec = { name: "web", active: true, components: [{ name: "web", image }] };

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
    await using logs = await QuietLogs.start();
    await using before = await TestNode.start({
      clock: realClock,
      runtime: new MemoryRuntime({ clock: realClock, images: [image] }),
      config: `[rollout]\nsettle = "0ms"`,
    });
    strictEqual((await before.client().deploy({ service: spec }, ample)).results[0]?.error, "");
    await before.stop();

    const program = `${before.folder}/podman`;
    if (script !== undefined) {
      await Deno.writeTextFile(program, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    }
    await using node = await TestNode.start({
      folder: before.folder,
      clock: realClock,
      runtime: new Podman({
        exec: realExec,
        follow: realFollow,
        target: { program, url: undefined },
        pullTimeoutMs: 300,
        readTimeoutMs: 300,
        changeTimeoutMs: 300,
      }),
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
  });
}

async function failureOf(call: Promise<unknown>, kind: McpError["kind"]): Promise<McpError> {
  let failure: unknown;
  await rejects(call, (error) => (failure = error, true));
  ok(failure instanceof McpError && failure.kind === kind, errorChain(failure));
  return failure;
}
