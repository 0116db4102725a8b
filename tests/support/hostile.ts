/**
 * A program that tries everything an agent must not be able to do, whoever writes its code.
 *
 * It is run with exactly the flags of an agent, and prints one JSON object per attempt. What it may
 * use is told in its first argument: a folder that it may read and write, its own address, what it
 * may run, and an address where somebody listens whom it must not reach.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import childProcess from "node:child_process";
import dns from "node:dns/promises";
import fs from "node:fs";
import http2 from "node:http2";
import { createRequire } from "node:module";
import net from "node:net";
import os from "node:os";
import process from "node:process";
import { backup, DatabaseSync } from "node:sqlite";
import v8 from "node:v8";
import { Worker as ThreadWorker } from "node:worker_threads";

/** What the attempts are made with. */
export interface HostilePlace {
  /** A folder that may be read and written. */
  readonly inside: string;
  /** A folder that may not; it holds `secret.txt`, `secret.json`, `code.ts` and `podman`. */
  readonly outside: string;
  /** The address that may be listened on, "127.0.0.1:port". */
  readonly own: string;
  /** An address where somebody listens, "127.0.0.1:port". */
  readonly other: string;
  /** A socket where somebody listens. */
  readonly otherSocket: string;
}

/** What came of one attempt. */
export interface AttemptOutcome {
  readonly attempt: string;
  /** Undefined when it succeeded. */
  readonly refusal: string | undefined;
  readonly got: string;
}

type Attempts = Readonly<Record<string, () => unknown>>;

