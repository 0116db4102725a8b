/**
 * SIGKILL at two hundred random instants of deploying, and of coming back from the one before.
 *
 * The instants are drawn from a seed, which is printed; `-- seed=N kills=N` behind the file repeats a
 * run as far as the machine lets it, with more kills or fewer.
 */

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { Registry } from "../../agent/registry/registry.ts";
import { type AgentProcess, ProcessNode } from "../support/agent_process.ts";
import { eventually } from "../support/eventually.ts";
import { startPodmanService } from "../support/podman_service.ts";
import { openPodmanPlace, type PodmanPlace, TrialService } from "../support/podman_trial.ts";
import { ample, type NodeClient } from "../support/test_node.ts";

const kills = told("kills") ?? 200;
const seed = told("seed") ?? Math.floor(Math.random() * 2 ** 32);
/** Nodes at once: podman and the agents keep two cores busy with so many. */
const lanes = 3;
/** How often the deploy has perhaps not begun when the agent is killed. */
const killsBefore = 0.05;
/** How often the agent that comes back is killed as well before it serves. */
const killsOfRecovery = 0.1;

const config = `[rollout]\nsettle = "100ms"\nstop_timeout = "0s"\n`;

function told(what: string): number | undefined {
  const value = Deno.args.find((arg) => arg.startsWith(`${what}=`))?.slice(what.length + 1);
  return value === undefined ? undefined : Number(value);
}

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
function randomNumbers(from: number): () => number {
  let state = from >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Version = "v1" | "v2";

/** One node with one service, and what is known about it from outside. */
class Lane {
  readonly service: TrialService;
  /** The last step that was begun before each kill. */
  readonly steps: string[] = [];
  /** Deploys that were told to have succeeded. */
  acknowledged = 0;
  #agent: AgentProcess | undefined;
  readonly #told: AgentProcess[] = [];
  /** What may be served: more than one after a deploy of which nobody knows what became. */
  #possible: readonly Version[] = [];
  /** How long a deploy takes, found by whether kills come too early or too late. */
  #spanMs = 0;
  #startMs = 400;

  constructor(
    readonly node: ProcessNode,
    podmanUrl: string,
    readonly random: () => number,
    readonly place: PodmanPlace,
  ) {
    this.service = new TrialService(podmanUrl);
  }

  async begin(): Promise<void> {
    this.#agent = await this.node.start().serving();
    this.#told.push(this.#agent);
    const client = this.node.client();
    for (const version of ["v1", "v2"] as const) {
      const began = performance.now();
      await this.service.deploy(client, this.#spec(version));
      this.#spanMs = performance.now() - began;
      this.acknowledged++;
      this.#possible = [version];
    }
    client.close();
  }

  /** Deploys the other version, kills the agent at some instant, and sees what is left. */
  async killOnce(): Promise<void> {
    const agent = this.#agent;
    ok(agent !== undefined);
    const [before] = this.#possible;
    const next = before === "v1" ? "v2" : "v1";
    const since = agent.entries.length;
    const client = this.node.client();
    const deploying = this.#deploy(client, next);
    const instant = this.random() * this.#spanMs;
    // Most of the time counts from the first step: what comes before it is the call's, not the deploy's.
    const begun = this.random() < killsBefore
      ? Promise.resolve()
      : agent.logged(({ logger }) => logger === "mcp.rollout", since);
    const told = await Promise.race([deploying, begun.then(() => sleep(instant))]);
    await agent.kill();
    const answer = told ?? await deploying;
    client.close();
    this.steps.push(lastStep(agent, since));
    // So that seven of eight kills come before the end, whatever the machine is busy with.
    this.#spanMs *= answer === "succeeded" ? 0.93 : 1.01;
    if (answer === "succeeded") this.acknowledged++;
    this.#possible = answer === "succeeded" ? [next] : [...this.#possible, next];

    if (this.random() < killsOfRecovery) {
      const recovering = this.node.start();
      await sleep(this.random() * this.#startMs);
      await recovering.kill();
      this.steps.push("start");
    }
    const began = performance.now();
    this.#agent = await this.node.start().serving();
    this.#told.push(this.#agent);
    this.#startMs = performance.now() - began;
    deepStrictEqual(this.#agent.messages("ERROR"), []);
    await this.#requireSound();
  }

  /** The service serves a version that it may serve, and the registry says the same. */
  async #requireSound(): Promise<void> {
    const { name } = this.service;
    const client = this.node.client();
    // What podman was told by the agent that was killed may end only now.
    await eventually("nothing is left of the deploy", async () => {
      const containers = await this.service.containers();
      return containers.join() === `${name} running` || undefined;
    }).catch(async () => {
      deepStrictEqual(await this.service.containers(), [`${name} running`], this.#story());
    });
    const served = await this.service.version();
    const status = await client.getServiceStatus({ name }, ample);
    const { deployed } = await client.getServiceSpec({ name }, ample);
    client.close();
    ok(this.#possible.some((version) => version === served), `${served} of ${this.#possible}`);
    deepStrictEqual(status.drift, []);
    strictEqual(status.services[0]?.components[0]?.observedState, "running");
    strictEqual(deployed?.components[0]?.image, this.#image(served as Version));
    this.#possible = [served as Version];
  }

  /** What the registry says at the end, of all that was acknowledged on the way. */
  async end(): Promise<void> {
    this.#agent?.signal("SIGTERM");
    strictEqual(await this.#agent?.ended(), 0);
    using registry = Registry.open(this.node.config.databaseFile);
    deepStrictEqual(
      registry.all("PRAGMA integrity_check").map((row) => row["integrity_check"]),
      ["ok"],
    );
    const count = (outcome: string) =>
      Number(registry.get("SELECT count(*) AS n FROM revisions WHERE outcome = ?", outcome)?.["n"]);
    ok(count("succeeded") >= this.acknowledged, `${count("succeeded")} of ${this.acknowledged}`);
    strictEqual(count("running"), 0);
    strictEqual(count("failed"), 0);
  }

  /** What the last agents did, for whoever has to find out why it went wrong. */
  #story(): string {
    return this.#told.slice(-3).map((agent) =>
      agent.entries.filter(({ logger }) => logger !== "mcp.monitor")
        .slice(-40).map((entry) => `${entry["@timestamp"]} ${entry.message}`).join("\n")
    ).join("\n--- killed ---\n");
  }

  #image(version: Version): string {
    return this.place.web[version];
  }

  #spec(version: Version) {
    return this.service.web(this.#image(version));
  }

  async #deploy(client: NodeClient, version: Version): Promise<"succeeded" | "unknown"> {
    try {
      const { results } = await client.deploy(this.service.request(this.#spec(version)), ample);
      deepStrictEqual(results.map(({ error }) => error), [""]);
      return "succeeded";
    } catch (error) {
      if (error instanceof Error && error.name === "McpError") return "unknown";
      throw error;
    }
  }
}

function sleep(durationMs: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(() => resolve(undefined), durationMs));
}

/** The verb of the last step that an agent had begun, e.g. "rename". */
function lastStep(agent: AgentProcess, since: number): string {
  const { message = "before" } = agent.entries.slice(since)
    .findLast(({ logger }) => logger === "mcp.rollout") ?? {};
  return message.split(" ")[0] ?? "";
}

Deno.test(`an agent killed at ${kills} instants of deploying loses nothing`, async () => {
  // deno-lint-ignore no-console -- what repeats the run
  console.log(`seed=${seed}`);
  await using undo = new AsyncDisposableStack();
  const place = undo.use(await openPodmanPlace());
  const all = await Promise.all(
    Array.from({ length: lanes }, async (_, at) => {
      const podman = undo.use(await startPodmanService({ ownStorage: true }));
      const node = await ProcessNode.make({
        usesPodman: true,
        config,
        agentConfig: `podman_url = "${podman.url}"`,
      });
      undo.use(node);
      const lane = new Lane(node, podman.url, randomNumbers(seed + at), place);
      undo.use(lane.service);
      await lane.begin();
      return lane;
    }),
  );
  const count = () => all.reduce((sum, { steps }) => sum + steps.length, 0);
  await Promise.all(all.map(async (lane) => {
    while (count() < kills) await lane.killOnce();
    await lane.end();
  }));
  const byStep = Object.groupBy(all.flatMap(({ steps }) => steps), (step) => step);
  const spread = Object.entries(byStep).map(([step, of]) => `${step} ${of?.length}`);
  // deno-lint-ignore no-console -- a measurement, for whoever reads the run
  console.log(
    `killed during: ${spread.join(", ")}; acknowledged: ${
      all.reduce((sum, { acknowledged }) => sum + acknowledged, 0)
    }`,
  );
});
