/** Reading at the socket of podman's service, where that comes and goes, and where podman is wrong. */

import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { Podman } from "../../agent/runtime/podman/podman.ts";
import type { RuntimeEvent } from "../../agent/runtime/runtime.ts";
import { errorChain } from "../../lib/errors.ts";
import { realFollow } from "../../lib/system/follow.ts";
import { UnixHttp } from "../../lib/system/unix_http.ts";
import { eventually } from "../support/eventually.ts";
import { type PodmanService, startPodmanService } from "../support/podman_service.ts";
import { discard, openPodmanPlace, podman, type PodmanPlace } from "../support/podman_trial.ts";
import { scripts } from "../support/script_images.ts";

let place: PodmanPlace;
let stays: string;
Deno.test.beforeAll(async () => {
  place = await openPodmanPlace();
  stays = await place.scripts.publish("stays", "v1", scripts.stays);
});
Deno.test.afterAll(async () => await place[Symbol.asyncDispose]());

interface Trial {
  /** It can run nothing: whatever it tells, it has asked for. */
  readonly runtime: Podman;
  readonly service: PodmanService;
  /** A container that runs. */
  readonly name: string;
}

function socketTest(name: string, prove: (trial: Trial) => Promise<void>): void {
  Deno.test(name, async () => {
    await using service = await startPodmanService();
    const runtime = new Podman({
      exec: () => Promise.reject(new Error("nothing is run here")),
      follow: realFollow,
      socket: new UnixHttp(service.socket),
      target: { program: "podman", url: service.url },
      pullTimeoutMs: 1_000,
    });
    const name = `socket-${crypto.randomUUID().slice(0, 8)}`;
    await podman("run", "--detach", `--name=${name}`, stays);
    try {
      await prove({ runtime, service, name });
    } finally {
      await discard(name);
    }
  });
}

socketTest("a service that was killed and is back is read as before", async (trial) => {
  const { runtime, service, name } = trial;
  const before = await runtime.inspect(name);
  ok(before !== undefined);
  await service.kill();
  await rejects(runtime.list(), (error) => {
    match(errorChain(error), new RegExp(`^Cannot ask ${service.socket} for \\S+: connect ECONN`));
    return true;
  });
  await service.startAgain();
  deepStrictEqual(await runtime.inspect(name), before);
  ok((await runtime.list()).some((listed) => listed.name === name));
});

socketTest("watching ends with the service, and is begun again with it", async (trial) => {
  const { runtime, service, name } = trial;
  const events: RuntimeEvent[] = [];
  const seen = (status: string) =>
    eventually(`${name} ${status}`, () =>
      Promise.resolve(
        events.find((event) => event.container === name && event.status === status),
      ));
  const abort = new AbortController();
  const first = runtime.watch((event) => events.push(event), abort.signal);
  // It listens from a moment on that nobody tells.
  const listens = () =>
    eventually("it is listened to", async () => {
      await podman("exec", name, "true");
      return events.length > 0 || undefined;
    });
  await listens();
  await service.kill();
  await first;
  await rejects(runtime.watch(() => {}, abort.signal), { kind: "unavailable" });
  await service.startAgain();
  events.length = 0;
  const second = runtime.watch((event) => events.push(event), abort.signal);
  await listens();
  await podman("kill", name);
  strictEqual((await seen("died")).exitCode, 137);
  abort.abort();
  await second;
});

socketTest("a container whose conmon was killed with it has vanished", async (trial) => {
  const { runtime, name } = trial;
  strictEqual(await runtime.hasVanished(name), false);
  const pids = await podman("inspect", "--format={{.State.ConmonPid}} {{.State.Pid}}", name);
  for (const pid of pids.trim().split(" ")) Deno.kill(Number(pid), "SIGKILL");
  strictEqual(
    await eventually("it has", async () => await runtime.hasVanished(name) || undefined),
    true,
  );
  // podman goes on telling the other thing.
  strictEqual((await runtime.inspect(name))?.status, "running");
});
