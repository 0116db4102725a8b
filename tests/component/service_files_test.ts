import { maxFileBytes } from "../../lib/domain/file_size.ts";
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { renameSync } from "node:fs";
import { whileHeld } from "../../agent/change/service_files/inside.ts";
import { requireServicePath } from "../../agent/change/service_files/resolve.ts";
import {
  pullFile,
  pushFile,
  type TransferOptions,
} from "../../agent/change/service_files/transfer.ts";
import { type ErrorKind, McpError } from "../../lib/errors.ts";
import { realClock } from "../../lib/system/clock.ts";
import { capabilities } from "../support/capabilities.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { MemoryRuntime } from "../support/memory_runtime.ts";
import { QuietLogs } from "../support/quiet_logs.ts";
import { Swapper } from "../support/swapper.ts";
import { ample, TestNode } from "../support/test_node.ts";
import { ThrowAwayFolder } from "../support/throw_away_folder.ts";
import { longBytes, startTransfer, transferInProcess } from "../support/transfer_process.ts";
import { watchSyncs } from "../support/watched_syncs.ts";

/** /srv with the folders of two services, a folder outside of everything, and the agent's own. */
class Place implements AsyncDisposable {
  readonly root: string;
  readonly home: string;
  readonly outside: string;
  /** By default long after everything in here was made, so that nothing has to be waited for. */
  clock: TransferOptions["clock"] = new FakeClock({
    start: new Date(Date.now() + 3_600_000),
    autoAdvance: true,
  });
  readonly #folder: ThrowAwayFolder;

  private constructor(folder: ThrowAwayFolder) {
    this.#folder = folder;
    this.root = folder.at("srv");
    this.home = `${this.root}/shop`;
    this.outside = folder.at("outside");
  }

  static async make(): Promise<Place> {
    const place = new Place(await ThrowAwayFolder.make());
    for (const path of [place.home, `${place.root}/mail`, `${place.root}/mcp`, place.outside]) {
      await Deno.mkdir(path, { recursive: true });
      await Deno.writeTextFile(`${path}/f`, `f of ${path.split("/").at(-1)}`);
    }
    return place;
  }

