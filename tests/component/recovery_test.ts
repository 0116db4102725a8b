import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { beginRevision } from "../../agent/registry/revisions.ts";
import { QuietLogs } from "../support/quiet_logs.ts";
import { componentSpec } from "../support/rollout_trial.ts";
import { ample, TestNode } from "../support/test_node.ts";

const image = "registry.example/web:v1";
const request = { service: { name: "web", active: true, components: [{ name: "web", image }] } };

/** A node that ended between the rename and the run of a deploy. */
async function interruptedNode(): Promise<TestNode> {
  const node = await TestNode.start();
  node.runtime.publish(image);
  strictEqual((await node.client().deploy(request, ample)).results[0]?.error, "");
  await node.stop();
  await node.runtime.rename("web", "web.previous");
  await node.runtime.stop("web.previous", 0);
  return node;
}

/** What the registry holds of a deploy that was cut off. */
function beginDeploy(node: TestNode): void {
  using registry = node.openRegistry();
  beginRevision(registry, {
    service: "web",
    component: undefined,
    components: [componentSpec("web", image)],
    actor: "admin",
    origin: "deploy",
    now: node.clock.now(),
  });
}

Deno.test("a recovery looks again when podman was still busy with what the last run told it", async () => {
  await using logs = await QuietLogs.start();
  await using before = await interruptedNode();
  const { folder, runtime, clock } = before;
  runtime.fail("rename", undefined, { times: 1 });
  await using _node = await TestNode.start({ folder, runtime, clock });
  deepStrictEqual(runtime.containers, ["web running"]);
  const told = logs.entries("mcp.rollout").filter(({ level }) => level !== "DEBUG");
  deepStrictEqual(told.slice(-1).map(({ level, message }) => `${level} ${message}`), [
    "WARN Recovered web/web: put the previous container back",
  ]);
});

Deno.test("a recovery that podman keeps failing is told, and the agent serves", async () => {
  await using logs = await QuietLogs.start();
  await using before = await interruptedNode();
  const { folder, runtime, clock } = before;
  runtime.fail("rename");
  await using node = await TestNode.start({ folder, runtime, clock });
  const errors = logs.entries("mcp.rollout").filter(({ level }) => level === "ERROR");
  strictEqual(errors.length, 1);
  match(
    errors[0]?.message ?? "",
    /^Cannot recover web\/web: Cannot rename: podman is out of order/,
  );
  const { drift } = await node.client().getServiceStatus({ name: "web" }, ample);
  deepStrictEqual(drift.map(({ observedState }) => observedState), ["removed"]);

  runtime.heal();
  const { results } = await node.client().deploy(request, ample);
  deepStrictEqual(results.map(({ error }) => error), [""]);
  deepStrictEqual(runtime.containers, ["web running"]);
});

Deno.test("a recovery that is cut off between the name and the start is finished by the next", async () => {
  await using logs = await QuietLogs.start();
  await using before = await interruptedNode();
  const { folder, runtime, clock } = before;
  beginDeploy(before);
  // As far as the first got: its name is back, and with it nothing is aside any more.
  await runtime.rename("web.previous", "web");
  {
    await using _node = await TestNode.start({ folder, runtime, clock });
    deepStrictEqual(runtime.containers, ["web running"]);
  }
  ok(logs.messages("mcp.rollout").includes("Recovered web/web: started it again"));

  // It is in order now: what ends by itself later is drift, and not for a recovery to mend.
  await runtime.stop("web", 0);
  await using _again = await TestNode.start({ folder, runtime, clock });
  deepStrictEqual(runtime.containers, ["web exited"]);
});

Deno.test("a recovery starts no container that never proved itself", async () => {
  await using before = await interruptedNode();
  const { folder, runtime, clock } = before;
  beginDeploy(before);
  await runtime.remove("web.previous");
  await runtime.run({
    name: "web",
    spec: componentSpec("web", image),
    labels: { "mcp.service": "web", "mcp.component": "web", "mcp.revision": "2" },
    pull: "never",
  });
  await runtime.stop("web", 0);
  await using _node = await TestNode.start({ folder, runtime, clock });
  deepStrictEqual(runtime.containers, ["web exited"]);
});

Deno.test("a recovery leaves the containers of somebody else alone, however they are named", async () => {
  await using _logs = await QuietLogs.start();
  await using before = await TestNode.start();
  const { folder, runtime, clock } = before;
  await runtime.runByHand("web");
  await before.client().liveCheck({}, ample);
  await runtime.runByHand("web.previous");
  await before.stop();
  await using _node = await TestNode.start({ folder, runtime, clock });
  deepStrictEqual(runtime.containers, ["web running", "web.previous running"]);
});
