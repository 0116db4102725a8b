import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { atMostTimes, type Row, skippedRow } from "./measure.ts";
import { json, judge, markdown, type Measured, type Run } from "./report.ts";

const rows: readonly Row[] = [
  { label: "by hand", unit: "ms", samples: [100, 110, 120, 130, 140] },
  {
    label: "mcp | deploy",
    unit: "ms",
    samples: [60, 70, 60, 50, 60],
    beside: "by hand",
    note: "A process each time.",
  },
  skippedRow("swarm", "ms", "dockerd runs as root"),
];

const target = atMostTimes(1.2, "mcp | deploy", "by hand");
const measure = { name: "redeploy", question: "How long does it take?", targets: [target] };

function runOf(...measured: readonly Measured[]): Run {
  return {
    circumstances: {
      startedAt: "2026-03-01T12:00:00Z",
      endedAt: "2026-03-01T12:20:00Z",
      commit: "0123abc",
      machine: { processor: "Some, 2 cores" },
      versions: { deno: "2.9.6" },
      loadBefore: [0.5, 0.25, 0.125],
      loadAfter: [1, 1, 1],
      repeat: 5,
      idleMinutes: 10,
    },
    measured,
  };
}

const whole = runOf({ measure, seconds: 12, rows });

/** The cells of the line of a table that begins with a text. */
function cellsOf(text: string, begin: string): string[] {
  const line = text.split("\n").find((line) => line.startsWith(`| ${begin}`)) ?? "";
  return line.split(/(?<!\\)\|/).slice(1, -1).map((cell) => cell.trim());
}

Deno.test({
  name: "markdown() shows a row with its spread, and how it stands beside another",
  permissions: "none",
  fn: () =>
    deepStrictEqual(cellsOf(markdown(whole), "mcp"), [
      "mcp \\| deploy",
      "60.0 ms",
      "60.0 – 60.0",
      "50.0 – 70.0",
      "68.0",
      "5",
      "0.50 × (− 60.0) by hand",
    ]),
});

Deno.test({
  name: "markdown() says loudly what was skipped, and why",
  permissions: "none",
  fn: () => {
    match(cellsOf(markdown(whole), "swarm").join(" "), /\*\*SKIPPED\*\*: dockerd runs as root/);
    const nothing = runOf({ measure, seconds: 0, rows: [], skipped: "no sandbox" });
    match(markdown(nothing), /## redeploy[^]*\*\*SKIPPED\*\*: no sandbox/);
  },
});

Deno.test({
  name: "markdown() names the machine, the versions, the commit and the load",
  permissions: "none",
  fn: () => {
    const text = markdown(whole);
    for (const fact of ["0123abc", "processor Some, 2 cores", "deno 2.9.6", "0.50 0.25 0.13"]) {
      ok(text.includes(fact), fact);
    }
  },
});

Deno.test({
  name: "judge() measures nothing where a measure was skipped or failed",
  permissions: "none",
  fn: () => {
    const run = runOf(
      { measure, seconds: 1, rows },
      { measure, seconds: 1, rows: [], skipped: "no sandbox" },
      { measure, seconds: 1, rows: [], failed: "a long story" },
    );
    deepStrictEqual(judge(run).map(({ verdict }) => verdict), [
      { outcome: "met", found: "0.50 ×" },
      { outcome: "not measured", found: "no sandbox" },
      { outcome: "not measured", found: "it failed: see below" },
    ]);
  },
});

Deno.test({
  name: "json() keeps every sample, and what became of the targets",
  permissions: "none",
  fn: () => {
    const content = JSON.parse(json(whole));
    deepStrictEqual(content.measured[0].rows[1].samples, [60, 70, 60, 50, 60]);
    strictEqual(content.measured[0].rows[1].spread.median, 60);
    strictEqual(content.targets[0].verdict.outcome, "met");
  },
});
