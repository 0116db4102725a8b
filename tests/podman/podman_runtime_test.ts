import { Podman } from "../../agent/runtime/podman/podman.ts";
import { startImageRegistry } from "../../deploy/sandbox/image_registry.ts";
import { freePort } from "../../deploy/sandbox/free_port.ts";
import { realExec } from "../../lib/system/exec.ts";
import { realFollow } from "../../lib/system/follow.ts";
import { UnixHttp } from "../../lib/system/unix_http.ts";
import {
  containerRuntimeContract,
  type ContractImages,
  type RuntimeUnderTest,
} from "../contracts/container_runtime.ts";
import { eventually } from "../support/eventually.ts";
import { startPodmanService } from "../support/podman_service.ts";
import { ScriptImages, scripts } from "../support/script_images.ts";

/** What all suites are tried with; made once. */
interface Place extends AsyncDisposable {
  readonly images: Omit<ContractImages, "pullable">;
  /** Two of them for each suite: an image that was pulled stays on the node. */
  readonly pullable: Readonly<Record<Way, ContractImages["pullable"]>>;
}

/** How podman is asked: run for everything, run as a client, and asked at its socket what only reads. */
const ways = ["Podman", "Podman --remote", "Podman --remote, read at its socket"] as const;
type Way = (typeof ways)[number];

let place: Place;
Deno.test.beforeAll(async () => {
  place = await openPlace();
});

for (const way of ways) containerRuntimeContract(way, async () => await open(way));

Deno.test.afterAll(async () => await place[Symbol.asyncDispose]());

async function open(way: Way): Promise<RuntimeUnderTest> {
  const service = way === "Podman" ? undefined : await startPodmanService();
  const isReadAtSocket = way === "Podman --remote, read at its socket";
  const runtime = new Podman({
    exec: realExec,
    follow: realFollow,
    target: { program: "podman", url: service?.url },
    socket: service !== undefined && isReadAtSocket ? new UnixHttp(service.socket) : undefined,
    pullTimeoutMs: 60_000,
  });
  const { stays, ends, crashes, prints, ignoresStop } = place.images;
  for (const image of [stays, ends, crashes, prints, ignoresStop]) await runtime.pull(image);
  return {
    runtime,
    images: { ...place.images, pullable: place.pullable[way] },
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
  const pullablePair = async (name: string): Promise<ContractImages["pullable"]> => [
    await publish(`pullable-by-${name}-one`, scripts.stays),
    await publish(`pullable-by-${name}-two`, scripts.stays),
  ];
  const pullable: Place["pullable"] = {
    "Podman": await pullablePair("child"),
    "Podman --remote": await pullablePair("client"),
    "Podman --remote, read at its socket": await pullablePair("socket"),
  };
  const opened = undo.move();
  return { images, pullable, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}
