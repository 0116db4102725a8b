import { containerRuntimeContract } from "../contracts/container_runtime.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { MemoryRuntime } from "../support/memory_runtime.ts";

containerRuntimeContract("MemoryRuntime", () => {
  const clock = new FakeClock({ start: new Date() });
  const runtime = new MemoryRuntime({ clock });
  const images = {
    stays: "localhost/stays:latest",
    ends: "localhost/ends:latest",
    crashes: "localhost/crashes:latest",
    prints: "localhost/prints:latest",
    ignoresStop: "localhost/ignores-stop:latest",
    pullable: ["registry.example/one:v1", "registry.example/two:v1"],
    missing: "registry.example/none:v1",
    unreachable: "unreachable.example/one:v1",
  } as const;
  runtime.build(images.stays, {
    exec: (command) => {
      const [_, __, script = ""] = command;
      const code = Number(/exit (\d+)/.exec(script)?.[1] ?? 0);
      return { code, output: /echo (\w+)/.exec(script)?.[1] ?? "" };
    },
  });
  runtime.build(images.ends, {
    log: ["one", "two", "three", "four", "five"],
    exit: { code: 7, afterMs: 0 },
  });
  runtime.build(images.crashes, { log: ["crash"], exit: { code: 3, afterMs: 100 } });
  runtime.build(images.prints, {
    log: (cmd) => cmd.filter((line) => line !== ""),
    exit: { code: 0, afterMs: 0 },
  });
  runtime.build(images.ignoresStop, { ignoresStop: true });
  for (const image of images.pullable) runtime.publish(image);
  runtime.takeRegistryDown("unreachable.example/");
  let port = 20_000;
  return Promise.resolve({
    runtime,
    images,
    async eventually(look) {
      for (let attempt = 0; attempt < 100; attempt++) {
        const found = await look();
        if (found !== undefined) return found;
        await clock.advance(100);
      }
      throw new Error("It did not happen in ten seconds of the clock");
    },
    takePort() {
      const taken = port++;
      return Object.assign(runtime.takePort(taken), { port: taken });
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
});