function attemptsOn({ inside, outside, own, other, otherSocket }: HostilePlace): Attempts {
  const [otherHost = "", otherPort = ""] = other.split(":");
  const port = Number(otherPort);
  const ownPort = Number(own.split(":")[1]);
  const run = (program: string, env: Record<string, string> = {}) =>
    new Deno.Command(program, { args: ["--version"], env }).output().then(({ stdout }) => stdout);
  const database = () => new DatabaseSync(`${inside}/hostile.db`, { allowExtension: true });
  return {
    "write: a file outside": () => Deno.writeTextFile(`${outside}/new`, "x"),
    "write: through Node": () => fs.writeFileSync(`${outside}/new`, "x"),
    "write: a folder outside": () => Deno.mkdir(`${outside}/folder`),
    "write: by ..": () => Deno.writeTextFile(`${inside}/../../${basename(outside)}/new`, "x"),
    "write: by renaming what is inside": async () => {
      await Deno.writeTextFile(`${inside}/mine`, "x");
      await Deno.rename(`${inside}/mine`, `${outside}/new`);
    },
    "write: by copying out": async () => {
      await Deno.writeTextFile(`${inside}/mine`, "x");
      await Deno.copyFile(`${inside}/mine`, `${outside}/new`);
    },
    "write: a new symbolic link": () => Deno.symlink(outside, `${inside}/link`),
    "write: a hard link to a file outside": () =>
      Deno.link(`${outside}/secret.txt`, `${inside}/hard`),
    "write: another mode": () => Deno.chmod(`${outside}/secret.txt`, 0o777),
    "write: removing": () => Deno.remove(`${outside}/secret.txt`),
    "write: a temporary file": () => Deno.makeTempFile({ dir: outside }),
    "write: a heap snapshot": () => v8.writeHeapSnapshot(`${outside}/heap`),
    "read: a file outside": () => Deno.readTextFile(`${outside}/secret.txt`),
    "read: through Node": () => fs.readFileSync(`${outside}/secret.txt`, "utf8"),
    "read: by ..": () => Deno.readTextFile(`${inside}/../../${basename(outside)}/secret.txt`),
    "read: a folder": () => [...Deno.readDirSync(outside)],
    "read: whether there is a file": () => Deno.stat(`${outside}/secret.txt`),
    "read: the accounts": () => Deno.readTextFile("/etc/passwd"),
    "read: the environment of the process": () => Deno.readTextFile("/proc/self/environ"),
    "read: the memory of the process": () => Deno.open("/proc/self/mem"),
    "read: by copying in": () => Deno.copyFile(`${outside}/secret.txt`, `${inside}/copy`),
    "read: by watching": () => Deno.watchFs(outside).close(),
    "connect: TCP": () => Deno.connect({ hostname: otherHost, port }),
    "connect: TCP through Node": () => connected(net.connect(port, otherHost)),
    "connect: HTTP": () => fetch(`http://${other}/`).then((response) => response.text()),
    "connect: HTTP by way of a proxy": async () => {
      const client = Deno.createHttpClient({ proxy: { url: `http://${other}` } });
      return await (await fetch(`http://${own}/`, { client })).text();
    },
    "connect: HTTP/2 through Node": () => connected(http2.connect(`http://${other}`)),
    "connect: TLS": () => Deno.connectTls({ hostname: otherHost, port }),
    "connect: a web socket": () => opened(new WebSocket(`ws://${other}/`)),
    "connect: another socket": () => Deno.connect({ transport: "unix", path: otherSocket }),
    "connect: another socket through Node": () => connected(net.connect({ path: otherSocket })),
    "connect: a name server": () => Deno.resolveDns("localhost", "A"),
    "connect: a name": () => dns.lookup("example.com"),
    "listen: on another address": () => Deno.listen({ hostname: "127.0.0.2", port: 0 }),
    "listen: on every address": () => Deno.listen({ hostname: "0.0.0.0", port: ownPort }),
    "listen: through Node": () => listening(net.createServer().listen(0, "127.0.0.2")),
    "listen: on a socket": () => Deno.listen({ transport: "unix", path: `${inside}/listen.sock` }),
    "listen: for a debugger": async () => (await import("node:inspector")).open(0, "127.0.0.1"),
    "run: a shell": () => run("/bin/sh"),
    "run: a shell by its name": () => run("sh"),
    "run: a shell through Node": () => ended(childProcess.spawn("/bin/sh", ["-c", "true"])),
    "run: Deno itself": () => run(Deno.execPath()),
    "run: a copy of podman": () => run(`${outside}/podman`),
    "run: a podman of its own making": async () => {
      await Deno.writeTextFile(`${inside}/podman`, "#!/bin/sh\necho mine\n");
      await Deno.chmod(`${inside}/podman`, 0o755);
      return await run(`${inside}/podman`);
    },
    "run: podman by another PATH": async () => {
      await Deno.writeTextFile(`${inside}/podman`, "#!/bin/sh\necho mine\n");
      await Deno.chmod(`${inside}/podman`, 0o755);
      return await run("podman", { PATH: inside });
    },
    "run: podman with a library of its own": () => run("podman", { LD_PRELOAD: "/x.so" }),
    "run: podman with a library path": () => run("podman", { LD_LIBRARY_PATH: inside }),
    "signal: another process": () => Deno.kill(1, "SIGCONT"),
    "signal: another process through Node": () => process.kill(1, "SIGCONT"),
    "env: a variable": () => nothing(Deno.env.get("HOSTILE_SECRET")),
    "env: a variable through Node": () => nothing(process.env["HOSTILE_SECRET"]),
    "env: all variables": () => nothing(Deno.env.toObject()["HOSTILE_SECRET"]),
    "env: all variables through Node": () => nothing({ ...process.env }["HOSTILE_SECRET"]),
    "env: setting one": () => {
      Deno.env.set("HOSTILE_SET", "x");
      nothing(Deno.env.get("HOSTILE_SET"));
    },
    "ffi: a library": () => Deno.dlopen("libc.so.6", {}),
    "ffi: a native module": () =>
      (process as unknown as { dlopen(module: object, path: string): void })
        .dlopen({ exports: {} }, `${inside}/addon.node`),
    "sqlite: a database outside": () => new DatabaseSync(`${outside}/new.db`),
    "sqlite: ATTACH outside": () => database().exec(`ATTACH '${outside}/new.db' AS other`),
    "sqlite: ATTACH inside": () => database().exec(`ATTACH '${inside}/other.db' AS other`),
    "sqlite: VACUUM INTO": () => database().exec(`VACUUM INTO '${outside}/new.db'`),
    "sqlite: a copy outside": () => backup(database(), `${outside}/new.db`),
    "sqlite: an extension": () => database().loadExtension(`${inside}/extension.so`),
    "sqlite: an extension by SQL": () =>
      database().exec(`SELECT load_extension('${inside}/extension.so')`),
    "sys: the name of the machine": () => Deno.hostname(),
    "sys: its addresses": () => Deno.networkInterfaces(),
    "sys: its load": () => Deno.loadavg(),
    "sys: its release": () => Deno.osRelease(),
    "sys: the user": () => Deno.uid(),
    "sys: the group": () => Deno.gid(),
    "sys: the user through Node": () => os.userInfo(),
    "sys: the home folder": () => os.homedir(),
    "sys: a priority": () => os.setPriority(0, 19),
    "sys: another user": () => process.setuid?.(0),
    "worker: with more permissions": () =>
      answered(
        new Worker(moduleOf(`postMessage(await Deno.readTextFile("${outside}/secret.txt"))`), {
          type: "module",
          deno: { permissions: { read: true } },
        } as WorkerOptions),
      ),
    "worker: with the same permissions": () =>
      answered(
        new Worker(moduleOf(`postMessage(await Deno.readTextFile("${outside}/secret.txt"))`), {
          type: "module",
        }),
      ),
    "worker: a thread of Node": () =>
      threadAnswered(
        new ThreadWorker(
          `const fs = require("node:fs"); const { parentPort } = require("node:worker_threads");
           parentPort.postMessage(fs.readFileSync("${outside}/secret.txt", "utf8"));`,
          { eval: true },
        ),
      ),
    "import: from the usual hosts": () => import(hidden("https://jsr.io/@std/path/mod.ts")),
    "import: from a host": () => import(hidden(`http://${other}/code.ts`)),
    "import: of code outside": () => import(hidden(`file://${outside}/code.ts`)),
    "import: of data outside": () =>
      import(hidden(`file://${outside}/secret.json`), { with: { type: "json" } }),
    "import: by require": () => createRequire(`${inside}/x.cjs`)(`${outside}/secret.json`),
    "import: from data that imports": () =>
      import(hidden(moduleOf(`export * from "file://${outside}/code.ts"`))),
    "permissions: by asking": async () => {
      const { state } = await Deno.permissions.request({ name: "read" });
      if (state !== "granted") throw new Deno.errors.NotCapable(`it is ${state}`);
    },
  };
}

