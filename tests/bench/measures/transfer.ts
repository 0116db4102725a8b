/**
 * Much at once: a file as large as may be, and a long log.
 *
 * Time and memory are taken in turns of their own: to look at a process's memory slows it down.
 *
 * @module
 */

import { publishImage, startImageRegistry } from "../../../deploy/sandbox/image_registry.ts";
import { interleaved } from "../interleaved.ts";
import type { Bench, Measure, Row } from "../measure.ts";
import { type BenchNode, startBenchNode } from "../place/bench_node.ts";
import { forgetPeak, processUsage, watchPeak } from "../place/process_usage.ts";
import { wholeProcess } from "../place/whole_process.ts";
import { eventually } from "../../support/eventually.ts";

const service = "printer";
const serviceBeside = "before";
const fileBytes = 4 * 1024 * 1024;
const lineCount = 100_000;
const withinMs = 120_000;
/** The peaks of one run and the next are alike. */
const peakRounds = 3;
/** After so many pushes and pulls, of each as many, the agent's memory is looked at. */
const transfers = [1, 10, 20];

const push = "mcp push, 4 MiB";
const pull = "mcp pull, 4 MiB";
const copy = "cp, 4 MiB";
const follow = "mcp logs --follow, 100,000 lines";
const pushBeside = "mcp push, 4 MiB, the build beside";
const pullBeside = "mcp pull, 4 MiB, the build beside";
const followBeside = "mcp logs --follow, 100,000 lines, the build beside";
const podmanFollow = "podman logs --follow, 100,000 lines";
/** What the agent has to read: its podman is behind a socket. */
const remoteFollow = "podman --remote logs --follow --timestamps, 100,000 lines";

export const measure: Measure = {
  name: "transfer",
  question: "What do a file of 4 MiB and a log of 100,000 lines take, in time and memory?",
  targets: [],
  needs: "sandbox",
  uses: ["programs"],
  withinMinutes: 8,
  run,
};

async function run(bench: Bench): Promise<Row[]> {
  await using registry = await startImageRegistry();
  const image = await publishImage(registry, {
    name: "printer",
    tag: "v1",
    files: {
      start: [
        `trap "exit 0" TERM`,
        `number=0`,
        `while [ $number -lt ${lineCount} ]; do`,
        `  number=$((number + 1))`,
        `  echo "line $number of a log, about as long as lines are that programs print"`,
        `done`,
        `while :; do sleep 1000; done & wait $!`,
        ``,
      ].join("\n"),
    },
    containerfile: `FROM scratch\nCOPY busybox /bin/busybox\n` +
      `RUN ["/bin/busybox", "--install", "-s", "/bin"]\nCOPY start /start\n` +
      `CMD ["/bin/sh", "/start"]\n`,
  });
  await using undo = new AsyncDisposableStack();
  const node = undo.use(await startBenchNode(bench.programs));
  const before = bench.beside === undefined
    ? undefined
    : undo.use(await startBenchNode(bench.beside, { name: "beside" }));
  await node.pull(image);
  const component = `[[components]]\nname = "lines"\nimage = "${image}"\npull = "missing"\n`;
  await node.define(service, component);
  await node.mcp(["deploy", service, "--yes"]);
  await before?.define(serviceBeside, component);
  await before?.mcp(["deploy", serviceBeside, "--yes"]);
  const file = `${node.home}/file`;
  const back = `${node.home}/back`;
  await Deno.writeFile(file, randomBytes(fileBytes));
  const last = `line ${lineCount} `;
  const container = `${service}-lines`;
  const containers = before === undefined ? [container] : [container, `${serviceBeside}-lines`];
  for (const each of containers) {
    await eventually("the whole log is there", async () => {
      const { stdout } = await wholeProcess(["podman", "logs", "--tail=1", each]);
      return stdout.startsWith(last) ? true : undefined;
    }, withinMs);
  }

  const acts: Record<string, readonly string[]> = {
    [push]: node.mcpArgv("push", file, service),
    ...(before === undefined ? {} : { [pushBeside]: before.mcpArgv("push", file, serviceBeside) }),
    [pull]: node.mcpArgv("pull", service, "file", back),
    ...(before === undefined ? {} : {
      [pullBeside]: before.mcpArgv("pull", serviceBeside, "file", back),
      [followBeside]: before.mcpArgv("logs", serviceBeside, "--follow"),
    }),
    [copy]: ["cp", file, back],
    [follow]: node.mcpArgv("logs", service, "--follow"),
    [podmanFollow]: ["podman", "logs", "--follow", container],
    [remoteFollow]: [
      ...["podman", "--remote", `--url=${node.podmanUrl}`],
      ...["logs", "--follow", "--timestamps", container],
    ],
  };
  const ofBefore = [pushBeside, pullBeside, followBeside];
  const doing = (label: string, watched: boolean): Promise<Taken> => {
    const argv = acts[label] ?? [];
    const isLog = [follow, followBeside, podmanFollow, remoteFollow].includes(label);
    const on = before !== undefined && ofBefore.includes(label) ? before : node;
    return isLog ? readUntilLast(on, argv, watched) : runOnce(on, argv, watched);
  };
  const samples: Record<string, number[]> = await interleaved(
    bench.repeat,
    Object.fromEntries(
      Object.keys(acts).map((label) => [label, async () => (await doing(label, false)).ms]),
    ),
  );
  const besides: Record<string, string> = before === undefined
    ? { [push]: copy, [pull]: copy, [follow]: podmanFollow }
    : { [push]: pushBeside, [pull]: pullBeside, [follow]: followBeside };
  const rows: Row[] = [];
  for (const label of Object.keys(acts)) {
    const beside = besides[label];
    rows.push({
      label,
      unit: "ms",
      samples: samples[label] ?? [],
      ...(beside === undefined ? {} : { beside }),
    });
    if (ofBefore.includes(label)) continue;
    const own: number[] = [];
    const agents: number[] = [];
    const before: number[] = [];
    const isOurs = [push, pull, follow].includes(label);
    for (let round = 0; round < peakRounds; round++) {
      before.push((await processUsage(node.agentPid)).rssBytes / 1e6);
      await forgetPeak(node.agentPid);
      own.push((await doing(label, true)).peakBytes / 1e6);
      agents.push((await processUsage(node.agentPid)).peakRssBytes / 1e6);
    }
    if (label !== copy) {
      rows.push({ label: `${label}: peak memory of the client`, unit: "MB", samples: own });
    }
    if (isOurs) {
      rows.push(
        { label: `${label}: memory of the agent before`, unit: "MB", samples: before },
        { label: `${label}: peak memory of the agent`, unit: "MB", samples: agents },
      );
    }
  }
  await node.restartAgent();
  for (let done = 0; done < Math.max(...transfers);) {
    for (const act of [push, pull]) await doing(act, false);
    if (!transfers.includes(++done)) continue;
    const { rssBytes } = await processUsage(node.agentPid);
    const times = done === 1 ? "once" : `${done} times`;
    rows.push({
      label: `memory of the agent when 4 MiB were pushed and pulled ${times}`,
      unit: "MB",
      samples: [rssBytes / 1e6],
    });
  }
  return rows;
}

