import { deepStrictEqual, notDeepStrictEqual, strictEqual } from "node:assert/strict";
import { comparableOutput, recounted, showTyped, typedIn } from "./console.ts";

const readme = `# Title

<!-- server -->

\`\`\`console
workstation$ scp dist/mcp-agent root@203.0.113.7:

node# ./mcp-agent install --yes
Done: node rift serves

  indented
workstation$ mcp ps
\`\`\`

<!-- /server -->

More.
`;

const test = (name: string, fn: () => void) => Deno.test({ name, permissions: "none", fn });

test("typedIn() finds each line with its seat and what is shown after it", () => {
  deepStrictEqual(typedIn(readme), [
    { seat: "workstation", line: "scp dist/mcp-agent root@203.0.113.7:", output: "" },
    {
      seat: "node",
      line: "./mcp-agent install --yes",
      output: "Done: node rift serves\n\n  indented",
    },
    { seat: "workstation", line: "mcp ps", output: "" },
  ]);
  deepStrictEqual(typedIn("# No such section\n"), []);
});

test("showTyped() changes nothing but the section, and can be found again", () => {
  const typed = [{ seat: "node", line: "mcp-agent doctor", output: "ok  all\n" }] as const;
  const shown = showTyped(readme, typed);
  deepStrictEqual(typedIn(shown).map(({ line }) => line), ["mcp-agent doctor"]);
  strictEqual(shown.startsWith("# Title\n"), true);
  strictEqual(shown.endsWith("<!-- /server -->\n\nMore.\n"), true);
});

test("comparableOutput() overlooks what differs from place to place, and nothing else", () => {
  const here = "ok  disk  77.2 GiB free of 252 GiB (30 %) for /srv\nkeep  user mcp: number 995\n";
  const there = "ok  disk  3 GiB free of 9.5 GiB (31 %) for /srv\nkeep  user mcp: number 998\n";
  deepStrictEqual(comparableOutput(here), comparableOutput(there));
  notDeepStrictEqual(comparableOutput(here), comparableOutput(here.replace("/srv", "/etc")));
  const podman = "ok  podman  4.3.1, answered in 0.1 s\n";
  deepStrictEqual(comparableOutput(podman), comparableOutput(podman.replace("4.3.1", "5.4.2")));
});

test("comparableOutput() leaves out findings by name, with what belongs to them", () => {
  const here = [
    "rift  203.0.113.7:9444  1 warning, 1 ok",
    "  warning  cgroups  v2, without cpu",
    "      Limits do nothing.",
    "  ok       user     mcp",
  ].join("\n");
  const there = "rift  203.0.113.7:9444  2 ok\n  ok  cgroups  v2\n  ok  user  mcp\n";
  deepStrictEqual(comparableOutput(here, ["cgroups"]), comparableOutput(there, ["cgroups"]));
  notDeepStrictEqual(comparableOutput(here, ["user"]), comparableOutput(there, ["user"]));
});

test("recounted() leaves out findings and counts those that are left", () => {
  const report = [
    "rift  203.0.113.7:9444  1 warning, 2 unknown, 2 ok",
    "  warning  cgroups  v2, without cpu",
    "      Limits do nothing.",
    "  unknown  units    not looked at",
    "      Fix: mcp-agent doctor",
    "  unknown  clock    not looked at",
    "  ok       user     mcp",
    "  ok       linger   on",
  ].join("\n");
  const lines = recounted(report, ["cgroups", "clock"]).split("\n");
  strictEqual(lines[0], "rift  203.0.113.7:9444  1 unknown, 2 ok");
  deepStrictEqual(lines.slice(1, 3), [
    "  unknown  units    not looked at",
    "      Fix: mcp-agent doctor",
  ]);
  strictEqual(lines.length, 5);
});
