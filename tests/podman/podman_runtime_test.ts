import { Podman } from "../../agent/runtime/podman/podman.ts";
import { startImageRegistry } from "../../deploy/sandbox/image_registry.ts";
import { freePort } from "../../deploy/sandbox/free_port.ts";
import { realExec } from "../../lib/system/exec.ts";
import { realFollow } from "../../lib/system/follow.ts";
import {
  containerRuntimeContract,
  type ContractImages,
  type RuntimeUnderTest,
} from "../contracts/container_runtime.ts";
import { eventually } from "../support/eventually.ts";
import { type PodmanService, startPodmanService } from "../support/podman_service.ts";
import { ScriptImages, scripts } from "../support/script_images.ts";

/** What both suites are tried with; made once. */
interface Place extends AsyncDisposable {
  readonly images: Omit<ContractImages, "pullable">;
  /** Two of them for each suite: an image that was pulled stays on the node. */
  readonly pullable: readonly [string, string, string, string];
}

let place: Place;
Deno.test.beforeAll(async () => {
  place = await openPlace();
});

containerRuntimeContract("Podman", async () => await open(undefined));
containerRuntimeContract("Podman --remote", async () => await open(await startPodmanService()));

Deno.test.afterAll(async () => await place[Symbol.asyncDispose]());

async function open(service: PodmanService | undefined): Promise<RuntimeUnderTest> {
  const runtime = new Podman({
    exec: realExec,
    follow: realFollow,
    target: { program: "podman", url: service?.url },
    pullTimeoutMs: 60_000,
  });
  const { stays, ends, crashes, prints, ignoresStop } = place.images;
  for (const image of [stays, ends, crashes, prints, ignoresStop]) await runtime.pull(image);
  const [one, two, three, four] = place.pullable;
  return {
    runtime,
    images: { ...place.images, pullable: service === undefined ? [one, two] : [three, four] },
    eventually: (look) => eventually("what the contract promises", look),
    takePort() {
      const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      return { port: listener.addr.port, [Symbol.dispose]: () => listener.close() };
    },
    async [Symbol.asyncDispose]() {
      await service?.[Symbol.asyncDispose]();
    },
  };
}

async function openPlace(): Promise<Place> {
  await using undo = new AsyncDisposableStack();
  const registry = undo.use(await startImageRegistry());
  const scripted = await ScriptImages.start(registry);
  const publish = (name: string, script: string) => scripted.publish(name, "v1", script);
  const images = {
    stays: await publish("stays", scripts.stays),
    ends: await publish(
      "ends",
      "for line in one two three four five; do echo $line; done; exit 7\n",
    ),
    crashes: await publish("crashes", "echo crash; sleep 0.1; exit 3\n"),
    prints: await publish("prints", scripts.prints),
    ignoresStop: await publish("ignores-stop", scripts.ignoresStop),
    missing: `${registry.address}/missing:v1`,
    unreachable: `127.0.0.1:${freePort()}/unreachable:v1`,
  };
  const pullable = [
    await publish("pullable-one", scripts.stays),
    await publish("pullable-two", scripts.stays),
    await publish("pullable-three", scripts.stays),
    await publish("pullable-four", scripts.stays),
  ] as const;
  const opened = undo.move();
  return { images, pullable, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}
