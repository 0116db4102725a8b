import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { McpError } from "../../lib/errors.ts";
import { type ExecOptions, realExec } from "../../lib/system/exec.ts";
import { eventually } from "../support/eventually.ts";

/** Longer than any program here takes, so that a test that reaches it has failed. */
const ample: ExecOptions = { timeoutMs: 300_000 };
/** Nothing that is run here ends by itself while a test may wait for it. */
const forever = "sleep 86400";

function sh(script: string, options: Partial<ExecOptions> = {}) {
  return realExec(["sh", "-c", script], { ...ample, ...options });
}

async function failureOf(run: Promise<unknown>): Promise<McpError> {
  let failure: unknown;
  await rejects(run, (error) => (failure = error, true));
  ok(failure instanceof McpError, String(failure));
  strictEqual(failure.kind, "unavailable");
  return failure;
}

Deno.test("realExec() returns exit code, output and errors", async () => {
  deepStrictEqual(await sh("echo out; echo err >&2; exit 7"), {
    code: 7,
    stdout: "out\n",
    stderr: "err\n",
  });
});

Deno.test("realExec() hands over arguments as they are: there is no shell", async () => {
  const args = ["a b", "$HOME", "*", "'\"", "; exit 1", "-n", "ü\n", ""];
  const { stdout } = await realExec(["printf", "<%s>", ...args], ample);
  strictEqual(stdout, args.map((arg) => `<${arg}>`).join(""));
});

Deno.test("realExec() writes standard input and closes it", async () => {
  const text = "ü".repeat(1_000_000);
  const { stdout } = await realExec(["cat"], { ...ample, stdin: text });
  ok(stdout === text, `${stdout.length} of ${text.length} characters came back`);
});

Deno.test("realExec() gives empty standard input where none is written", async () => {
  deepStrictEqual(await realExec(["cat"], ample), { code: 0, stdout: "", stderr: "" });
});

Deno.test("realExec() does not mind a program that reads no input", async () => {
  const { code } = await sh("exit 3", { stdin: "x".repeat(1_000_000) });
  strictEqual(code, 3);
});

Deno.test("realExec() reports a signal as a shell does", async () => {
  strictEqual((await sh("kill -9 $$")).code, 137);
});

Deno.test("realExec() kills a program at its deadline", async () => {
  const failure = await failureOf(sh(`exec ${forever}`, { timeoutMs: 50 }));
  strictEqual(failure.message, "Cannot run sh -c: no answer within 0.05 s");
});

Deno.test("realExec() kills a program that ignores being asked to stop", async () => {
  const script = `trap '' TERM INT HUP; while :; do sleep 0.01; done`;
  match((await failureOf(sh(script, { timeoutMs: 50 }))).message, /no answer within/);
});

Deno.test("realExec() leaves nothing running that ignores being asked to stop", async () => {
  const abort = new AbortController();
  let pid = 0;
  const onStderrLine = (line: string) => {
    pid = Number(line);
    abort.abort(new Error("it has begun"));
  };
  const script = `trap '' TERM INT HUP; echo $$ >&2; while :; do sleep 0.01; done`;
  await failureOf(sh(script, { signal: abort.signal, onStderrLine }));
  const isGone = () => Deno.stat(`/proc/${pid}`).then(() => undefined, () => true);
  ok(await eventually("its end", isGone));
});

Deno.test("realExec() takes a deadline of months, which no timer does", async () => {
  deepStrictEqual((await sh("echo x", { timeoutMs: 90 * 86_400_000 })).stdout, "x\n");
});

Deno.test("realExec() kills a program when it is called off", async () => {
  const abort = new AbortController();
  const run = sh(`exec ${forever}`, { signal: abort.signal });
  abort.abort(new Error("the operator pressed Ctrl-C"));
  const failure = await failureOf(run);
  strictEqual(failure.message, "Cannot run sh -c: it was called off");
});

Deno.test("realExec() starts nothing when it was called off before", async () => {
  const file = await Deno.makeTempFile();
  try {
    await failureOf(sh(`echo x >${file}`, { signal: AbortSignal.abort() }));
    strictEqual(await Deno.readTextFile(file), "");
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("realExec() says that a program is missing, and which", async () => {
  const failure = await failureOf(realExec(["/no/such/program", "run"], ample));
  strictEqual(failure.message, "Cannot run /no/such/program run: it did not start");
  ok(failure.cause instanceof Deno.errors.NotFound);
});

Deno.test("realExec() refuses an argument that no program can get", async () => {
  await failureOf(realExec(["echo", "a\0b"], ample));
  await failureOf(realExec([], ample));
});

Deno.test("realExec() kills a program that prints more than is kept", async () => {
  const failure = await failureOf(sh("exec yes", { maxOutputBytes: 100_000 }));
  strictEqual(failure.message, "Cannot run sh -c: it printed more than 100000 bytes");
});

Deno.test("realExec() keeps output up to its limit", async () => {
  const { stdout } = await sh("head -c 100000 /dev/zero", { maxOutputBytes: 100_000 });
  strictEqual(stdout.length, 100_000);
});

Deno.test("realExec() keeps 50 MB of output whole", async () => {
  const { stdout } = await sh("head -c 50000000 /dev/zero | tr '\\0' x; echo end");
  strictEqual(stdout.length, 50_000_004);
  ok(stdout.endsWith("xend\n"));
});

Deno.test("realExec() keeps the last 64 KiB of 50 MB of errors", async () => {
  const { stderr } = await sh("head -c 50000000 /dev/zero | tr '\\0' x >&2; echo end >&2");
  strictEqual(stderr.length, 65_536);
  ok(stderr.endsWith("xend\n"));
});

Deno.test("realExec() reads characters that arrive in two pieces", async () => {
  const { stdout } = await sh("printf '\\303'; cat; printf '\\274'", { stdin: "" });
  strictEqual(stdout, "ü");
});

for (
  const [given, stdin] of [
    ["output", undefined],
    // More than a pipe holds, so that writing it never ends either.
    ["output and input", "x".repeat(1_000_000)],
  ] as const
) {
  Deno.test(`realExec() ends at the deadline though a grandchild holds ${given} open`, async () => {
    const pidFile = await Deno.makeTempFile();
    try {
      const script = `${forever} <&0 & echo $! >${pidFile}; exec ${forever}`;
      const failure = await failureOf(sh(script, { timeoutMs: 2_000, stdin }));
      match(failure.message, /no answer within/);
      ok(await Deno.readTextFile(pidFile) !== "", "there was no grandchild");
    } finally {
      const pid = Number(await Deno.readTextFile(pidFile));
      // 0 would be this very process and all around it.
      if (pid > 0) Deno.kill(pid, "SIGKILL");
      await Deno.remove(pidFile);
    }
  });
}

Deno.test("realExec() returns what a program said though a grandchild holds its output open", async () => {
  const { code, stdout, stderr } = await sh(`${forever} & echo $!; echo err >&2; exit 5`);
  Deno.kill(Number(stdout), "SIGKILL");
  deepStrictEqual([code, stderr], [5, "err\n"]);
});