/** Neither Deno nor a bundler sees before it runs what this imports. */
function hidden(specifier: string): string {
  return String.fromCharCode(...Buffer.from(specifier));
}

function moduleOf(code: string): string {
  return `data:text/javascript,${encodeURIComponent(code)}`;
}

function basename(path: string): string {
  return path.split("/").at(-1) ?? "";
}

/** A variable that reads as unset tells nothing. */
function nothing(value: string | undefined): void {
  if (value === undefined) throw new Deno.errors.NotCapable("it reads as unset");
}

interface Emitter {
  once(event: string, listener: (value: Error) => void): unknown;
}

function connected(socket: Emitter): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("connect", () => resolve());
    socket.once("error", reject);
  });
}

function ended(child: Emitter): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once("exit", () => resolve());
    child.once("error", reject);
  });
}

function listening(server: Emitter): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("listening", () => resolve());
    server.once("error", reject);
  });
}

function opened(socket: WebSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.onopen = () => resolve();
    socket.onerror = (event) => reject(new Error((event as ErrorEvent).message));
  });
}

function answered(worker: Worker): Promise<string> {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message));
    };
  });
}

function threadAnswered(worker: ThreadWorker): Promise<string> {
  return new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

/** What nobody caught, of the attempt under way: Node's servers fail so. */
let uncaught = Promise.withResolvers<never>();

async function outcomeOf(attempt: string, act: () => unknown): Promise<AttemptOutcome> {
  uncaught = Promise.withResolvers();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise((resolve) => {
    timer = setTimeout(() => resolve("no answer within 60 s"), 60_000);
  });
  try {
    const got = await Promise.race([Promise.try(act), uncaught.promise, late]);
    return { attempt, refusal: undefined, got: Deno.inspect(got).slice(0, 200) };
  } catch (error) {
    const refusal = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return { attempt, refusal, got: "" };
  } finally {
    clearTimeout(timer);
  }
}

if (import.meta.main) {
  addEventListener("error", (event) => {
    event.preventDefault();
    uncaught.reject(event.error);
  });
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    uncaught.reject(event.reason);
  });
  const place: HostilePlace = JSON.parse(Deno.args[0] ?? "");
  for (const [attempt, act] of Object.entries(attemptsOn(place))) {
    // deno-lint-ignore no-console -- an entry: this is its output
    console.log(JSON.stringify(await outcomeOf(attempt, act)));
  }
  Deno.exit();
}
