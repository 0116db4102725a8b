import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { QuietLogs } from "../support/quiet_logs.ts";
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