/** What one run took. */
interface Taken {
  readonly ms: number;
  /** 0 where nobody watched. */
  readonly peakBytes: number;
}

async function runOnce(node: BenchNode, argv: readonly string[], watched: boolean): Promise<Taken> {
  const child = start(node, argv, "null");
  const from = performance.now();
  const peak = watched ? watchPeak(child.pid, child.status) : Promise.resolve(0);
  const { success } = await child.status;
  const ms = performance.now() - from;
  if (!success) throw new Error(`${argv.join(" ")} failed`);
  return { ms, peakBytes: await peak };
}

/** Until the last line was read; every line must have come. */
async function readUntilLast(
  node: BenchNode,
  argv: readonly string[],
  watched: boolean,
): Promise<Taken> {
  const from = performance.now();
  const child = start(node, argv, "piped");
  const peak = watched ? watchPeak(child.pid, child.status) : Promise.resolve(0);
  let count = 0;
  let ms = NaN;
  let rest = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    const lines = `${rest}${text}`.split("\n");
    rest = lines.pop() ?? "";
    count += lines.length;
    if (lines.at(-1)?.includes(`line ${lineCount} `)) {
      ms = performance.now() - from;
      child.kill("SIGINT");
    }
  }
  await child.status;
  if (count !== lineCount) throw new Error(`${argv.join(" ")} gave ${count} lines`);
  return { ms, peakBytes: await peak };
}

function start(
  node: BenchNode,
  [program = "", ...args]: readonly string[],
  stdout: "null" | "piped",
): Deno.ChildProcess {
  return new Deno.Command(program, {
    args,
    cwd: node.home,
    // Podman of another home has no containers.
    env: program.endsWith("/mcp") ? { ...node.env } : {},
    stdin: "null",
    stdout,
    stderr: "null",
    signal: AbortSignal.timeout(withinMs),
  }).spawn();
}

/** What no compression makes smaller. */
function randomBytes(count: number): Uint8Array {
  const bytes = new Uint8Array(count);
  for (let at = 0; at < count; at += 65_536) {
    crypto.getRandomValues(bytes.subarray(at, Math.min(count, at + 65_536)));
  }
  return bytes;
}
