/**
 * What it costs to do nothing.
 *
 * Agent, podman's service, and dockerd are looked at over the same minutes: idle, they do not disturb
 * each other. Memory is resident memory; what processes share is counted for each of them.
 *
 * @module
 */

import { atMost, type Bench, type Measure, type Row, skippedRow, type Unit } from "../measure.ts";
import { type BenchNode, startBenchNode } from "../place/bench_node.ts";
import { deployMany } from "../place/many_containers.ts";
import { findProcesses, type ProcessUsage, usageOf, wakeUps } from "../place/process_usage.ts";
import { startMany } from "../peers/docker_client.ts";

const count = 50;
/** What starting has left is gone by then. */
const settleMs = 20_000;
const lookEveryMs = 10_000;

const agent = "agent";
const agentBeside = "agent, the build beside";
const agentAnew = "agent, started anew";
const service = "podman's service";
const children = "children of the agent";
const monitors = `conmon of the ${count} containers`;
const dockerDaemons = "dockerd and containerd";
const shims = `containerd-shims of the ${count} containers`;

const memoryOf = (who: string) => `${who}: memory`;
const cpuOf = (who: string) => `${who}: processor`;
const wakesOf = (who: string) => `${who}: wake-ups`;

export const measure: Measure = {
  name: "idle",
  question: `What does a node with ${count} containers cost while nothing happens?`,
  targets: [
    atMost(90, memoryOf(agent), { figure: "max" }),
    atMost(0.3, cpuOf(agent)),
  ],
  needs: "sandbox",
  uses: ["programs", "docker"],
  withinMinutes: 20,
  run,
};

async function run(bench: Bench): Promise<Row[]> {
  await using undo = new AsyncDisposableStack();
  const node = undo.use(await startBenchNode(bench.programs));
  const { image } = undo.use(await deployMany(node, count));
  const before = bench.beside === undefined
    ? undefined
    : undo.use(await startBenchNode(bench.beside, { name: "beside" }));
  if (before !== undefined) undo.use(await deployMany(before, count, { service: "before" }));
  const { docker } = bench;
  if ("socket" in docker) {
    bench.tell(`${count} containers by docker`);
    await startMany(docker, image, count);
  }
  bench.tell(`Looking for ${bench.idleMinutes} min`);
  await sleep(settleMs);

  const podmanPids = await node.podmanPids();
  const monitorPids = await findProcesses("conmon", "--exit-command");
  const look = async (): Promise<Record<string, ProcessUsage>> => ({
    [agent]: await usageOf([node.agentPid]),
    ...(before === undefined ? {} : { [agentBeside]: await usageOf([before.agentPid]) }),
    [children]: await usageOf(await childrenOf(node.agentPid)),
    [service]: await usageOf(podmanPids),
    [monitors]: await usageOf(monitorPids),
    ..."socket" in docker ? await dockerUsage(docker.usageFile) : {},
  });
  const beganAt = performance.now();
  const looks = [await look()];
  while (performance.now() - beganAt < bench.idleMinutes * 60_000) {
    await sleep(lookEveryMs);
    looks.push(await look());
  }
  const minutes = (performance.now() - beganAt) / 60_000;

  const rows = (who: string, note?: string): Row[] => {
    const of = looks.flatMap((one) => one[who] === undefined ? [] : [one[who]]);
    const [first, last] = [of[0], of.at(-1)];
    if (first === undefined || last === undefined) return [];
    const cpu = (last.cpuMs - first.cpuMs) / (minutes * 60_000) * 100;
    return [
      {
        label: memoryOf(who),
        unit: "MB",
        samples: of.map(({ rssBytes }) => rssBytes / 1e6),
        note: `${last.processes} processes${note === undefined ? "" : `. ${note}`}`,
      },
      { label: cpuOf(who), unit: "% of a core", samples: [cpu] },
      {
        label: wakesOf(who),
        unit: "per minute",
        samples: [wakeUps(of) / minutes],
      },
    ];
  };
  const unit: Unit = "MB";
  return [
    ...rows(agent, "Built, as its unit tells V8 to be, after it has deployed them all."),
    ...rows(agentBeside, "With as many containers of its own, on the same podman."),
    ...rows(children, "What the agent runs meanwhile, e.g. to hear podman's events."),
    {
      label: memoryOf(agentAnew),
      unit,
      samples: await memoryAnew(node),
      note: "Started when they ran already, as after a reboot or an upgrade; for a minute.",
    },
    ...rows(service),
    ...rows(monitors, "Not ours, and there without us: podman's monitor of each container."),
    ..."skipped" in docker ? [skippedRow(memoryOf(dockerDaemons), unit, docker.skipped)] : [
      ...rows(dockerDaemons, "As root, a swarm of one that runs nothing, and the containers."),
      ...rows(shims, "Docker's monitor of each container."),
    ],
  ];
}

async function memoryAnew(node: BenchNode): Promise<number[]> {
  await node.restartAgent();
  await sleep(settleMs);
  const samples: number[] = [];
  for (let look = 0; look < 6; look++) {
    await sleep(lookEveryMs);
    samples.push((await usageOf([node.agentPid])).rssBytes / 1e6);
  }
  return samples;
}

async function childrenOf(parent: number): Promise<number[]> {
  const found: number[] = [];
  for (const pid of await findProcesses()) {
    const stat = await Deno.readTextFile(`/proc/${pid}/stat`).catch(() => "");
    if (Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) === parent) found.push(pid);
  }
  return found;
}

async function dockerUsage(file: string): Promise<Record<string, ProcessUsage>> {
  // Written by dockerd_inside.ts of the same tree.
  const usage: Record<"daemons" | "shims", ProcessUsage> = JSON.parse(
    await Deno.readTextFile(file),
  );
  return { [dockerDaemons]: usage.daemons, [shims]: usage.shims };
}

async function sleep(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
