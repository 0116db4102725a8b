/**
 * Looking at a node with fifty containers.
 *
 * @module
 */

import { interleaved, timed } from "../interleaved.ts";
import { atMost, type Bench, type Measure, type Row } from "../measure.ts";
import { startBenchNode } from "../place/bench_node.ts";
import { deployMany } from "../place/many_containers.ts";
import { wholeProcess } from "../place/whole_process.ts";
import { ample } from "../../support/test_node.ts";

const count = 50;
const mcpPs = "mcp ps";
const podmanPs = "podman ps --format json";
const remotePs = "podman --remote ps --format json";
const served = "the agent alone";

export const measure: Measure = {
  name: "ps_fifty",
  question: `How long does it take to see what runs on a node with ${count} containers?`,
  targets: [atMost(120, mcpPs, { above: podmanPs })],
  needs: "sandbox",
  uses: ["programs"],
  withinMinutes: 5,
  run,
};

async function run(bench: Bench): Promise<Row[]> {
  await using node = await startBenchNode(bench.programs);
  await using _many = await deployMany(node, count);
  const client = node.client();
  const remote = ["podman", "--remote", `--url=${node.podmanUrl}`, "ps", "--format", "json"];
  const samples = await interleaved(Math.max(bench.repeat, 15), {
    [mcpPs]: async () => {
      const { stdout, ms } = await node.mcp(["ps"]);
      const lines = stdout.split("\n").filter((line) => line.includes("running")).length;
      if (lines !== count) throw new Error(`mcp ps shows ${lines} of ${count} containers`);
      return ms;
    },
    [podmanPs]: async () => (await wholeProcess(["podman", "ps", "--format", "json"])).ms,
    [remotePs]: async () => (await wholeProcess(remote)).ms,
    [served]: () => timed(() => client.liveCheck({}, ample)),
  });
  return [
    { label: podmanPs, unit: "ms", samples: samples[podmanPs] },
    {
      label: mcpPs,
      unit: "ms",
      samples: samples[mcpPs],
      beside: podmanPs,
      note:
        "A process, TLS, an authenticated call, and the node looks anew: podman lists within it.",
    },
    { label: remotePs, unit: "ms", samples: samples[remotePs], beside: podmanPs },
    {
      label: served,
      unit: "ms",
      samples: samples[served],
      beside: podmanPs,
      note: "LiveCheck over a connection that is there already.",
    },
  ];
}
