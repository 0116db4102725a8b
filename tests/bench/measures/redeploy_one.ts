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
import { startBenchNode } from "../place/bench_node.ts";
import { deployedBy, stepRows } from "../place/told_steps.ts";
import { wholeProcess } from "../place/whole_process.ts";

const byHand = "by hand: podman stop, rm, run, inspect";
const present = "mcp deploy, pull = missing";
const asking = "mcp deploy, as by default";
const presentBeside = "mcp deploy, pull = missing, the build beside";
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
  await using undo = new AsyncDisposableStack();
  const node = undo.use(await startBenchNode(bench.programs));
  const before = bench.beside === undefined
    ? undefined
    : undo.use(await startBenchNode(bench.beside, { name: "beside" }));
  const hand = { name: "hand", image, port: freePort() };
  const component = (port: number, pull: string) =>
    `[[components]]\nname = "web"\nimage = "${image}"\npull = "${pull}"\n` +
    `ports = ["127.0.0.1:${port}:${webPort}"]\nhealthcheck = { http = "/" }\n`;
  await node.define("present", component(freePort(), "missing"));
  await node.define("asking", component(freePort(), "always"));
  await before?.define("before", component(freePort(), "missing"));
  const deploy = (service: string, on = node) => async () =>
    (await on.mcp(["deploy", service, "--yes", "--recreate"])).ms;
  await deploy("present")();
  await deploy("asking")();
  if (before !== undefined) await deploy("before", before)();
  await runByHand(hand);
  const client = node.client();
  const steps: ReadonlyMap<string, number>[] = [];
  const handSteps: ReadonlyMap<string, number>[] = [];

  const samples: Record<string, number[]> = await interleaved<string>(
    Math.max(bench.repeat, fewest),
    {
      [present]: deploy("present"),
      ...(before === undefined ? {} : { [presentBeside]: deploy("before", before) }),
      [byHand]: () => timed(async () => handSteps.push(await redeployByHand(hand))),
      [asking]: deploy("asking"),
      [served]: async () => {
        const deployed = await deployedBy(client, "present");
        steps.push(deployed.steps);
        return deployed.ms;
      },
    },
  );
  await removeByHand(hand);
  const note = "A process each time. The proof is a health check over HTTP that was answered.";
  return [
    { label: byHand, unit: "ms", samples: samples[byHand] ?? [] },
    { label: present, unit: "ms", samples: samples[present] ?? [], beside: byHand, note },
    ...(before === undefined ? [] : [{
      label: presentBeside,
      unit: "ms" as const,
      samples: samples[presentBeside] ?? [],
      beside: byHand,
    }]),
    {
      label: asking,
      unit: "ms",
      samples: samples[asking] ?? [],
      beside: byHand,
      note: "The image registry is asked what the reference means now; by hand nobody asks.",
    },
    {
      label: served,
      unit: "ms",
      samples: samples[served] ?? [],
      beside: byHand,
      note: "RollOut over a connection that is there already.",
    },
    // The first round is not kept of the others either.
    ...stepRows("the agent", steps.slice(1)),
    ...stepRows("by hand", handSteps.slice(1)),
  ];
}
