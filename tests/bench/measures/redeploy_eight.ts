/**
 * A service of eight components that is deployed anew, beside all that one would use instead.
 *
 * Everybody starts the same image, whose program ends at SIGTERM at once.
 *
 * @module
 */

import { freePort } from "../../../deploy/sandbox/free_port.ts";
import { publishImage, startImageRegistry } from "../../../deploy/sandbox/image_registry.ts";
import { findProgram } from "../../../deploy/sandbox/packages.ts";
import { interleaved, type Sampled, timed } from "../interleaved.ts";
import {
  atLeastTimes,
  atMostTimes,
  type Bench,
  type Measure,
  type Row,
  skippedRow,
} from "../measure.ts";
import { composeProject } from "../peers/compose.ts";
import { redeployByHand, removeByHand, runByHand } from "../peers/by_hand.ts";
import { startStack } from "../peers/stack.ts";
import { benchImage, webPort } from "../place/bench_image.ts";
import { type BenchNode, startBenchNode } from "../place/bench_node.ts";
import { deployedBy } from "../place/told_steps.ts";
import { wholeProcess } from "../place/whole_process.ts";

const count = 8;
const parallel = "by hand, all at once";
const sequence = "by hand, one after the other";
const present = "mcp deploy, pull = missing";
const asking = "mcp deploy, as by default";
const presentBeside = "mcp deploy, pull = missing, the build beside";
const served = "the agent alone, pull = missing";
const compose = "podman-compose up --force-recreate";
const swarmRuns = "docker stack deploy, until all run";
const swarmCompleted = "docker stack deploy, until it says completed";

export const measure: Measure = {
  name: "redeploy_eight",
  question: `How long does it take to make the ${count} components of a service anew?`,
  targets: [
    atMostTimes(1.15, present, parallel),
    atMostTimes(1.15, asking, parallel),
    atLeastTimes(3, swarmRuns, asking),
    atLeastTimes(3, swarmCompleted, asking),
    atLeastTimes(5, compose, asking),
  ],
  needs: "sandbox",
  uses: ["programs", "docker"],
  withinMinutes: 12,
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
  const numbers = Array.from({ length: count }, (_, index) => index + 1);
  const hands = numbers.map((number) => ({ name: `hand-${number}`, image, port: freePort() }));
  const define = (on: BenchNode, service: string, pull: string) =>
    on.define(
      service,
      ...numbers.map((number) =>
        `[[components]]\nname = "web-${number}"\nimage = "${image}"\npull = "${pull}"\n` +
        `ports = ["127.0.0.1:${freePort()}:${webPort}"]\nhealthcheck = { http = "/" }\n`
      ),
    );
  await define(node, "present", "missing");
  await define(node, "asking", "always");
  if (before !== undefined) await define(before, "before", "missing");
  const deploy = (service: string, on = node) => async () =>
    (await on.mcp(["deploy", service, "--yes", "--recreate"])).ms;
  await deploy("present")();
  await deploy("asking")();
  if (before !== undefined) await deploy("before", before)();
  await Promise.all(hands.map(runByHand));
  const client = node.client();
  const alternatives: Record<string, Sampled> = {
    [present]: deploy("present"),
    [parallel]: () => timed(() => Promise.all(hands.map(redeployByHand))),
    [asking]: deploy("asking"),
    [sequence]: () =>
      timed(async () => {
        for (const hand of hands) await redeployByHand(hand);
      }),
    [served]: async () => (await deployedBy(client, "present")).ms,
    ...(before === undefined ? {} : { [presentBeside]: deploy("before", before) }),
  };

  const whyNoCompose = await findProgram("podman-compose") === undefined
    ? "podman-compose is not installed"
    : undefined;
  if (whyNoCompose === undefined) {
    const ports = numbers.map(() => freePort());
    const project = undo.use(await composeProject(image, ports));
    alternatives[compose] = () => timed(() => project.recreate());
  }
  const completed: number[] = [];
  if ("socket" in bench.docker) {
    const stack = undo.use(await startStack(bench.docker, image, count));
    alternatives[swarmRuns] = async () => {
      const times = await stack.update();
      completed.push(times.completedMs);
      return times.runsMs;
    };
  }
  const samples = await interleaved(bench.repeat, alternatives);
  await removeByHand(...hands);

  const row = (label: string, note?: string): Row => ({
    label,
    unit: "ms",
    samples: samples[label] ?? [],
    ...(label === parallel ? {} : { beside: parallel }),
    ...(note === undefined ? {} : { note }),
  });
  const whyNoSwarm = "skipped" in bench.docker ? bench.docker.skipped : "";
  return [
    row(parallel, "Four processes for each container, the eight chains side by side."),
    row(sequence),
    row(present, "A process each time. The proof is a health check of each over HTTP."),
    ...(before === undefined ? [] : [row(presentBeside)]),
    row(asking, "The image registry is asked what the references mean now."),
    row(served, "RollOut over a connection that is there already."),
    whyNoCompose === undefined
      ? row(compose, "Rootless like the others, on the network that it makes for a project.")
      : skippedRow(compose, "ms", whyNoCompose),
    ...whyNoSwarm !== ""
      ? [skippedRow(swarmRuns, "ms", whyNoSwarm), skippedRow(swarmCompleted, "ms", whyNoSwarm)]
      : [
        row(
          swarmRuns,
          "As root, without ports and without a health check; done when the new task of each service " +
            "runs, which is when `docker service ls` shows 1/1 again.",
        ),
        {
          label: swarmCompleted,
          unit: "ms" as const,
          samples: completed.slice(1),
          beside: parallel,
          note:
            "The same updates; done when each has the state completed, for which swarm watches a new " +
            "task for 5 s, as by default. `docker service update` waits as long.",
        },
      ],
  ];
}
