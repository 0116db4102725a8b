/**
 * Unary calls with 64 in flight: an agent, with all that it does around a call, beside grpc-js alone.
 *
 * The call is ListServices of one service: the agent verifies the token, leaves its audit lines, reads
 * its registry and makes the answer; grpc-js alone gives the same answer, made once. Each is a process
 * of its own, under the same flags, and this one is the client of both, in turn.
 *
 * @module
 */

import { connect } from "../../../lib/rpc/client.ts";
import { McpAgent } from "../../../proto/gen/mcp/v1/mcp_pb.ts";
import { interleaved, type Sampled, timed } from "../interleaved.ts";
import type { Bench, Measure, Row, Target } from "../measure.ts";
import type { UnaryServer } from "../place/unary_server.ts";
import { spreadOf } from "../spread.ts";

const inFlight = 64;
const callsOfSample = 1_500;
/** The garbage of one sample is collected in the next: of a few, the middle is anybody's. */
const fewest = 15;
const share = 0.7;

const kinds = { agent: "mcp-agent", bare: "grpc-js alone" } as const;
type Kind = keyof typeof kinds;
const manners = { "": [], ", without a JIT": ["--v8-flags=--jitless"] } as const;

export const measure: Measure = {
  name: "unary_rate",
  question: "How many authenticated calls does an agent answer, with 64 in flight?",
  targets: Object.keys(manners).map(atLeastShare),
  needs: "nothing",
  withinMinutes: 5,
  run,
};

/** Met where the agent answers at least so much of what grpc-js alone answers. */
function atLeastShare(manner: string): Target {
  return {
    says: `${kinds.agent} ≥ ${share * 100} % of ${kinds.bare}${manner}`,
    judge(rows) {
      const [agent, bare] = [kinds.agent, kinds.bare].map((kind) =>
        spreadOf(rows.find(({ label }) => label === `${kind}${manner}`)?.samples ?? []).median
      );
      if (!agent || !bare) return { outcome: "not measured", found: "there are no samples" };
      const found = `${(100 * agent / bare).toFixed(0)} %`;
      return { outcome: agent >= share * bare ? "met" : "missed", found };
    },
  };
}

async function run({ repeat }: Bench): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const [manner, flags] of Object.entries(manners)) {
    await using agent = await serverOf("agent", flags);
    await using bare = await serverOf("bare", flags);
    const samples = await interleaved(Math.max(repeat, fewest), {
      bare: callsPerSecond(bare),
      agent: callsPerSecond(agent),
    });
    for (const kind of ["bare", "agent"] as const) {
      rows.push({
        label: `${kinds[kind]}${manner}`,
        unit: "per second",
        samples: samples[kind],
        ...(kind === "bare" ? {} : { beside: `${kinds.bare}${manner}` }),
      });
    }
  }
  return rows;
}

/** Calls per second. */
function callsPerSecond({ address, ca, token }: UnaryServer): Sampled {
  const client = connect({ service: McpAgent, address, ca, token });
  const call = () => client.listServices({}, { timeoutMs: 30_000 });
  return async () => {
    let left = callsOfSample;
    const ms = await timed(() =>
      Promise.all(Array.from({ length: inFlight }, async () => {
        while (left-- > 0) await call();
      }))
    );
    return callsOfSample / (ms / 1000);
  };
}

async function serverOf(
  kind: Kind,
  flags: readonly string[],
): Promise<UnaryServer & AsyncDisposable> {
  const script = new URL("../place/unary_server.ts", import.meta.url).pathname;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--cached-only", "--no-check", "--allow-all", ...flags, script, kind],
    stdin: "null",
    stdout: "piped",
  }).spawn();
  let said = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    said += text;
    if (said.includes("\n")) break;
  }
  if (said === "") throw new Error(`The server "${kind}" did not begin`);
  return {
    ...JSON.parse(said),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.status;
    },
  };
}
