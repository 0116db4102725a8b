/**
 * What every command pays before it does anything.
 *
 * @module
 */

import { interleaved } from "../interleaved.ts";
import { atMost, type Bench, type Measure, type Row } from "../measure.ts";
import { startBenchNode } from "../place/bench_node.ts";
import { wholeProcess } from "../place/whole_process.ts";

const mcpVersion = "mcp --version";
const podmanVersion = "podman --version";
const roundTrip = "mcp list: one RPC round trip";
const bare = "a bare grpc-js call";
const hello = "Deno, saying hello";
const versionBeside = "mcp --version, the build beside";
const roundTripBeside = "mcp list, the build beside";

/** A start is short, and its samples are noisy. */
const fewest = 15;

export const measure: Measure = {
  name: "start_up",
  question: "How long does a whole process take that does nothing, or makes one call?",
  targets: [atMost(60, mcpVersion), atMost(100, roundTrip)],
  needs: "sandbox",
  uses: ["programs"],
  withinMinutes: 4,
  run,
};

async function run(bench: Bench): Promise<Row[]> {
  await using undo = new AsyncDisposableStack();
  const node = undo.use(await startBenchNode(bench.programs));
  const before = bench.beside === undefined
    ? undefined
    : undo.use(await startBenchNode(bench.beside, { name: "beside" }));
  const token = `${node.home}/token`;
  const ca = `${node.home}/ca.pem`;
  const script = `${node.home}/hello.js`;
  await Deno.writeTextFile(token, node.token);
  await Deno.writeTextFile(ca, node.ca);
  await Deno.writeTextFile(script, `console.log("hello");`);
  const deno = [
    ...[Deno.execPath(), "run", "--quiet", "--no-config", "--no-lock", "--no-remote", "--no-npm"],
    ...["--no-check", "--no-prompt", "--ignore-env", "--allow-net", "--allow-read"],
  ];
  const bareCall = `${bench.programs}/bare_call/bare_call.js`;
  const taken = (argv: readonly string[]) => async () => (await wholeProcess(argv)).ms;
  const samples: Record<string, number[]> = await interleaved<string>(
    Math.max(bench.repeat, fewest),
    {
      [mcpVersion]: async () => (await node.mcp(["--version"])).ms,
      [podmanVersion]: taken(["podman", "--version"]),
      [hello]: taken([...deno, script]),
      [roundTrip]: async () => (await node.mcp(["list"])).ms,
      [bare]: taken([...deno, bareCall, node.address, ca, token, node.name]),
      ...(before === undefined ? {} : {
        [versionBeside]: async () => (await before.mcp(["--version"])).ms,
        [roundTripBeside]: async () => (await before.mcp(["list"])).ms,
      }),
    },
  );
  const row = (label: string, beside?: string, note?: string): Row => ({
    label,
    unit: "ms",
    samples: samples[label] ?? [],
    ...(beside === undefined ? {} : { beside }),
    ...(note === undefined ? {} : { note }),
  });
  return [
    row(podmanVersion),
    row(mcpVersion, podmanVersion),
    row(hello, undefined, "No program on Deno is faster: what is above this is ours."),
    row(
      bare,
      undefined,
      "The same RPC to the same agent: a client of grpc-js without messages, config, or table; " +
        "bundled as mcp is.",
    ),
    row(roundTrip, before === undefined ? bare : roundTripBeside),
    ...(before === undefined ? [] : [row(versionBeside), row(roundTripBeside, bare)]),
  ];
}
