/**
 * One component that is deployed anew.
 *
 * @module
 */

import { freePort } from "../../../deploy/sandbox/free_port.ts";
import { publishImage, startImageRegistry } from "../../../deploy/sandbox/image_registry.ts";
import { atMostTimes, type Bench, type Measure, type Row } from "../measure.ts";
import { interleaved, timed } from "../interleaved.ts";
import { redeployByHand, removeByHand, runByHand } from "../peers/by_hand.ts";
import { benchImage, webPort } from "../place/bench_image.ts";
import { definitionOf, startBenchNode } from "../place/bench_node.ts";
import { deployedBy, stepRows } from "../place/told_steps.ts";
import { wholeProcess } from "../place/whole_process.ts";

const byHand = "by hand: podman stop, rm, run, inspect";
const present = "mcp deploy, pull = missing";
const asking = "mcp deploy, as by default";
const served = "the agent alone, pull = missing";

/** A round is short. */
const fewest = 15;

export const measure: Measure = {
  name: "redeploy_one",
  question: "How long does it take to make one component anew, its image being there?",
  targets: [atMostTimes(1.2, present, byHand), atMostTimes(1.2, asking, byHand)],
  needs: "sandbox",
  uses: ["programs"],
  withinMinutes: 5,
  run,
};

async function run(bench: Bench): Promise<Row[]> {
  await using registry = await startImageRegistry();
  const image = await publishImage(registry, benchImage());
  await wholeProcess(["podman", "pull", "--quiet", image]);
  await using node = await startBenchNode(bench.programs);
  const hand = { name: "hand", image, port: freePort() };
  const component = (port: number, pull: string) =>
    `[[components]]\nname = "web"\nimage = "${image}"\npull = "${pull}"\n` +
    `ports = ["127.0.0.1:${port}:${webPort}"]\nhealthcheck = { http = "/" }\n`;
  await node.define("present", definitionOf("present", component(freePort(), "missing")));
  await node.define("asking", definitionOf("asking", component(freePort(), "always")));
  const deploy = (service: string) => async () =>
    (await node.mcp(["deploy", service, "--yes", "--recreate"])).ms;
  await deploy("present")();
  await deploy("asking")();
  await runByHand(hand);
  const client = node.client();
  const steps: ReadonlyMap<string, number>[] = [];
  const handSteps: ReadonlyMap<string, number>[] = [];

  const samples = await interleaved(Math.max(bench.repeat, fewest), {
    [present]: deploy("present"),
    [byHand]: () => timed(async () => handSteps.push(await redeployByHand(hand))),
    [asking]: deploy("asking"),
    [served]: async () => {
      const deployed = await deployedBy(client, "present");
      steps.push(deployed.steps);
      return deployed.ms;
    },
  });
  await removeByHand(hand);
  const note = "A process each time. The proof is a health check over HTTP that was answered.";
  return [
    { label: byHand, unit: "ms", samples: samples[byHand] },
    { label: present, unit: "ms", samples: samples[present], beside: byHand, note },
    {
      label: asking,
      unit: "ms",
      samples: samples[asking],
      beside: byHand,
      note: "The image registry is asked what the reference means now; by hand nobody asks.",
    },
    {
      label: served,
      unit: "ms",
      samples: samples[served],
      beside: byHand,
      note: "RollOut over a connection that is there already.",
    },
    // The first round is not kept of the others either.
    ...stepRows("the agent", steps.slice(1)),
    ...stepRows("by hand", handSteps.slice(1)),
  ];
}
