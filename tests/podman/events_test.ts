/** podman's events where it is run for them: nothing is lost between two runs, and none stays behind. */

import { deepStrictEqual, ok } from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { podmanWithEventsFor, startWatching } from "../support/events_process.ts";
import { podman } from "../support/podman_trial.ts";
import { ThrowAwayFolder } from "../support/throw_away_folder.ts";

/** Of no image: nothing is ever started. */
async function makeContainer(folder: ThrowAwayFolder, name: string): Promise<void> {
  await podman("create", `--name=${name}`, "--rootfs", folder.path, "/none");
}

/** The arguments of every `podman events` that there is, by the numbers of the processes. */
async function eventsProcesses(): Promise<Map<string, readonly string[]>> {
  const found = new Map<string, readonly string[]>();
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const argv = (await Deno.readTextFile(`/proc/${name}/cmdline`).catch(() => "")).split("\0");
    if (argv[0]?.endsWith("podman") && argv[1] === "events") found.set(name, argv);
  }
  return found;
}

Deno.test("watch() tells everything once, however often podman is run anew for it", async () => {
  await using folder = await ThrowAwayFolder.make();
  const prefix = `events-${crypto.randomUUID().slice(0, 8)}`;
  const told: string[] = [];
  const over = new AbortController();
  const watching = podmanWithEventsFor(1_000).watch(({ container, status }) => {
    if (status === "create" && container.startsWith(prefix)) told.push(container);
  }, over.signal);
  const seen = new Set<string>();
  const made: string[] = [];
  // Until podman has been run a third time since the first was told of.
  while (seen.size < 4) {
    for (const pid of (await eventsProcesses()).keys()) if (told.length > 0) seen.add(pid);
    const name = `${prefix}-${made.length}`;
    await makeContainer(folder, name);
    made.push(name);
  }
  await eventually(
    "the last is told",
    () => Promise.resolve(told.includes(made.at(-1) ?? "") || undefined),
  );
  // The first ones may have been missed: it listens from a moment on that nobody tells.
  deepStrictEqual(told, made.slice(made.indexOf(told[0] ?? "")));
  over.abort();
  await watching;
  await podman("rm", ...made);
});

Deno.test("watch() tells nothing of what was before", async () => {
  await using folder = await ThrowAwayFolder.make();
  const prefix = `events-${crypto.randomUUID().slice(0, 8)}`;
  const before = `${prefix}-before`;
  await makeContainer(folder, before);
  // podman's times of events are its log's, and "now" is counted in whole seconds by some.
  await eventually("a second is over", async () => {
    const [created] = JSON.parse(await podman("container", "inspect", before));
    return Date.now() - Date.parse(created.Created) > 2_000 || undefined;
  });
  const told: string[] = [];
  const over = new AbortController();
  const watching = podmanWithEventsFor(60_000).watch(({ container }) => {
    if (container.startsWith(prefix)) told.push(container);
  }, over.signal);
  const made = [before];
  // It listens from a moment on that nobody tells.
  while (told.length === 0) {
    const name = `${prefix}-${made.length}`;
    await makeContainer(folder, name);
    made.push(name);
  }
  over.abort();
  await watching;
  ok(!told.includes(before), told.join(" "));
  await podman("rm", ...made);
});

Deno.test("podman's events end by themselves when who watches them is killed", async () => {
  await using folder = await ThrowAwayFolder.make();
  const before = await eventsProcesses();
  const watcher = startWatching(5_000);
  let told = "";
  const reading = (async () => {
    for await (const text of watcher.stdout.pipeThrough(new TextDecoderStream())) told += text;
  })();
  // It listens from a moment on that nobody tells. What happened last must have been told: who is told
  // of something when nobody listens any more ends of that.
  await eventually("all is told of a container", async () => {
    const name = `events-${crypto.randomUUID().slice(0, 8)}`;
    await makeContainer(folder, name);
    await podman("rm", name);
    const isTold = () => Promise.resolve(told.includes(`${name} remove`) || undefined);
    return told === "" ? undefined : await eventually("its end is told", isTold);
  });
  watcher.kill("SIGKILL");
  await Promise.all([watcher.status, reading]);
  const left = [...await eventsProcesses()].filter(([pid]) => !before.has(pid));
  for (const [, argv] of left) ok(argv.includes("--until=5s"), argv.join(" "));
  await eventually("it has ended", async () => {
    const now = await eventsProcesses();
    return !left.some(([pid]) => now.has(pid)) || undefined;
  });
});
