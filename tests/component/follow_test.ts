import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { McpError } from "../../lib/errors.ts";
import { realFollow } from "../../lib/system/follow.ts";
import { eventually } from "../support/eventually.ts";

/** Nothing that is run here ends by itself while a test may wait for it. */
const forever = "sleep 86400";
const never = new AbortController().signal;

/** Follows a shell script to its end; its lines and how it ended. */
async function follow(script: string, signal = never) {
  const lines: string[] = [];
  const code = await realFollow(["sh", "-c", script], {
    signal,
    onLine: (line) => lines.push(line),
  });
  return { lines, code };
}

Deno.test("realFollow() hands over every line, and then the exit code", async () => {
  deepStrictEqual(await follow("echo one; echo; printf 'two\\nthree\\n'; echo err >&2; exit 7"), {
    lines: ["one", "", "two", "three"],
    code: 7,
  });
});

Deno.test("realFollow() hands a line over as soon as it is printed", async () => {
  const abort = new AbortController();
  const line = Promise.withResolvers<string>();
  const following = realFollow(["sh", "-c", `echo here; exec ${forever}`], {
    signal: abort.signal,
    onLine: line.resolve,
  });
  strictEqual(await line.promise, "here");
  abort.abort();
  strictEqual(await following, 137);
});

Deno.test("realFollow() takes what lacks a line feed at the end for no line", async () => {
  deepStrictEqual((await follow("printf 'one\\ntwo'")).lines, ["one"]);
});

Deno.test("realFollow() reads characters and lines that arrive in pieces", async () => {
  const script = "printf 'a\\303'; sleep 0.05; printf '\\274b'; sleep 0.05; echo c";
  deepStrictEqual((await follow(script)).lines, ["aübc"]);
});

Deno.test("realFollow() hands over 100,000 lines in their order", async () => {
  const { lines } = await follow("seq 100000");
  strictEqual(lines.length, 100_000);
  ok(lines.every((line, at) => line === String(at + 1)));
});

Deno.test("realFollow() drops a line that is too long, and nothing else", async () => {
  const long = "head -c 3000000 /dev/zero | tr '\\0' x";
  deepStrictEqual((await follow(`echo one; ${long}; echo; echo two`)).lines, ["one", "two"]);
});

Deno.test("realFollow() keeps a long line that is not too long", async () => {
  const { lines } = await follow("head -c 1000000 /dev/zero | tr '\\0' x; echo");
  deepStrictEqual(lines.map((line) => line.length), [1_000_000]);
});

Deno.test("realFollow() kills a program when it is called off", async () => {
  const abort = new AbortController();
  const following = follow(`trap '' TERM INT; while :; do sleep 0.01; done`, abort.signal);
  abort.abort();
  deepStrictEqual(await following, { lines: [], code: 137 });
});

Deno.test("realFollow() ends at once when it was called off before", async () => {
  strictEqual((await follow(`exec ${forever}`, AbortSignal.abort())).code, 137);
});

Deno.test("realFollow() says that a program is missing", async () => {
  const following = realFollow(["/no/such/program", "events"], { signal: never, onLine() {} });
  await rejects(following, (error) => {
    ok(error instanceof McpError && error.kind === "unavailable");
    strictEqual(error.message, "Cannot follow /no/such/program events");
    return true;
  });
});

Deno.test("realFollow() kills a program whose reader fails, and passes the failure on", async () => {
  let pid = 0;
  const following = realFollow(["sh", "-c", `echo $$; exec ${forever}`], {
    signal: never,
    onLine(line) {
      pid = Number(line);
      throw new TypeError("a defect");
    },
  });
  await rejects(following, /a defect/);
  ok(pid > 0);
  strictEqual(isAlive(pid), false);
});

for (const [given, script] of [["ends by itself", ""], ["is called off", `; exec ${forever}`]]) {
  Deno.test(`realFollow() ends when a program ${given} and a grandchild holds its output`, async () => {
    const abort = new AbortController();
    let grandchild = 0;
    const following = realFollow(["sh", "-c", `${forever} & echo $!${script}`], {
      signal: abort.signal,
      onLine: (line) => grandchild = Number(line),
    });
    await eventually("the grandchild's number", () => Promise.resolve(grandchild || undefined));
    try {
      if (script !== "") abort.abort();
      strictEqual(await following, script === "" ? 0 : 137);
    } finally {
      Deno.kill(grandchild, "SIGKILL");
    }
  });
}

function isAlive(pid: number): boolean {
  try {
    // The signal that only asks whether there is somebody.
    Deno.kill(pid, "SIGCONT");
    return true;
  } catch {
    return false;
  }
}
