import { strictEqual } from "node:assert/strict";
import { displayWidth, renderTable } from "./table.ts";

Deno.test({
  name: "renderTable() makes columns as wide as their widest cell",
  permissions: "none",
  fn: () =>
    strictEqual(
      renderTable({ columns: ["NODE", "STATE"], rows: [["rift", "running"], ["日本", "-"]] }, {
        colors: false,
      }),
      "NODE  STATE\nrift  running\n日本  -\n",
    ),
});

Deno.test({
  name: "renderTable() lets the sentence of a short row run over the columns that are left",
  permissions: "none",
  fn: () =>
    strictEqual(
      renderTable({
        columns: ["NODE", "A", "B"],
        rows: [["rift", "1", "2"], ["vade", "no answer within 10 s"]],
      }, { colors: false }),
      "NODE  A  B\nrift  1  2\nvade  no answer within 10 s\n",
    ),
});

Deno.test({
  name: "renderTable() goes on below a table as if it were the same",
  permissions: "none",
  fn() {
    const columns = ["NODE", "A"];
    const below = { columns, rows: [["vade", "1"], ["meridian", "1"]] };
    strictEqual(
      renderTable({ columns, rows: [["rift", "2"], ["orion", "3"]], below }, { colors: false }),
      "rift      2\norion     3\n",
    );
  },
});

Deno.test({
  name: "renderTable() pads what is seen, not what colors it",
  permissions: "none",
  fn: () =>
    strictEqual(
      renderTable({ columns: ["STATE", "B"], rows: [[{ text: "up", tone: "good" }, "b"]] }, {
        colors: true,
      }),
      "\u001b[2mSTATE\u001b[0m  \u001b[2mB\u001b[0m\n\u001b[32mup\u001b[0m     b\n",
    ),
});

for (
  const [text, width] of [["", 0], ["abc", 3], ["é", 1], ["e\u0301", 1], ["日", 2], [
    "🚀",
    2,
  ]] as const
) {
  Deno.test({
    name: `displayWidth() of ${JSON.stringify(text)}`,
    permissions: "none",
    fn: () => strictEqual(displayWidth(text), width),
  });
}