  async pull(path: string, service = "shop"): Promise<string> {
    const { content } = await pullFile(requireServicePath(service, path), this.#options());
    return new TextDecoder().decode(content);
  }

  async pullWithMode(path: string): Promise<readonly [string, string]> {
    const { content, mode } = await pullFile(requireServicePath("shop", path), this.#options());
    return [new TextDecoder().decode(content), mode.toString(8)];
  }

  async push(
    path: string,
    content: string | Uint8Array = "pushed",
    { mode = 0o640, service = "shop" } = {},
  ): Promise<void> {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    const file = { content: bytes, mode };
    await pushFile(requireServicePath(service, path), file, this.#options());
  }

  /** Everything in a folder with its content, links as what they say. */
  async all(folder: string): Promise<Record<string, string>> {
    const found: Record<string, string> = {};
    for await (const { name, isDirectory, isSymlink, isFile } of Deno.readDir(folder)) {
      const path = `${folder}/${name}`;
      if (isDirectory) found[`${name}/`] = "";
      else if (isSymlink) found[name] = `-> ${await Deno.readLink(path)}`;
      else found[name] = isFile ? await Deno.readTextFile(path) : "special";
      if (!isDirectory) continue;
      for (const [inner, text] of Object.entries(await this.all(path))) {
        found[`${name}/${inner}`] = text;
      }
    }
    return found;
  }

  /** Nothing but the service's own folder is what it was not at first. */
  async requireUntouched(): Promise<void> {
    deepStrictEqual(await this.all(this.outside), { f: "f of outside" });
    deepStrictEqual(await this.all(`${this.root}/mail`), { f: "f of mail" });
    deepStrictEqual(await this.all(`${this.root}/mcp`), { f: "f of mcp" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#folder[Symbol.asyncDispose]();
  }

  #options(): TransferOptions {
    const { root: serviceRoot, clock } = this;
    return { serviceRoot, ownFolders: [`${serviceRoot}/mcp`], clock };
  }
}

async function refuses(
  act: Promise<unknown>,
  kind: ErrorKind,
  message: string | RegExp,
): Promise<void> {
  await rejects(act, (error) => {
    ok(error instanceof McpError, Deno.inspect(error));
    strictEqual(error.kind, kind, error.message);
    if (typeof message === "string") strictEqual(error.message, message);
    else ok(message.test(error.message), error.message);
    return true;
  });
}

async function modeOf(path: string): Promise<string> {
  return (((await Deno.lstat(path)).mode ?? 0) & 0o7777).toString(8);
}

async function runProgram(...[program = "", ...args]: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args }).output();
  if (!success) throw new Error(`${program}: ${new TextDecoder().decode(stderr)}`);
}

/** A test that needs more than a user has: skipped, and its name says so, where it cannot be had. */
function privileged(
  name: string,
  needs: readonly (keyof typeof capabilities)[],
  fn: () => Promise<void>,
): void {
  const missing = needs.filter((need) => !capabilities[need]);
  const skipped = missing.length === 0 ? "" : ` (skipped: needs ${missing.join(" and ")})`;
  Deno.test({ name: `${name}${skipped}`, ignore: missing.length > 0, fn });
}

Deno.test("a file is pushed, pulled back, and pushed anew", async () => {
  await using place = await Place.make();
  for (const content of ["", "a = 1\n", "\0\u{1f511}\r\n"]) {
    await place.push("certs/deep/shop.pem", content, { mode: 0o600 });
    deepStrictEqual(await place.pullWithMode("certs/deep/shop.pem"), [content, "600"]);
  }
  deepStrictEqual(await place.all(place.home), {
    "f": "f of shop",
    "certs/": "",
    "certs/deep/": "",
    "certs/deep/shop.pem": "\0\u{1f511}\r\n",
  });
});

Deno.test("a push makes the folder of a service that has none yet", async () => {
  await using place = await Place.make();
  await place.push("new.toml", "x", { service: "new" });
  strictEqual(await place.pull("new.toml", "new"), "x");
});

for (const bytes of [0, 1, maxFileBytes - 1, maxFileBytes]) {
  Deno.test(`a file of ${bytes} bytes goes both ways`, async () => {
    await using place = await Place.make();
    const content = crypto.getRandomValues(new Uint8Array(Math.min(bytes, 65_536)));
    const whole = new Uint8Array(bytes).map((_, at) => content[at % content.length] ?? 0);
    await place.push("big", whole);
    const { content: pulled } = await pullFile(requireServicePath("shop", "big"), {
      serviceRoot: place.root,
      ownFolders: [],
      clock: place.clock,
    });
    deepStrictEqual(pulled, whole);
  });
}

Deno.test("a file of a byte more than 4 MiB goes neither way", async () => {
  await using place = await Place.make();
  const content = new Uint8Array(maxFileBytes + 1);
  const why = "it has 4194305 bytes, and 4194304 (4 MiB) is the limit";
  await refuses(place.push("big", content), "invalid", `Cannot write shop:big: ${why}`);
  await Deno.writeFile(`${place.home}/big`, content);
  await refuses(place.pull("big"), "invalid", `Cannot read shop:big: ${why}`);
});

Deno.test("a file that no memory would hold is refused by its size, and not read", async () => {
  await using place = await Place.make();
  await Deno.writeFile(`${place.home}/huge`, new Uint8Array());
  await Deno.truncate(`${place.home}/huge`, 2 ** 40);
  await refuses(
    place.pull("huge"),
    "invalid",
    /^Cannot read shop:huge: it has 1099511627776 bytes/,
  );
});

for (const umask of [0o000, 0o022, 0o077]) {
  for (const mode of [0o600, 0o640, 0o644, 0o755, 0o777, 0o400, 0o001]) {
    Deno.test(`a pushed file has the very mode ${mode.toString(8)} under umask ${umask.toString(8)}`, async () => {
      await using place = await Place.make();
      await place.push("old", "x", { mode: 0o604 });
      const before = Deno.umask(umask);
      try {
        await place.push("old", "new", { mode });
        await place.push("fresh", "new", { mode });
      } finally {
        Deno.umask(before);
      }
      for (const name of ["old", "fresh"]) {
        strictEqual(await modeOf(`${place.home}/${name}`), mode.toString(8));
      }
    });
  }
}

Deno.test("a push that says no mode means 0644", async () => {
  await using place = await Place.make();
  await place.push("x", "x", { mode: 0 });
  strictEqual(await modeOf(`${place.home}/x`), "644");
});

for (const mode of [0o4755, 0o2755, 0o1777, 0o100644, 0o7777, 2 ** 31]) {
  Deno.test(`a push of mode ${mode.toString(8)} is refused`, async () => {
    await using place = await Place.make();
    await refuses(
      place.push("x", "x", { mode }),
      "invalid",
      `Cannot write shop:x: the mode 0${mode.toString(8)} has more than permission bits`,
    );
    deepStrictEqual(await place.all(place.home), { f: "f of shop" });
  });
}

Deno.test("a file that is not there is not found, whatever part of its path is missing", async () => {
  await using place = await Place.make();
  for (const path of ["x", "x/y", "x/y/z"]) {
    await refuses(
      place.pull(path),
      "not_found",
      `Cannot read shop:${path}: there is no such file`,
    );
  }
  await refuses(place.pull("x", "unheard-of"), "not_found", /there is no such file$/);
});

Deno.test("a folder in the place of a file is told", async () => {
  await using place = await Place.make();
  await Deno.mkdir(`${place.home}/certs/inner`, { recursive: true });
  await refuses(
    place.pull("certs"),
    "invalid",
    "Cannot read shop:certs: it is a folder, not a regular file",
  );
  await refuses(
    place.push("certs"),
    "invalid",
    "Cannot write shop:certs: a folder is in its place",
  );
});

Deno.test("a file in the place of a folder is told", async () => {
  await using place = await Place.make();
  await refuses(
    place.pull("f/x"),
    "invalid",
    "Cannot read shop:f/x: a part of its path is not a folder",
  );
  await refuses(
    place.push("f/x"),
    "invalid",
    `Cannot write shop:f/x: ${place.home}/f is not a folder`,
  );
  await refuses(place.push("f/x/y"), "invalid", /\/f is not a folder$/);
  await Deno.writeTextFile(`${place.root}/file`, "");
  await refuses(place.push("x", "x", { service: "file" }), "invalid", /is not a folder$/);
});

/** Where a link may lead, with whether that is inside of the service's folder. */
const targets: readonly (readonly [string, (place: Place, depth: number) => string])[] = [
  ["out of everything", ({ outside }) => outside],
  ["to the root", () => "/"],
  ["to /proc/self/root", () => "/proc/self/root"],
  ["to another service", ({ root }) => `${root}/mail`],
  ["to another service, relatively", (_, depth) => `${"../".repeat(depth)}mail`],
  ["to the folder of all services", (_, depth) => "../".repeat(depth).slice(0, -1)],
  ["to a folder that only begins alike", ({ root }) => `${root}/shop-data`],
  ["to the agent's own folder", ({ root }) => `${root}/mcp`],
];

for (const [at, path] of [["d", "d/f"], ["d", "d/sub/f"], ["d/e", "d/e/f"]] as const) {
  for (const [where, target] of targets) {
    Deno.test(`a link ${at} that leads ${where} is followed neither to read nor to write ${path}`, async () => {
      await using place = await Place.make();
      await Deno.mkdir(`${place.root}/shop-data`);
      await Deno.writeTextFile(`${place.root}/shop-data/f`, "f of shop-data");
      await Deno.mkdir(`${place.home}/d`.slice(0, at === "d" ? -2 : undefined), {
        recursive: true,
      });
      await Deno.symlink(target(place, at.split("/").length), `${place.home}/${at}`);
      await rejects(
        place.pull(path),
        (error) => error instanceof McpError && /leads out of|no such file/.test(error.message),
      );
      await refuses(place.push(path), "invalid", /leads out of .*\/shop$/);
      await place.requireUntouched();
      deepStrictEqual(await place.all(`${place.root}/shop-data`), { f: "f of shop-data" });
    });
  }
}

for (const [where, target] of targets) {
  Deno.test(`a file that is a link which leads ${where} is neither read nor written`, async () => {
    await using place = await Place.make();
    await Deno.mkdir(`${place.root}/shop-data`);
    await Deno.writeTextFile(`${place.root}/shop-data/f`, "f of shop-data");
    await Deno.symlink(`${target(place, 1)}/f`, `${place.home}/link`);
    await rejects(
      place.pull("link"),
      (error) => error instanceof McpError && /leads out of|no such file/.test(error.message),
    );
    await rejects(
      place.push("link"),
      (error) => error instanceof McpError && /leads out of|no such file/.test(error.message),
    );
    await place.requireUntouched();
    strictEqual(
      (await place.all(place.home))["link"],
      `-> ${target(place, 1)}/f`,
    );
  });

  Deno.test(`the folder of a service that is a link which leads ${where} is not followed`, async () => {
    await using place = await Place.make();
    await Deno.mkdir(`${place.root}/shop-data`);
    await Deno.symlink(target(place, 0) || ".", `${place.root}/linked`);
    await refuses(place.pull("f", "linked"), "invalid", /\/linked is a symbolic link$/);
    await refuses(
      place.push("f", "x", { service: "linked" }),
      "invalid",
      /\/linked is a symbolic link$/,
    );
    await place.requireUntouched();
  });
}

for (
  const [given, link, target] of [
    ["relative", "current", "v2"],
    ["absolute", "current", undefined],
    ["a chain", "current", "second"],
    ["in the middle", "deep/current", "../v2"],
  ] as const
) {
  Deno.test(`a link that stays inside may be followed: ${given}`, async () => {
    await using place = await Place.make();
    await Deno.mkdir(`${place.home}/v2`);
    await Deno.mkdir(`${place.home}/deep`);
    await Deno.symlink("v2", `${place.home}/second`);
    await Deno.symlink(target ?? `${place.home}/v2`, `${place.home}/${link}`);
    await place.push(`${link}/x`, "through");
    strictEqual(await place.pull(`${link}/x`), "through");
    strictEqual(await Deno.readTextFile(`${place.home}/v2/x`), "through");
  });
}

Deno.test("a file that is a link to one inside is written through, and stays a link", async () => {
  await using place = await Place.make();
  await Deno.mkdir(`${place.home}/v2`);
  await Deno.symlink("v2/real", `${place.home}/first`);
  await Deno.writeTextFile(`${place.home}/v2/real`, "old");
  await place.push("first", "new");
  deepStrictEqual(await place.all(place.home), {
    "f": "f of shop",
    "v2/": "",
    "first": "-> v2/real",
    "v2/real": "new",
  });
});

for (
  const [given, target] of [
    ["nowhere", "missing"],
    ["nowhere outside", "/missing/f"],
    ["to itself", "link"],
    ["to one that leads back", "other"],
  ] as const
) {
  Deno.test(`a link that leads ${given} is refused as a file and as a folder`, async () => {
    await using place = await Place.make();
    await Deno.symlink(target, `${place.home}/link`);
    await Deno.symlink("link", `${place.home}/other`);
    for (const path of ["link", "link/x", "other", "other/x"]) {
      for (const act of [() => place.pull(path), () => place.push(path)]) {
        await rejects(
          act,
          (error) =>
            error instanceof McpError && (error.kind === "invalid" || error.kind === "not_found"),
        );
      }
    }
    strictEqual(Object.keys(await place.all(place.home)).length, 3);
  });
}

Deno.test("a file with a second name is not read, and a push gives the path a file of its own", async () => {
  await using place = await Place.make();
  await Deno.link(`${place.outside}/f`, `${place.home}/hard`);
  await refuses(
    place.pull("hard"),
    "invalid",
    "Cannot read shop:hard: it has 2 names (hard links)",
  );
  await place.push("hard", "new");
  strictEqual(await place.pull("hard"), "new");
  await place.requireUntouched();
});

Deno.test("a FIFO is refused, and nobody waits for its other end", async () => {
  await using place = await Place.make();
  await runProgram("mkfifo", `${place.home}/fifo`);
  await refuses(
    place.pull("fifo"),
    "invalid",
    "Cannot read shop:fifo: it is a FIFO, not a regular file",
  );
  await refuses(
    place.push("fifo"),
    "invalid",
    "Cannot write shop:fifo: a FIFO is in its place",
  );
  await refuses(place.push("fifo/x"), "invalid", /fifo is not a folder$/);
});

Deno.test("a socket is refused", async () => {
  await using place = await Place.make();
  using _listener = Deno.listen({ transport: "unix", path: `${place.home}/socket` });
  await refuses(
    place.pull("socket"),
    "invalid",
    "Cannot read shop:socket: it is a socket, not a regular file",
  );
  await refuses(
    place.push("socket"),
    "invalid",
    "Cannot write shop:socket: a socket is in its place",
  );
});

for (const [kind, major, minor] of [["c", "1", "5"], ["b", "7", "0"]] as const) {
  privileged(`a device (${kind} ${major} ${minor}) is refused`, ["mknod"], async () => {
    await using place = await Place.make();
    await runProgram("mknod", `${place.home}/device`, kind, major, minor);
    await refuses(
      place.pull("device"),
      "invalid",
      "Cannot read shop:device: it is a device, not a regular file",
    );
    await refuses(
      place.push("device"),
      "invalid",
      "Cannot write shop:device: a device is in its place",
    );
  });
}

Deno.test("the agent's own folder is not a service's, by name or by link", async () => {
  await using place = await Place.make();
  const own = /^Cannot (read|write) mcp:f: the agent keeps its own files in .*\/mcp$/;
  await refuses(place.pull("f", "mcp"), "invalid", own);
  await refuses(place.push("f", "x", { service: "mcp" }), "invalid", own);
  for (const name of ["linked", "shop/linked"]) {
    await Deno.symlink(`${place.root}/mcp`, `${place.root}/${name}`);
  }
  await refuses(place.pull("f", "linked"), "invalid", /is a symbolic link$/);
  await refuses(place.push("f", "x", { service: "linked" }), "invalid", /is a symbolic link$/);
  await refuses(place.pull("linked/f"), "invalid", /leads out of/);
  await refuses(place.push("linked/f"), "invalid", /leads out of/);
  await refuses(place.push("linked"), "invalid", /leads out of/);
  await place.requireUntouched();
});

Deno.test("a folder of services that holds the agent's own folder deep in one of them keeps it", async () => {
  await using place = await Place.make();
  const options = {
    serviceRoot: place.root,
    ownFolders: [`${place.home}/agent/keys`],
    clock: place.clock,
  };
  await refuses(
    pullFile(requireServicePath("shop", "f"), options),
    "invalid",
    /the agent keeps its own files/,
  );
});

Deno.test("what an earlier push left when it was killed goes with the next one", async () => {
  await using place = await Place.make();
  await Deno.mkdir(`${place.home}/certs`);
  for (const folder of ["", "certs/"]) {
    await Deno.writeTextFile(`${place.home}/${folder}.mcp-push-left`, "half");
  }
  await place.push("certs/x");
  deepStrictEqual(Object.keys(await place.all(`${place.home}/certs`)), ["x"]);
  await place.push("x");
  deepStrictEqual(Object.keys(await place.all(place.home)).sort(), ["certs/", "certs/x", "f", "x"]);
});

Deno.test("pushes beside each other into one folder all arrive, each whole", async () => {
  await using place = await Place.make();
  const names = Array.from({ length: 40 }, (_, at) => `file-${at % 20}`);
  await Promise.all(names.map((name, at) => place.push(name, `${at}`.repeat(50_000))));
  const found = await place.all(place.home);
  strictEqual(Object.keys(found).length, 21);
  for (const [at, name] of names.slice(0, 20).entries()) {
    const contents = [`${at}`.repeat(50_000), `${at + 20}`.repeat(50_000)];
    ok(contents.includes(found[name] ?? ""), name);
  }
});

Deno.test("a push has all of the content on disk before its name, and the name before it is acknowledged", async () => {
  await using place = await Place.make();
  const seen: unknown[] = [];
  using _watch = await watchSyncs(async ({ isFolder, bytes }) => {
    seen.push([isFolder ? "a folder" : bytes, await Deno.readTextFile(`${place.home}/f`)]);
  });
  await place.push("f", "the new content");
  deepStrictEqual(seen, [
    ["the new content".length, "f of shop"],
    ["a folder", "the new content"],
  ]);
});

Deno.test("who has the old file open keeps the old content", async () => {
  await using place = await Place.make();
  using open = await Deno.open(`${place.home}/f`);
  await place.push("f", "new");
  strictEqual(await new Response(open.readable).text(), "f of shop");
});

Deno.test("whoever knows only its root can transfer, and is refused as everybody is", async () => {
  await using place = await Place.make();
  const run = (...args: readonly string[]) => transferInProcess(place.root, args);
  strictEqual(await run("push", "certs/x", "text"), "pushed");
  strictEqual(await run("pull", "certs/x"), "text");
  await Deno.symlink(place.outside, `${place.home}/out`);
  await Deno.symlink("/dev/zero", `${place.home}/zero`);
  await Deno.symlink("/proc/self/environ", `${place.home}/environ`);
  const out = `leads out of ${place.home}`;
  strictEqual(
    await run("pull", "out/f"),
    `invalid: Cannot read shop:out/f: ${place.outside}/f ${out} (no hint)`,
  );
  strictEqual(
    await run("push", "out/f"),
    `invalid: Cannot write shop:out/f: ${place.home}/out ${out} (no hint)`,
  );
  for (const path of ["zero", "environ"]) {
    for (const verb of ["pull", "push"]) ok((await run(verb, path)).startsWith("invalid: "));
  }
  await place.requireUntouched();
});

/** Root without what makes it root: files of others are closed to it, too. */
const withoutOverride = Deno.uid() === 0
  ? ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"]
  : [];

privileged("what the agent's user may not read or write is told, with where to look", [
  ...(Deno.uid() === 0 ? ["chown" as const] : []),
], async () => {
  await using place = await Place.make();
  await Deno.mkdir(`${place.home}/closed`);
  await Deno.writeTextFile(`${place.home}/closed/x`, "x");
  await Deno.writeTextFile(`${place.home}/secret`, "x");
  for (const name of ["secret", "closed"]) await Deno.chmod(`${place.home}/${name}`, 0);
  if (Deno.uid() === 0) {
    for (const name of ["secret", "closed"]) await Deno.chown(`${place.home}/${name}`, 4321, 4321);
  }
  const run = (...args: readonly string[]) => transferInProcess(place.root, args, withoutOverride);
  const told = (verb: string, path: string) =>
    `conflict: Cannot ${verb} shop:${path}: the agent's user has no permission to` +
    " (A container of another user may own it: look at its owner and mode on the node)";
  strictEqual(await run("pull", "secret"), told("read", "secret"));
  strictEqual(await run("pull", "closed/x"), told("read", "closed/x"));
  strictEqual(await run("push", "closed/y"), told("write", "closed/y"));
  await Deno.chmod(`${place.home}/closed`, 0o700);
});

privileged("a full disk is told, and changes nothing", ["mount"], async () => {
  await using place = await Place.make();
  await runProgram("mount", "-t", "tmpfs", "-o", "size=256k,mode=755", "tmpfs", place.home);
  try {
    await place.push("f", "old");
    await refuses(
      place.push("f", "x".repeat(1_000_000)),
      "unavailable",
      "Cannot write shop:f: the disk is full; nothing was changed",
    );
    deepStrictEqual(await place.all(place.home), { f: "old" });
    await Deno.writeFile(`${place.home}/filler`, new Uint8Array(0));
    await rejects(Deno.writeFile(`${place.home}/filler`, new Uint8Array(1_000_000)));
    await refuses(place.push("f", "new"), "unavailable", /the disk is full/);
    deepStrictEqual(Object.keys(await place.all(place.home)).sort(), ["f", "filler"]);
    await Deno.remove(`${place.home}/filler`);
    await place.push("f", "new");
    strictEqual(await place.pull("f"), "new");
  } finally {
    await runProgram("umount", "--lazy", place.home);
  }
});

/** Whether a file is one that a push has not given its name yet. */
const isUnfinished = (name: string) => name.startsWith(".mcp-push-");

Deno.test("an agent that is killed while it pushes leaves the old or the new file, never a part", async () => {
  await using place = await Place.make();
  const contents = ["a", "b"].map((letter) => letter.repeat(longBytes));
  await place.push("big", contents[0]);
  const seen = new Map<string, number>();
  let leftovers = 0;
  for (let round = 0; round < 24; round++) {
    const child = startTransfer(place.root, ["push-for-ever", "big"]);
    const reader = child.stdout.getReader();
    // After "begun" and none to three pushes; every second time in the middle of the next.
    for (let lines = 0; lines <= round % 4;) {
      const { value = new Uint8Array() } = await reader.read();
      lines += value.filter((byte) => byte === 10).length;
    }
    if (round % 2 === 1) {
      await eventually("a push that is under way", async () => {
        const entries = await Array.fromAsync(Deno.readDir(place.home));
        return entries.some(({ name }) => isUnfinished(name)) || undefined;
      });
    }
    child.kill("SIGKILL");
    reader.releaseLock();
    await Promise.all([child.status, child.stdout.cancel(), child.stderr.cancel()]);
    const content = await Deno.readTextFile(`${place.home}/big`);
    ok(contents.includes(content), `${content.length} characters of ${content.slice(0, 5)}`);
    seen.set(content[0] ?? "", (seen.get(content[0] ?? "") ?? 0) + 1);
    const names = Object.keys(await place.all(place.home)).sort();
    const left = names.filter(isUnfinished);
    ok(left.length <= 1, names.join(" "));
    leftovers += left.length;
  }
  strictEqual(seen.size, 2, "it was always killed before it had pushed anything");
  ok(leftovers > 0, "it was never killed in the middle");
  await place.push("other");
  deepStrictEqual(Object.keys(await place.all(place.home)).sort(), ["big", "f", "other"]);
});

/** Tells the real time and never waits, so that a refusal is not tried again for seconds. */
const impatientClock = { now: () => new Date(), sleep: () => Promise.resolve() };

/** Counts how transfers end. */
class Tally {
  readonly counts: Record<string, number> = {};

  async add(act: () => Promise<string>): Promise<void> {
    let outcome: string;
    try {
      outcome = await act();
    } catch (error) {
      ok(error instanceof McpError, Deno.inspect(error));
      outcome = error.kind;
    }
    this.counts[outcome] = (this.counts[outcome] ?? 0) + 1;
  }
}

/** What a container puts in the place of the folder `d`, or of the file `d/f`, again and again. */
const exchanges:
  readonly (readonly [string, string, (place: Place, path: string) => Promise<void>])[] = [
    ["a folder and a link to one outside", "d", ({ outside }, path) => Deno.symlink(outside, path)],
    [
      "a file and a link to one outside",
      "d/f",
      ({ outside }, path) => Deno.symlink(`${outside}/f`, path),
    ],
    ["a file and a FIFO", "d/f", (_, path) => runProgram("mkfifo", path)],
  ];

for (const [what, name, makeOther] of exchanges) {
  for (
    const [how, pause] of [
      ["without end", undefined],
      ["now and then", { every: 1, upToMs: 400 }],
    ] as const
  ) {
    Deno.test(`while ${what} are exchanged ${how}, nothing outside is read or changed`, async () => {
      await using place = await Place.make();
      await Deno.mkdir(`${place.home}/d`);
      await Deno.writeTextFile(`${place.home}/d/f`, "inside");
      const [inside, other] = [`${place.home}/${name}`, `${place.home}/${name}-other`] as const;
      await makeOther(place, other);
      // Only a second that has really passed tells that nothing changes any more.
      await realClock.sleep(1_100);
      place.clock = impatientClock;
      const [pulls, pushes] = [new Tally(), new Tally()];
      {
        await using _swapper = await Swapper.start([inside, other], pause);
        for (let round = 0; round < 3_000; round++) await pulls.add(() => place.pull("d/f"));
        // Pushes into a folder that stays are a matter of the disk; those that are refused are quick.
        for (let round = 0; round < (name === "d" ? 3_000 : 300); round++) {
          await pushes.add(() => place.push("d/f", "inside").then(() => "pushed"));
        }
      }
      const told = JSON.stringify([pulls.counts, pushes.counts]);
      const refusals = ["invalid", "conflict", "not_found"];
      for (const outcome of Object.keys(pulls.counts)) {
        ok(["inside", ...refusals].includes(outcome), told);
      }
      for (const outcome of Object.keys(pushes.counts)) {
        ok(["pushed", ...refusals].includes(outcome), told);
      }
      ok(refusals.some((refusal) => refusal in pulls.counts), `nothing was exchanged: ${told}`);
      await place.requireUntouched();

      // It was only put off: once they are left alone, all goes well and nothing is left over.
      if (!(await Deno.lstat(inside)).isDirectory) {
        await Deno.remove(inside);
        if (name === "d") await Deno.rename(other, inside);
      }
      place.clock = realClock;
      await place.push("d/f", "at last");
      strictEqual(await place.pull("d/f"), "at last");
      const names = Object.keys(await place.all(`${place.home}/d`));
      deepStrictEqual(names.filter((left) => left.startsWith(".mcp-push-")), []);
    });
  }
}

Deno.test("what is seen while a folder is taken away and put back is not believed", async () => {
  await using place = await Place.make();
  const [home, folder] = [place.home, `${place.home}/d`];
  await Deno.mkdir(folder);
  // Only a second that has really passed tells that nothing changes any more.
  await realClock.sleep(1_100);
  let looks = 0;
  const look = () => {
    looks++;
    renameSync(folder, `${folder}-away`);
    renameSync(`${folder}-away`, folder);
  };
  await refuses(
    whileHeld("look", { home, folder, clock: impatientClock, look, act: () => "acted" }),
    "conflict",
    "Cannot look: folders on its path keep being moved",
  );
  strictEqual(looks, 1);
});

Deno.test("a file that is exchanged behind its opening is not read", async () => {
  await using place = await Place.make();
  await Deno.writeTextFile(`${place.home}/other`, "another one");
  let isExchanged = false;
  place.clock = {
    // Asked for when the file is open; late enough for nothing to seem to have changed just now.
    now: () => {
      if (!isExchanged) renameSync(`${place.home}/other`, `${place.home}/f`);
      isExchanged = true;
      return new Date(Date.now() + 60_000);
    },
    sleep: () => Promise.resolve(),
  };
  await refuses(
    place.pull("f"),
    "conflict",
    "Cannot read shop:f: it was exchanged meanwhile",
  );
});

Deno.test("folders on the path that keep moving are waited for a few times, then told", async () => {
  await using place = await Place.make();
  await Deno.mkdir(`${place.home}/d`);
  await Deno.writeTextFile(`${place.home}/d/f`, "inside");
  let slept = 0;
  place.clock = {
    now: () => new Date(),
    sleep: async () => {
      slept++;
      await Deno.rename(`${place.home}/d`, `${place.home}/moved`);
      await Deno.rename(`${place.home}/moved`, `${place.home}/d`);
    },
  };
  await refuses(
    place.pull("d/f"),
    "conflict",
    "Cannot read shop:d/f: folders on its path keep being moved",
  );
  strictEqual(slept, 4);
});

Deno.test("a folder whose change lies ahead, by a clock that was set back, is waited for once", async () => {
  await using place = await Place.make();
  await place.push("d/f", "inside");
  const clock = new FakeClock({ start: new Date(Date.now() - 86_400_000), autoAdvance: true });
  place.clock = clock;
  const before = clock.now().getTime();
  strictEqual(await place.pull("d/f"), "inside");
  strictEqual(clock.now().getTime() - before, 1_100);
});

const web = "registry.example/web:v1";

async function nodeWithShop(): Promise<TestNode> {
  const clock = new FakeClock({ autoAdvance: true });
  const node = await TestNode.start({
    clock,
    runtime: new MemoryRuntime({ clock, images: [web] }),
  });
  await node.client().deploy({
    service: { name: "shop", active: true, components: [{ name: "web", image: web }] },
  }, ample);
  return node;
}

Deno.test("over the wire files go both ways, and what is refused is told by its status", async () => {
  await using logs = await QuietLogs.start();
  await using node = await nodeWithShop();
  const client = node.client();
  const content = new TextEncoder().encode('password = "hunter2"');
  const pushed = await client.pushFile(
    { service: "shop", path: "etc/shop.toml", content, mode: 0o600 },
    ample,
  );
  strictEqual(pushed.success, true);
  strictEqual(pushed.error, "");
  const pulled = await client.pullFile({ service: "shop", path: "etc/shop.toml" }, ample);
  deepStrictEqual(
    [new TextDecoder().decode(pulled.content), pulled.mode, pulled.error],
    ['password = "hunter2"', 0o600, ""],
  );
  const whole = new Uint8Array(maxFileBytes).fill(7);
  await client.pushFile({ service: "shop", path: "whole", content: whole }, ample);
  const back = await client.pullFile({ service: "shop", path: "whole" }, ample);
  ok(back.content.length === maxFileBytes && back.content.every((byte) => byte === 7));

  await Deno.symlink(node.folder, `${node.serviceRoot}/shop/out`);
  for (
    const [service, path, kind] of [
      ["shop", "../../mcp.db", "invalid"],
      ["shop", "/etc/passwd", "invalid"],
      ["shop", "out/mcp.db", "invalid"],
      ["shop", "etc", "invalid"],
      ["shop", "a\0b", "invalid"],
      ["../mcp", "x", "invalid"],
      ["", "x", "invalid"],
      ["mail", "x", "not_found"],
    ] as const
  ) {
    await rejects(client.pullFile({ service, path }, ample), { kind }, `pull ${service}:${path}`);
    await rejects(
      client.pushFile({ service, path, content }, ample),
      { kind },
      `push ${service}:${path}`,
    );
  }
  await rejects(client.pullFile({ service: "shop", path: "no" }, ample), { kind: "not_found" });
  await rejects(
    client.pushFile({ service: "shop", path: "x", content, mode: 0o4755 }, ample),
    { kind: "invalid" },
  );
  const large = new Uint8Array(maxFileBytes + 1);
  await rejects(
    client.pushFile({ service: "shop", path: "x", content: large }, ample),
    { kind: "invalid", message: /4194305 bytes, and 4194304 \(4 MiB\) is the limit$/ },
  );
  const lines = logs.messages("mcp.audit");
  ok(lines.some((line) => /^PushFile by admin from .*: OK$/.test(line)), lines.join("\n"));
  ok(lines.some((line) => /^PullFile by admin from .*: INVALID_ARGUMENT$/.test(line)));
  ok(!logs.text.includes("hunter2"));
});

Deno.test("a deploy that would mount the agent's own folder is refused before anything moves", async () => {
  await using node = await nodeWithShop();
  const client = node.client();
  await Deno.mkdir(`${node.serviceRoot}/shop`, { recursive: true });
  await Deno.symlink(node.folder, `${node.serviceRoot}/shop/out`);
  const before = await node.runtime.list();
  for (
    const source of [
      "/",
      node.folder,
      `${node.folder}/mcp.db`,
      `${node.folder}/key.pem`,
      `${node.folder}/backups`,
      `${node.serviceRoot}/shop/out`,
      `${node.serviceRoot}/shop/out/mcp.db`,
    ]
  ) {
    const components = [
      { name: "web", image: web },
      {
        name: "api",
        image: web,
        volumes: [`${node.serviceRoot}/shop/ok:/ok`, `${source}:/host:ro`],
      },
    ];
    for (const component of ["", "web"]) {
      await rejects(
        client.deploy({ service: { name: "shop", active: true, components }, component }, ample),
        (error) => {
          ok(error instanceof McpError, Deno.inspect(error));
          strictEqual(error.kind, "invalid");
          strictEqual(error.message, 'Cannot deploy "shop": it mounts the agent\'s own folders');
          deepStrictEqual(
            error.details.map((detail) => detail.split(": ")[0]),
            [`api mounts ${source}`],
          );
          return true;
        },
      );
    }
  }
  deepStrictEqual(await node.runtime.list(), before);
  using registry = node.openRegistry();
  strictEqual(registry.get("SELECT max(number) AS n FROM revisions")?.["n"], 1);
});
