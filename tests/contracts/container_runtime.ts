/**
 * What every `ContainerRuntime` does, written once: the real ones and their stand-in pass it.
 *
 * @module
 */

import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import type {
  ContainerDetail,
  ContainerRuntime,
  ContainerStatus,
  LogRecord,
  NewContainer,
  RuntimeEvent,
} from "../../agent/runtime/runtime.ts";
import { componentDefaults, type ComponentSpec } from "../../lib/domain/component_spec.ts";
import { maxSecretBytes } from "../../lib/domain/secret_mount.ts";
import { errorChain, type ErrorKind, McpError } from "../../lib/errors.ts";

/** Images that a runtime is tried with. The first four are on the node already. */
export interface ContractImages {
  /** Runs until it is stopped. */
  readonly stays: string;
  /** Prints "one" to "five" in five lines, and ends with exit code 7. */
  readonly ends: string;
  /** Prints "crash", and ends with exit code 3 after a tenth of a second. */
  readonly crashes: string;
  /** Prints each of its arguments in a line of its own, and ends. */
  readonly prints: string;
  /** Runs until it is killed. */
  readonly ignoresStop: string;
  /** Is in its registry and not on the node; several, as each can be pulled only once. */
  readonly pullable: readonly [string, string];
  /** Is not in its registry, which answers. */
  readonly missing: string;
  /** Would be in a registry that does not answer. */
  readonly unreachable: string;
}

/** A runtime and its surroundings. */
export interface RuntimeUnderTest extends AsyncDisposable {
  readonly runtime: ContainerRuntime;
  readonly images: ContractImages;
  /** Lets time pass until this gives something. */
  eventually<T>(look: () => Promise<T | undefined>): Promise<T>;
  /** Lets a program outside any container listen on a port of the loopback. */
  takePort(): Disposable & { readonly port: number };
}

/** What one fact is tried with. */
interface Trial extends Pick<RuntimeUnderTest, "runtime" | "images" | "eventually" | "takePort"> {
  /** A name that no container has, now or at the end. */
  name(): string;
  /** Runs a container of a new name; gives the name. */
  run(image: string, change?: Partial<ComponentSpec>): Promise<string>;
}

/**
 * Registers the suite.
 *
 * @param subject Which runtime, e.g. "Podman --remote".
 * @param open Makes it ready; done once for all facts.
 */
