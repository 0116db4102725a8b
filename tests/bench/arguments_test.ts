import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { parseArguments, resultsName } from "./arguments.ts";

Deno.test({
  name: "parseArguments() takes names, and numbers in both spellings",
  permissions: "none",
  fn: () =>
    deepStrictEqual(parseArguments(["idle", "--repeat", "9", "--idle-minutes=0.5", "start_up"]), {
      names: ["idle", "start_up"],
      list: false,
      keep: false,
      repeat: 9,
      idleMinutes: 0.5,
      beside: undefined,
    }),
});

Deno.test({
  name: "parseArguments() takes the folder of an earlier build",
  permissions: "none",
  fn: () => strictEqual(parseArguments(["--beside", "../before"]).beside, "../before"),
});

for (
  const wrong of [["--repeat"], ["--repeat=0"], ["--repeat=2.5"], ["--idle-minutes=x"], [
    "--beside",
  ], ["-x"]]
) {
  Deno.test({
    name: `parseArguments() refuses ${wrong.join(" ")}`,
    permissions: "none",
    fn: () => throws(() => parseArguments(wrong), /Usage: /),
  });
}

Deno.test({
  name: "resultsName() gives the place of the committed results to whole runs only",
  permissions: "none",
  fn: () => {
    strictEqual(resultsName(parseArguments([])), "latest");
    strictEqual(resultsName(parseArguments(["--repeat=9"])), "latest");
    for (const args of [["idle"], ["--repeat=3"], ["--idle-minutes=1"]]) {
      strictEqual(resultsName(parseArguments(args)), "partial", args.join(" "));
    }
    strictEqual(resultsName(parseArguments(["idle", "--keep"])), "since");
    strictEqual(resultsName(parseArguments(["idle", "--keep", "--repeat=3"])), "partial");
  },
});
