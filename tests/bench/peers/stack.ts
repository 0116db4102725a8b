/**
 * A stack on a swarm of one node, updated as `docker stack deploy` does it.
 *
 * In Debian's version that command does not wait, so what it has set going is looked at through the
 * socket, some thirty times a second: no process of a client is counted.
 *
 * @module
 */

import { ThrowAwayFolder } from "../../support/throw_away_folder.ts";
import { eventually } from "../../support/eventually.ts";
import type { DockerPeer } from "../measure.ts";
import { docked, loadImage } from "./docker_client.ts";
import { askDocker } from "./docker_socket.ts";

/** A stack that runs; `await using` removes it. */
export interface Stack extends AsyncDisposable {
  /** Makes every container anew. */
  update(): Promise<StackTimes>;
}

/** How long an update took, from before the command. */
export interface StackTimes {
  /** Until a new task of each service ran, and no old one. */
  readonly runsMs: number;
  /** Until swarm said of each service that its update is completed. */
  readonly completedMs: number;
}

const name = "bench";
const withinMs = 90_000;

/** Brings one up, of as many services of one task each, on the network that a stack has by default. */
export async function startStack(docker: DockerPeer, image: string, count: number): Promise<Stack> {
  await using undo = new AsyncDisposableStack();
  const folder = undo.use(await ThrowAwayFolder.make());
  const file = folder.at("stack.yml");
  await loadImage(docker, image);
  let round = 0;
  const deploy = async () => {
    round += 1;
    const services = Array.from({ length: count }, (_, index) => [`web-${index + 1}`, {
      image,
      // What changes is what makes swarm replace the containers.
      environment: { ROUND: String(round) },
    }]);
    const stack = { version: "3.8", services: Object.fromEntries(services) };
    await Deno.writeTextFile(file, JSON.stringify(stack));
    await docked(
      docker,
      "stack",
      "deploy",
      "--resolve-image=never",
      `--compose-file=${file}`,
      name,
    );
  };
  const allRun = () => eventually("all tasks run", () => runs(docker, round, count), withinMs);
  undo.defer(() => docked(docker, "stack", "rm", name));
  await deploy();
  await allRun();
  const open = undo.move();
  return {
    async update() {
      const from = performance.now();
      await deploy();
      await allRun();
      const runsMs = performance.now() - from;
      await eventually("all updates are completed", () => isCompleted(docker), withinMs);
      return { runsMs, completedMs: performance.now() - from };
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

interface Task {
  readonly Status: { readonly State: string };
  readonly Spec: { readonly ContainerSpec: { readonly Env?: readonly string[] } };
}

async function runs(docker: DockerPeer, round: number, count: number): Promise<true | undefined> {
  const tasks = await askDocker(docker, "/tasks") as readonly Task[];
  const running = tasks.filter(({ Status }) => Status.State === "running");
  const isNew = ({ Spec }: Task) => Spec.ContainerSpec.Env?.includes(`ROUND=${round}`) === true;
  return running.length === count && running.every(isNew) ? true : undefined;
}

interface Service {
  readonly UpdateStatus?: { readonly State: string };
}

async function isCompleted(docker: DockerPeer): Promise<true | undefined> {
  const services = await askDocker(docker, "/services") as readonly Service[];
  const states = services.map(({ UpdateStatus }) => UpdateStatus?.State);
  return states.every((state) => state === "completed") ? true : undefined;
}
