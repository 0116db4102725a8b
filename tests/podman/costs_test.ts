/**
 * What an agent's doings cost where podman's service listens on a socket: the programs that are run,
 * and how often all containers are listed. A child process costs ten times what a question does.
 */

import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Observer } from "../../agent/watch/reconcile/observe.ts";
import { Registry } from "../../agent/registry/registry.ts";
import { ServiceLocks } from "../../agent/locks/service_locks.ts";
import { listPath } from "../../agent/runtime/podman/api_path.ts";
import { Podman } from "../../agent/runtime/podman/podman.ts";
import { realClock } from "../../lib/system/clock.ts";
import { realExec } from "../../lib/system/exec.ts";
import { realFollow } from "../../lib/system/follow.ts";
import { UnixHttp } from "../../lib/system/unix_http.ts";
import { startPodmanService } from "../support/podman_service.ts";
import { wholeOf } from "../support/podman_rollout.ts";
import { openPodmanPlace, type PodmanPlace, TrialService } from "../support/podman_trial.ts";
import { QuietLogs } from "../support/quiet_logs.ts";
import { ample, type NodeClient, TestNode } from "../support/test_node.ts";
import { ThrowAwayFolder } from "../support/throw_away_folder.ts";

let place: PodmanPlace;
Deno.test.beforeAll(async () => {
  place = await openPodmanPlace();
});
Deno.test.afterAll(async () => await place[Symbol.asyncDispose]());

/** What is tried. */
interface Trial {
  readonly runtime: Podman;
  readonly client: NodeClient;
  readonly service: TrialService;
  /** What a monitor does, over and over. */
  look(): Promise<unknown>;
}

/** What is done, what podman is run for, and how often all containers are listed; in this order. */
const costs: readonly (readonly [
  doing: string,
  act: (trial: Trial) => Promise<unknown>,
  runs: readonly string[],
  listings: number,
])[] = [
  ["a deploy", deploy("v1"), ["pull", "run"], 1],
  ["a deploy in its place", deploy("v2"), [
    ...["pull", "rename", "create", "stop", "start", "rm"],
  ], 1],
  ["a listing", ({ runtime }) => runtime.list(), [], 1],
  ["an inspection", ({ runtime, service }) => runtime.inspect(service.name), [], 0],
  ["the images", ({ runtime }) => runtime.listImages(), [], 0],
  ["the secrets", ({ runtime }) => runtime.listSecrets(), [], 0],
  ["a doubt", ({ runtime, service }) => runtime.hasVanished(service.name), [], 0],
  ["a look back", ({ runtime, service }) => runtime.lastExitCode(service.name), [], 0],
  ["a look of the monitor", ({ look }) => look(), [], 1],
  ["ps", ({ client }) => client.liveCheck({}, ample), [], 1],
  ["status", ({ client }) => client.getServiceStatus({}, ample), [], 1],
  ["node status", ({ client }) => client.nodeStatus({}, ample), [], 0],
  ["a diagnosis", ({ client }) => client.diagnose({}, ample), [], 0],
  ["a plan", ({ client, service }) => client.planDeploy(planOf(service), ample), [
    "pull",
  ], 1],
  ["a stop", ({ client, service }) => client.stopService(service, ample), ["stop"], 1],
  ["a start", ({ client, service }) => client.startService(service, ample), ["start"], 1],
  ["a restart", ({ client, service }) => client.restartService(service, ample), ["restart"], 1],
  ["a removal", ({ client, service }) => client.removeService(service, ample), ["stop", "rm"], 1],
];

Deno.test("what only reads runs nothing, and what changes anything a program for each change", async (t) => {
  await using undo = new AsyncDisposableStack();
  undo.use(await QuietLogs.start());
  const podmanService = undo.use(await startPodmanService());
  const folder = undo.use(await ThrowAwayFolder.make());
  const service = undo.use(new TrialService());
  const runs: string[] = [];
  const asked: string[] = [];
  const runtime = countingPodman(podmanService, runs, asked);
  const config = `[rollout]\nsettle = "300ms"\nstop_timeout = "1s"`;
  const node = undo.use(await TestNode.start({ runtime, clock: realClock, config }));
  const registry = undo.use(Registry.open(folder.at("mcp.db"), { configFile: "mcp-agent.toml" }));
  const locks = new ServiceLocks(realClock);
  const observer = new Observer({ runtime, registry, locks, clock: realClock });
  const trial: Trial = {
    runtime,
    client: node.client(),
    service,
    look: () => observer.observeAnew(),
  };
  // By default, podman 5 has its ports held by pasta, which may let go of them late.
  const isPatient = Number((await runtime.version()).split(".")[0]) >= 5;
  for (const [doing, act, expected, listings] of costs) {
    const times = listings === 0 ? "and lists nothing" : "and lists once";
    const what = `${doing} runs ${expected.join(", ") || "nothing"}, ${times}`;
    await t.step(what, async () => {
      runs.length = 0;
      asked.length = 0;
      await act(trial);
      deepStrictEqual(isPatient ? withoutPatience(runs) : runs, expected);
      strictEqual(asked.filter((path) => path === listPath()).length, listings, asked.join("\n"));
    });
  }
});

/** Without the tries after one that found the port taken. */
function withoutPatience(runs: readonly string[]): string[] {
  const starts = ["run", "start", "restart"];
  return runs.filter((verb, at) => verb !== "start" || !starts.includes(runs[at - 1] ?? ""));
}

/** A podman that tells what it runs, and what it asks. */
function countingPodman(
  { url, socket }: { readonly url: string; readonly socket: string },
  runs: string[],
  asked: string[],
): Podman {
  const http = new UnixHttp(socket);
  /** The verb, behind "podman --remote --url=…". */
  const verbOf = (argv: readonly string[]) => argv[3] ?? "";
  return new Podman({
    exec: async (argv, options) => {
      runs.push(verbOf(argv));
      return await realExec(argv, options);
    },
    follow: async (argv, options) => {
      runs.push(verbOf(argv));
      return await realFollow(argv, options);
    },
    socket: {
      socket,
      ask: async (question) => {
        asked.push(question.path);
        return await http.ask(question);
      },
      follow: async (question, onLine) => {
        asked.push(question.path);
        return await http.follow(question, onLine);
      },
    },
    target: { program: "podman", url },
    pullTimeoutMs: 30_000,
  });
}

function planOf(service: TrialService) {
  return wholeOf(service, service.web(place.web.v1));
}

function deploy(version: "v1" | "v2") {
  return async ({ client, service }: Trial) =>
    await service.deploy(client, service.web(place.web[version]));
}
