/**
 * One operator, many nodes, some of them dead.
 *
 * The agents are real, with TLS and a registry each, in one process; their containers are of a runtime in
 * memory. A dead one takes the connection and says nothing, which is the slow way to be dead.
 *
 * @module
 */

import { interleaved } from "../interleaved.ts";
import {
  atMost,
  type Bench,
  format,
  type Measure,
  type Row,
  type Target,
  type Unit,
} from "../measure.ts";
import { spreadOf } from "../spread.ts";
import { ample, TestNode } from "../../support/test_node.ts";
import { hangingNode } from "../../support/scripted_node.ts";
import { ThrowAwayFolder } from "../../support/throw_away_folder.ts";

const many = 200;
const few = 20;
const dead = 10;
/** What `--timeout` says. */
const deadlineMs = 3_000;
const image = "registry.example/shop:v1";

const allOf = (count: number) => `${count} nodes, until the last line`;
const livingShown = `${many} nodes, ${dead} of them dead, until the last living is shown`;
const ended = `${many} nodes, ${dead} of them dead, until the end`;

export const measure: Measure = {
  name: "fan_out",
  question: `How long does mcp ps take over ${many} nodes, ${dead} of them dead?`,
  targets: [
    atMost(1_500, allOf(many)),
    atMost(1_500, livingShown),
    withinDeadline(),
  ],
  needs: "sandbox",
  uses: ["programs"],
  withinMinutes: 5,
  run,
};

/** The dead may take their deadline, and nothing more. */
function withinDeadline(): Target {
  return {
    says: `${ended} ≤ 1500 + the deadline of ${deadlineMs} ms`,
    judge(rows) {
      const { samples = [], skipped } = rows.find(({ label }) => label === ended) ?? {};
      if (samples.length === 0) return { outcome: "not measured", found: skipped ?? "no samples" };
      const { median } = spreadOf(samples);
      return {
        outcome: median <= 1_500 + deadlineMs ? "met" : "missed",
        found: `${format(median)} ms`,
      };
    },
  };
}

async function run(bench: Bench): Promise<Row[]> {
  await using undo = new AsyncDisposableStack();
  const place = undo.use(await ThrowAwayFolder.make());
  const nodes: TestNode[] = [];
  for (let number = 1; number <= many; number++) {
    if (number % 50 === 0) bench.tell(`${number} agents`);
    const node = undo.use(await TestNode.start());
    node.runtime.publish(image);
    const client = node.client();
    const components = ["web", "api", "db"].map((name) => ({ name, image }));
    const service = { name: "shop", active: true, components };
    const { results } = await client.deploy({ service }, ample);
    if (results.some(({ success }) => !success)) throw new Error("A node could not be made ready");
    nodes.push(node);
  }
  const hanging = Array.from({ length: dead }, (_, index) => undo.use(hangingNode(`dead${index}`)));
  const living = nodes.map((node, index) => ({
    name: `node${index}`,
    address: node.address,
    token: node.adminToken,
  }));
  const ca = nodes[0]?.ca ?? "";
  const homes = {
    few: await makeHome(place.at("few"), ca, living.slice(0, few)),
    many: await makeHome(place.at("many"), ca, living),
    someDead: await makeHome(place.at("some-dead"), ca, [...living.slice(dead), ...hanging]),
  };
  const mcp = `${bench.programs}/mcp`;
  const endedMs: number[] = [];
  const samples = await interleaved(bench.repeat, {
    [allOf(few)]: async () => (await showAll(mcp, homes.few, few)).lastMs,
    [allOf(many)]: async () => (await showAll(mcp, homes.many, many)).lastMs,
    [livingShown]: async () => {
      const shown = await showAll(mcp, homes.someDead, many - dead);
      endedMs.push(shown.endMs);
      return shown.lastMs;
    },
  });
  const unit: Unit = "ms";
  return [
    { label: allOf(few), unit, samples: samples[allOf(few)] ?? [] },
    {
      label: allOf(many),
      unit,
      samples: samples[allOf(many)] ?? [],
      beside: allOf(few),
      note:
        "Both sides of every TLS handshake are made on this machine, the agents' in one thread.",
    },
    { label: livingShown, unit, samples: samples[livingShown] ?? [], beside: allOf(few) },
    { label: ended, unit, samples: endedMs.slice(1), beside: allOf(few) },
  ];
}

/** An operator's home, with a config of these nodes. */
async function makeHome(
  home: string,
  ca: string,
  nodes: readonly { readonly name: string; readonly address: string; readonly token: string }[],
): Promise<string> {
  const folder = `${home}/.config/mcp`;
  await Deno.mkdir(`${folder}/tokens`, { recursive: true });
  await Deno.writeTextFile(`${folder}/ca.pem`, ca);
  const tables = nodes.map(({ name, address }) =>
    `[[nodes]]\nname = "${name}"\naddress = "${address}"\n`
  );
  await Deno.writeTextFile(
    `${folder}/mcp.toml`,
    `[tls]\nca_cert = "ca.pem"\n\n${tables.join("\n")}`,
  );
  for (const { name, token } of nodes) {
    await Deno.writeTextFile(`${folder}/tokens/${name}`, `${token}\n`, { mode: 0o600 });
  }
  return home;
}

/** Runs `mcp ps`, and says when the last living node was shown and when it ended. */
async function showAll(
  mcp: string,
  home: string,
  expected: number,
): Promise<{ lastMs: number; endMs: number }> {
  const from = performance.now();
  const child = new Deno.Command(mcp, {
    args: ["ps", `--timeout=${deadlineMs / 1_000}s`],
    env: { HOME: home, XDG_CONFIG_HOME: `${home}/.config` },
    stdin: "null",
    stdout: "piped",
    stderr: "null",
    signal: AbortSignal.timeout(60_000),
  }).spawn();
  const seen = new Set<string>();
  let lastMs = NaN;
  let rest = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    const lines = `${rest}${text}`.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const name = /^(node\d+) .* running /.exec(line)?.[1];
      if (name === undefined || seen.has(name)) continue;
      seen.add(name);
      lastMs = performance.now() - from;
    }
  }
  await child.status;
  const endMs = performance.now() - from;
  if (seen.size !== expected) throw new Error(`mcp ps shows ${seen.size} of ${expected} nodes`);
  return { lastMs, endMs };
}