export function containerRuntimeContract(
  subject: string,
  open: () => Promise<RuntimeUnderTest>,
): void {
  let opened: RuntimeUnderTest;
  let names = 0;
  Deno.test.beforeAll(async () => {
    opened = await open();
  });
  Deno.test.afterAll(async () => await opened[Symbol.asyncDispose]());

  const fact = (sentence: string, prove: (trial: Trial) => Promise<void>) =>
    Deno.test(`${subject}: ${sentence}`, async () => {
      const { runtime } = opened;
      const used: string[] = [];
      const name = () => {
        const made = `contract-${names++}`;
        used.push(made);
        return made;
      };
      try {
        await prove({
          ...opened,
          runtime,
          name,
          async run(image, change) {
            const made = name();
            await runtime.run(container(made, image, change));
            return made;
          },
        });
      } finally {
        for (const made of used) await runtime.remove(made);
      }
    });

  fact(
    "info() tells its version, its storage and whose ids its containers have",
    async ({ runtime }) => {
      const info = await runtime.info();
      strictEqual(info.version, await runtime.version());
      match(info.storage.folder, /^\//);
      ok((info.storage.freeBytes ?? 0) > 0);
      ok((info.storage.freeBytes ?? 0) <= (info.storage.totalBytes ?? 0));
      strictEqual(info.cgroupVersion, "v2");
      strictEqual(info.rootless, true);
      // The first is the user itself, alone; the others are what /etc/subuid and /etc/subgid lend it.
      for (const [own, lent] of [info.userIds, info.groupIds]) {
        strictEqual(own?.count, 1);
        ok((lent?.count ?? 0) >= 65_536);
      }
    },
  );

  fact("version() is a number with dots", async ({ runtime }) => {
    match(await runtime.version(), /^\d+\.\d+\.\d+/);
  });

  fact("run() starts a container that list() shows whole", async ({ runtime, images, name }) => {
    const began = Date.now();
    const made = name();
    const labels = { "mcp.service": "mcr", "mcp.component": "web", odd: "a=b, c 'd'" };
    await runtime.run({ ...container(made, images.stays), labels });
    const listed = await requireListed(runtime, made);
    match(listed.id, /^[0-9a-f]{64}$/);
    strictEqual(listed.image, images.stays);
    strictEqual(listed.status, "running");
    strictEqual(listed.exitCode, undefined);
    ok(listed.startedAt instanceof Date);
    // Only that it is a time and not, say, seconds taken for milliseconds.
    ok(listed.startedAt.getFullYear() >= new Date(began).getFullYear());
    for (const [key, value] of Object.entries(labels)) strictEqual(listed.labels[key], value, key);
  });

  fact("run() starts a container that inspect() shows whole", async (trial) => {
    const made = await trial.run(trial.images.stays);
    const listed = await requireListed(trial.runtime, made);
    const detail = await requireDetail(trial.runtime, made);
    strictEqual(detail.id, listed.id);
    strictEqual(detail.status, "running");
    strictEqual(detail.exitCode, 0);
    strictEqual(detail.oomKilled, false);
    strictEqual(await trial.runtime.lastExitCode(made), undefined);
    strictEqual(detail.restartCount, 0);
    match(detail.imageId, /^[0-9a-f]{64}$/);
    strictEqual(listed.imageId, detail.imageId);
    // A listing has whole seconds only.
    strictEqual(secondsOf(detail.startedAt), secondsOf(listed.startedAt));
  });

  fact("inspectAll() shows those that are there as inspect() does", async (trial) => {
    const one = await trial.run(trial.images.stays);
    const over = await trial.run(trial.images.ends);
    await untilOver(trial, over);
    const found = await trial.runtime.inspectAll([one, trial.name(), over]);
    deepStrictEqual([...found.keys()].sort(), [one, over].sort());
    for (const name of [one, over]) {
      deepStrictEqual(found.get(name), await requireDetail(trial.runtime, name));
    }
    deepStrictEqual(await trial.runtime.inspectAll([]), new Map());
    deepStrictEqual(await trial.runtime.inspectAll([trial.name()]), new Map());
  });

  fact(
    "inspectImages() knows images by name and by id, and leaves out the others",
    async (trial) => {
      const { stays, ends, missing } = trial.images;
      const made = await trial.run(stays);
      const { imageId } = await requireDetail(trial.runtime, made);
      const found = await trial.runtime.inspectImages([stays, missing, ends, imageId]);
      deepStrictEqual(new Set(found.keys()), new Set([stays, ends, imageId]));
      strictEqual(found.get(stays)?.id, imageId);
      deepStrictEqual(found.get(imageId), found.get(stays));
      match(found.get(stays)?.digest ?? "", /^sha256:[0-9a-f]{64}$/);
      const all = await trial.runtime.inspectImages([stays, ends, stays]);
      deepStrictEqual(all.get(ends), found.get(ends));
      deepStrictEqual(await trial.runtime.inspectImages([missing]), new Map());
      deepStrictEqual(await trial.runtime.inspectImages([]), new Map());
    },
  );

  fact("run() makes a container from an image by its id", async (trial) => {
    const { stays, ends } = trial.images;
    const [image] = (await trial.runtime.inspectImages([stays])).values();
    const made = trial.name();
    await trial.runtime.run({ ...container(made, ends), image: image?.id });
    strictEqual((await requireDetail(trial.runtime, made)).imageId, image?.id);
  });

  fact("exec() runs a command in a container and tells how it ended", async (trial) => {
    const made = await trial.run(trial.images.stays);
    deepStrictEqual(await trial.runtime.exec(made, ["true"], 10_000), { code: 0, output: "" });
    const result = await trial.runtime.exec(made, ["sh", "-c", "echo one; exit 3"], 10_000);
    deepStrictEqual(result, { code: 3, output: "one" });
    // Flags are the command's own.
    strictEqual((await trial.runtime.exec(made, ["sh", "-c", "exit 4", "--user"], 10_000)).code, 4);
  });

  fact("exec() in a container that does not run fails", async (trial) => {
    const made = await trial.run(trial.images.ends);
    await untilOver(trial, made);
    const { code, output } = await trial.runtime.exec(made, ["true"], 10_000);
    ok(code !== 0, output);
    match(output, /container state improper/);
    await failureOf(trial.runtime.exec(trial.name(), ["true"], 10_000), "not_found");
  });

  fact(
    "createSecret() keeps a secret under a name of its own, which can be removed once",
    async (trial) => {
      const { runtime } = trial;
      const name = `mcp.contract.${crypto.randomUUID().slice(0, 8)}.1`;
      const value = new TextEncoder().encode("a value");
      ok(!(await runtime.listSecrets()).has(name));
      await runtime.createSecret(name, value);
      ok((await runtime.listSecrets()).has(name));
      const failure = await failureOf(runtime.createSecret(name, value), "conflict");
      ok(!errorChain(failure).includes("a value"), errorChain(failure));
      strictEqual(await runtime.removeSecret(name), true);
      strictEqual(await runtime.removeSecret(name), false);
      ok(!(await runtime.listSecrets()).has(name));
    },
  );

  fact(
    "createSecret() takes the largest secret, and refuses larger and empty ones",
    async (trial) => {
      const { runtime } = trial;
      const name = `mcp.contract.${crypto.randomUUID().slice(0, 8)}.1`;
      const bytes = (count: number) => new Uint8Array(count).fill(255);
      await runtime.createSecret(name, bytes(maxSecretBytes));
      await runtime.removeSecret(name);
      for (const count of [0, maxSecretBytes + 1]) {
        await failureOf(runtime.createSecret(name, bytes(count)), "unavailable");
      }
    },
  );

  fact("run() with a secret that is not there fails, and makes no container", async (trial) => {
    const made = trial.name();
    const secrets = [{ name: "key", target: "/key", mode: 0o400, uid: 0, gid: 0 }];
    const failure = await failureOf(
      trial.runtime.run({
        ...container(made, trial.images.stays, { secrets }),
        secrets: { key: "mcp.contract.none.1" },
      }),
      "unavailable",
    );
    match(errorChain(failure), /mcp\.contract\.none\.1/);
    strictEqual(await trial.runtime.inspect(made), undefined);
  });

  fact("describeAll() tells which secret is mounted where, and for whom", async (trial) => {
    const { runtime, images } = trial;
    const name = `mcp.contract.${crypto.randomUUID().slice(0, 8)}.1`;
    await runtime.createSecret(name, new TextEncoder().encode("a value"));
    try {
      const made = trial.name();
      const secrets = [{ name: "key", target: "/etc/key", mode: 0o440, uid: 7, gid: 8 }];
      await runtime.run({
        ...container(made, images.stays, { secrets }),
        secrets: { key: name },
      });
      const { id } = await requireDetail(runtime, made);
      const described = (await runtime.describeAll([id])).get(id);
      deepStrictEqual(described?.spec.secrets, [{ ...secrets[0], name }]);
      deepStrictEqual(described?.unexpressed, []);
    } finally {
      await runtime.removeSecret(name);
    }
  });

  fact(
    "run() after a stop takes over the port of what was stopped",
    async ({ runtime, ...trial }) => {
      const spec = { ports: ["127.0.0.1:18399:8080"] };
      const before = await trial.run(trial.images.stays, spec);
      const made = trial.name();
      const stopping = runtime.stop(before, 1_000);
      await runtime.run(container(made, trial.images.stays, spec), undefined, stopping);
      strictEqual((await requireDetail(runtime, made)).status, "running");
      strictEqual((await requireDetail(runtime, before)).status, "exited");
    },
  );

  fact("run() of a taken name is a conflict, and leaves its holder alone", async (trial) => {
    const made = await trial.run(trial.images.stays);
    const before = await requireDetail(trial.runtime, made);
    const failure = await failureOf(
      trial.runtime.run(container(made, trial.images.ends)),
      "conflict",
    );
    match(errorChain(failure), new RegExp(`Cannot run container "${made}": .*already in use`));
    deepStrictEqual(await requireDetail(trial.runtime, made), before);
  });

  fact(
    "run() with a port that is taken is a conflict, and start() works once it is not",
    async (trial) => {
      const made = trial.name();
      {
        using taken = trial.takePort();
        const spec = { ports: [`127.0.0.1:${taken.port}:8080`] };
        const failure = await failureOf(
          trial.runtime.run(container(made, trial.images.stays, spec)),
          "conflict",
        );
        match(errorChain(failure), /address already in use/i);
      }
      // It is made and could not be started; whoever asked for it has to remove or start it.
      const listed = await requireListed(trial.runtime, made);
      strictEqual(listed.status, "created");
      strictEqual(listed.exitCode, undefined);
      strictEqual(listed.startedAt, undefined);
      strictEqual((await requireDetail(trial.runtime, made)).startedAt, undefined);
      await trial.runtime.stop(made, 0);
      strictEqual((await requireListed(trial.runtime, made)).status, "created");
      await trial.runtime.start(made);
      strictEqual((await requireListed(trial.runtime, made)).status, "running");
    },
  );

  fact(
    "run() of an image that is not on the node is not_found and makes nothing",
    async (trial) => {
      const made = trial.name();
      const [image] = trial.images.pullable;
      await failureOf(trial.runtime.run(container(made, image)), "not_found");
      strictEqual(await trial.runtime.inspect(made), undefined);
    },
  );

  fact("run() fetches an image that is missing when asked to", async (trial) => {
    const made = trial.name();
    const image = trial.images.pullable[1];
    await trial.runtime.run({ ...container(made, image), pull: "missing" });
    strictEqual((await requireListed(trial.runtime, made)).image, image);
  });

  fact("run() hands arguments that look like flags to the container", async (trial) => {
    const cmd = ["--rm", "-v", "/:/host", "--", "a b", "$HOME", ""];
    const made = await trial.run(trial.images.prints, { cmd });
    await untilOver(trial, made);
    // An empty argument is an empty line, which no log tail keeps.
    deepStrictEqual(await trial.runtime.logTail(made, 50), cmd.slice(0, -1));
  });

  fact("run() of what ends at once succeeds, and its exit code is kept", async (trial) => {
    const made = await trial.run(trial.images.ends);
    const listed = await untilOver(trial, made);
    strictEqual(listed.exitCode, 7);
    ok(listed.startedAt instanceof Date);
    const detail = await requireDetail(trial.runtime, made);
    strictEqual(detail.status, "exited");
    strictEqual(detail.exitCode, 7);
    strictEqual(detail.restartCount, 0);
    strictEqual(await trial.runtime.lastExitCode(made), 7);
  });

  fact("a container that crashes under restart=always is restarted and counted", async (trial) => {
    const made = await trial.run(trial.images.crashes, { restart: "always" });
    const first = await requireDetail(trial.runtime, made);
    const later = await trial.eventually(async () => {
      const detail = await requireDetail(trial.runtime, made);
      return detail.restartCount >= 2 ? detail : undefined;
    });
    strictEqual(later.id, first.id);
    // Of a container that runs again, inspect() does not know it any more.
    strictEqual(await trial.runtime.lastExitCode(made), 3);
    ok((later.startedAt?.getTime() ?? 0) > (first.startedAt?.getTime() ?? Infinity));
  });

  fact("stop() ends the restarts of a container that crashes", async (trial) => {
    const made = await trial.run(trial.images.crashes, { restart: "always" });
    await trial.eventually(async () =>
      (await requireDetail(trial.runtime, made)).restartCount > 0 || undefined
    );
    await trial.runtime.stop(made, 0);
    // podman lists it as "stopped" until it has tidied up behind it.
    const stopped = await trial.eventually(async () => {
      const detail = await requireDetail(trial.runtime, made);
      return detail.status === "exited" ? detail : undefined;
    });
    await trial.runtime.start(made);
    // Counted from the last start by hand.
    ok((await requireDetail(trial.runtime, made)).restartCount <= stopped.restartCount);
  });

  fact("pull() fetches an image that run() finds then", async (trial) => {
    const [image] = trial.images.pullable;
    const told: string[] = [];
    await trial.runtime.pull(image, undefined, (line) => told.push(line));
    strictEqual(told[0], `Trying to pull ${image}...`);
    const made = await trial.run(image);
    strictEqual((await requireListed(trial.runtime, made)).status, "running");
    // Again: there is nothing left to fetch.
    await trial.runtime.pull(image);
  });

  fact("pull() of an image that its registry does not have is not_found", async (trial) => {
    const { missing } = trial.images;
    const failure = await failureOf(trial.runtime.pull(missing), "not_found");
    ok(failure.message.includes(missing));
  });

  fact("pull() from a registry that does not answer is unavailable", async (trial) => {
    const { unreachable } = trial.images;
    const failure = await failureOf(trial.runtime.pull(unreachable), "unavailable");
    match(errorChain(failure), /connection refused/);
  });

  fact("pull() that is called off is unavailable", async (trial) => {
    const signal = AbortSignal.abort(new Error("the test ends it"));
    await failureOf(trial.runtime.pull(trial.images.stays, signal), "unavailable");
  });

  fact("stop() stops what runs, and start() starts the same container again", async (trial) => {
    const made = await trial.run(trial.images.stays);
    const before = await requireDetail(trial.runtime, made);
    await trial.runtime.stop(made, 5_000);
    const stopped = await requireListed(trial.runtime, made);
    strictEqual(stopped.status, "exited");
    strictEqual(stopped.exitCode, 0);
    await trial.runtime.start(made);
    const after = await requireDetail(trial.runtime, made);
    strictEqual(after.status, "running");
    strictEqual(after.id, before.id);
    ok((after.startedAt?.getTime() ?? 0) >= (before.startedAt?.getTime() ?? Infinity));
  });

  fact("stop() kills what does not stop", async (trial) => {
    const made = await trial.run(trial.images.ignoresStop);
    await trial.runtime.stop(made, 0);
    strictEqual((await requireDetail(trial.runtime, made)).exitCode, 137);
  });

  fact("stop() of a container that does not run changes nothing", async (trial) => {
    const made = await trial.run(trial.images.ends);
    await untilOver(trial, made);
    const before = await requireDetail(trial.runtime, made);
    await trial.runtime.stop(made, 5_000);
    deepStrictEqual(await requireDetail(trial.runtime, made), before);
  });

  fact("start() of a container that runs changes nothing", async (trial) => {
    const made = await trial.run(trial.images.stays);
    const before = await requireDetail(trial.runtime, made);
    await trial.runtime.start(made);
    deepStrictEqual(await requireDetail(trial.runtime, made), before);
  });

  fact("restart() starts the same container anew, running or not", async (trial) => {
    const made = await trial.run(trial.images.stays);
    for (const before of ["running", "exited"]) {
      const { id, status, startedAt } = await requireDetail(trial.runtime, made);
      strictEqual(status, before);
      await trial.runtime.restart(made, 5_000);
      const after = await requireDetail(trial.runtime, made);
      strictEqual(after.id, id);
      strictEqual(after.status, "running");
      strictEqual(after.restartCount, 0);
      ok((after.startedAt?.getTime() ?? 0) >= (startedAt?.getTime() ?? Infinity));
      await trial.runtime.stop(made, 5_000);
    }
  });

  fact("rename() changes the name of a running container and nothing else", async (trial) => {
    const made = await trial.run(trial.images.stays);
    const before = await requireDetail(trial.runtime, made);
    const other = `${trial.name()}.previous`;
    try {
      await trial.runtime.rename(made, other);
      deepStrictEqual(await requireDetail(trial.runtime, other), before);
      strictEqual((await requireListed(trial.runtime, other)).id, before.id);
      strictEqual(await trial.runtime.inspect(made), undefined);
      // The name is free again.
      await trial.runtime.run(container(made, trial.images.stays));
    } finally {
      await trial.runtime.remove(other);
    }
  });

  fact("rename() to a taken name is a conflict, and changes neither", async (trial) => {
    const one = await trial.run(trial.images.stays);
    const other = await trial.run(trial.images.stays);
    const before = await Promise.all([one, other].map((name) => trial.runtime.inspect(name)));
    await failureOf(trial.runtime.rename(one, other), "conflict");
    const after = await Promise.all([one, other].map((name) => trial.runtime.inspect(name)));
    deepStrictEqual(after, before);
  });

  fact("remove() removes what runs, and tells whether there was one", async (trial) => {
    const made = await trial.run(trial.images.stays);
    strictEqual(await trial.runtime.remove(made), true);
    strictEqual(await trial.runtime.inspect(made), undefined);
    strictEqual((await trial.runtime.list()).some(({ name }) => name === made), false);
    strictEqual(await trial.runtime.remove(made), false);
  });

  fact("readLog() tells each line with its time, by name and by id", async (trial) => {
    const { runtime, images } = trial;
    const made = await trial.run(images.ends, { restart: "no" });
    await trial.eventually(async () =>
      (await runtime.inspect(made))?.status === "exited" ? true : undefined
    );
    const { id = "" } = await runtime.inspect(made) ?? {};
    const read = async (name: string, options: { tail?: number; since?: bigint } = {}) => {
      const records: LogRecord[] = [];
      await runtime.readLog(name, {
        follow: false,
        signal: new AbortController().signal,
        onRecord: (record) => void records.push(record),
        ...options,
      });
      return records;
    };
    const records = await read(made);
    deepStrictEqual(
      records.map(({ text, isStderr }) => [text, isStderr]),
      ["one", "two", "three", "four", "five"].map((text) => [text, false]),
    );
    deepStrictEqual(await read(id), records);
    deepStrictEqual(await read(id, { tail: 2 }), records.slice(-2));
    // A second later: some runtimes know no less.
    const later = (records.at(-1)?.at ?? 0n) + 1_000_000_000n;
    deepStrictEqual(await read(id, { since: later }), []);
    // What a container prints is seen after it was started.
    ok((records[0]?.at ?? 0n) > 1_500_000_000_000_000_000n);
    await failureOf(read(trial.name()), "not_found");
  });

  fact(
    "readLog() that follows ends with its container, and when it is called off",
    async (trial) => {
      const { runtime, images } = trial;
      const made = await trial.run(images.stays);
      const follow = (signal: AbortSignal) =>
        runtime.readLog(made, { follow: true, signal, onRecord: () => {} });
      const gone = new AbortController();
      const calledOff = follow(gone.signal);
      const ended = follow(new AbortController().signal);
      gone.abort();
      await calledOff;
      await runtime.stop(made, 1_000);
      await ended;
    },
  );

  fact(
    "discardImage() takes an image away that listImages() shows, and none that is in use",
    async (trial) => {
      const { runtime, images } = trial;
      const find = async (name: string) =>
        (await runtime.listImages()).find(({ names }) => names.includes(name));
      const used = await trial.run(images.stays);
      const inUse = await find(images.stays);
      ok(inUse !== undefined && inUse.bytes > 0);
      match(inUse.id, /^[0-9a-f]{64}$/);
      strictEqual((await runtime.inspect(used))?.imageId, inUse.id);
      await failureOf(runtime.discardImage(inUse), "conflict");
      ok(await find(images.stays) !== undefined);
      const [pullable] = images.pullable;
      await runtime.pull(pullable);
      const fetched = await find(pullable);
      ok(fetched !== undefined);
      match(fetched.digest, /^sha256:[0-9a-f]{64}$/);
      await runtime.discardImage(fetched);
      strictEqual(await find(pullable), undefined);
      await runtime.discardImage(fetched);
    },
  );

  fact("logTail() gives the last lines, oldest first", async (trial) => {
    const made = await trial.run(trial.images.ends);
    await untilOver(trial, made);
    deepStrictEqual(await trial.runtime.logTail(made, 3), ["three", "four", "five"]);
    deepStrictEqual(await trial.runtime.logTail(made, 50), ["one", "two", "three", "four", "five"]);
  });

  fact("hasVanished() is false of what runs, has ended or is not there", async (trial) => {
    const running = await trial.run(trial.images.stays);
    const over = await trial.run(trial.images.ends);
    await untilOver(trial, over);
    for (const name of [running, over, trial.name()]) {
      strictEqual(await trial.runtime.hasVanished(name), false, name);
    }
  });

  fact("describe() gives the spec that made a container, under another name", async (trial) => {
    const spec: ComponentSpec = {
      ...componentDefaults,
      name: "api",
      image: trial.images.stays,
      network: "",
      user: "1000:1000",
      restart: "on-failure:3",
      ports: ["127.0.0.1:28080:8080"],
      volumes: [],
      cmd: ["--verbose", "two words"],
      entrypoint: ["/bin/sh", "-e", "/script"],
      env: { TZ: "UTC", EMPTY: "", LINES: "one\ntwo=2" },
      labels: { "org.example.team": "core" },
      workdir: "/bin",
      hostname: "box",
      ulimits: { nofile: "256:512" },
      capAdd: ["NET_ADMIN"],
      capDrop: ["CHOWN"],
      readOnly: true,
      tmpfs: ["/t:size=1m"],
      devices: ["/dev/null:/dev/x"],
      stopSignal: "SIGQUIT",
      stopTimeoutMs: 7_000,
    };
    const made = await trial.run(trial.images.stays, spec);
    deepStrictEqual(await trial.runtime.describe(made, "api"), { spec, unexpressed: [] });
    const plain = await trial.run(trial.images.stays);
    deepStrictEqual(await trial.runtime.describe(plain, "web"), {
      spec: container(plain, trial.images.stays).spec,
      unexpressed: [],
    });
  });

  fact(
    "describeAll() tells of several containers by their ids, and leaves out what is gone",
    async (trial) => {
      const names = [
        await trial.run(trial.images.stays, { env: { TZ: "UTC" } }),
        await trial.run(trial.images.ends),
      ];
      const details = await Promise.all(names.map((name) => requireDetail(trial.runtime, name)));
      const gone = "0".repeat(64);
      const described = await trial.runtime.describeAll([gone, ...details.map(({ id }) => id)]);
      deepStrictEqual(
        details.map(({ id, imageId }, at) => {
          const one = described.get(id);
          return [
            one?.id === id,
            one?.imageId === imageId,
            one?.spec.name === names[at],
            one?.spec.env,
          ];
        }),
        [[true, true, true, { TZ: "UTC" }], [true, true, true, {}]],
      );
      strictEqual(described.size, 2);
      strictEqual((await trial.runtime.describeAll([])).size, 0);
      strictEqual((await trial.runtime.describeAll([gone])).size, 0);
    },
  );

  fact("watch() tells of a start, a death with its exit code and a removal", async (trial) => {
    const abort = new AbortController();
    const events: RuntimeEvent[] = [];
    const watching = trial.runtime.watch((event) => events.push(event), abort.signal);
    const told = (name: string, status: string) =>
      trial.eventually(() =>
        Promise.resolve(
          events.find((event) => event.container === name && event.status === status),
        )
      );
    // It listens from a moment on that nobody tells.
    const first = await trial.eventually(async () => {
      const name = await trial.run(trial.images.stays);
      const event = events.find(({ container, status }) =>
        container === name && status === "start"
      );
      return event ?? events.find(({ status }) => status === "start");
    });
    strictEqual(first.exitCode, undefined);
    const ended = await trial.run(trial.images.ends);
    const started = await told(ended, "start");
    const death = await told(ended, "died");
    strictEqual(death.exitCode, 7);
    ok(death.at >= started.at, `${death.at} is before ${started.at}`);
    await trial.runtime.remove(ended);
    strictEqual((await told(ended, "remove")).exitCode, undefined);
    const order = events.filter((event) => event.container === ended)
      .map(({ status }) => status)
      .filter((status) => ["start", "died", "remove"].includes(status));
    deepStrictEqual(order, ["start", "died", "remove"]);
    abort.abort();
    await watching;
  });

  fact("watch() tells every crash of what is restarted, in order", async (trial) => {
    const abort = new AbortController();
    const events: RuntimeEvent[] = [];
    const watching = trial.runtime.watch((event) => events.push(event), abort.signal);
    const made = await trial.run(trial.images.crashes, { restart: "always" });
    const own = () => events.filter(({ container }) => container === made);
    await trial.eventually(async () => {
      await trial.runtime.list();
      return own().filter(({ status }) => status === "died").length >= 3 || undefined;
    });
    await trial.runtime.stop(made, 0);
    const lives = own().map(({ status }) => status)
      .filter((status) => status === "start" || status === "died");
    // The first start may have been missed: it listened from a moment on that nobody tells.
    const from = lives.indexOf("start");
    for (const [at, status] of lives.slice(from).entries()) {
      strictEqual(status, at % 2 === 0 ? "start" : "died", lives.join(" "));
    }
    strictEqual(own().find(({ status }) => status === "died")?.exitCode, 3);
    abort.abort();
    await watching;
  });

  fact("watch() that was called off before tells nothing", async ({ runtime }) => {
    await runtime.watch(() => ok(false), AbortSignal.abort());
  });

  fact("inspect() of an absent container is undefined", async ({ runtime, name }) => {
    strictEqual(await runtime.inspect(name()), undefined);
  });

  for (
    const [verb, call] of [
      ["start", (runtime, name) => runtime.start(name)],
      ["stop", (runtime, name) => runtime.stop(name, 1_000)],
      ["restart", (runtime, name) => runtime.restart(name, 1_000)],
      ["rename", (runtime, name) => runtime.rename(name, `${name}-other`)],
      ["logTail", (runtime, name) => runtime.logTail(name, 5)],
      ["lastExitCode", (runtime, name) => runtime.lastExitCode(name)],
      ["describe", (runtime, name) => runtime.describe(name, "web")],
    ] satisfies (readonly [
      string,
      (runtime: ContainerRuntime, name: string) => Promise<unknown>,
    ])[]
  ) {
    fact(`${verb}() of an absent container is not_found`, async ({ runtime, name }) => {
      const absent = name();
      const failure = await failureOf(call(runtime, absent), "not_found");
      ok(failure.message.includes(`"${absent}"`), failure.message);
    });
  }

  fact("a name that begins another container's id does not mean that container", async (trial) => {
    const made = await trial.run(trial.images.stays);
    const before = await requireDetail(trial.runtime, made);
    const prefix = before.id.slice(0, 12);
    strictEqual(await trial.runtime.inspect(prefix), undefined);
    strictEqual(await trial.runtime.remove(prefix), false);
    await failureOf(trial.runtime.stop(prefix, 0), "not_found");
    await failureOf(trial.runtime.start(prefix), "not_found");
    await failureOf(trial.runtime.restart(prefix, 0), "not_found");
    await failureOf(trial.runtime.rename(prefix, trial.name()), "not_found");
    await failureOf(trial.runtime.logTail(prefix, 5), "not_found");
    deepStrictEqual(await requireDetail(trial.runtime, made), before);
  });
}

/** A container to be made; runs once and is not restarted unless the spec is changed. */
function container(name: string, image: string, change: Partial<ComponentSpec> = {}): NewContainer {
  const spec: ComponentSpec = {
    ...componentDefaults,
    name: "web",
    image,
    network: "",
    user: "",
    restart: "no",
    ports: [],
    volumes: [],
    cmd: [],
    ...change,
  };
  return { name, spec, labels: {}, pull: "never" };
}

async function requireListed(runtime: ContainerRuntime, name: string): Promise<ContainerStatus> {
  const listed = (await runtime.list()).filter((candidate) => candidate.name === name);
  const [only] = listed;
  ok(only !== undefined && listed.length === 1, `${name} is listed ${listed.length} times`);
  return only;
}

async function requireDetail(runtime: ContainerRuntime, name: string): Promise<ContainerDetail> {
  const detail = await runtime.inspect(name);
  ok(detail !== undefined, `there is no ${name}`);
  return detail;
}

async function untilOver(trial: Trial, name: string): Promise<ContainerStatus> {
  return await trial.eventually(async () => {
    const listed = await requireListed(trial.runtime, name);
    return listed.status === "exited" ? listed : undefined;
  });
}

async function failureOf(call: Promise<unknown>, kind: ErrorKind): Promise<McpError> {
  let failure: unknown;
  await rejects(call, (error) => (failure = error, true));
  ok(failure instanceof McpError, String(failure));
  strictEqual(failure.kind, kind, errorChain(failure));
  return failure;
}

function secondsOf(time: Date | undefined): number | undefined {
  return time && Math.floor(time.getTime() / 1000);
}
