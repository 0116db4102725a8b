import { deepStrictEqual, throws } from "node:assert/strict";
import { parseArguments } from "./arguments.ts";

Deno.test("parseArguments() takes names and options in any order", () => {
  deepStrictEqual(parseArguments(["a", "--jobs", "2", "--json", "b"]), {
    names: ["a", "b"],
    list: false,
    json: true,
    jobs: 2,
  });
  deepStrictEqual(parseArguments(["--jobs=3", "--list"]), {
    names: [],
    list: true,
    json: false,
    jobs: 3,
  });
});

Deno.test("parseArguments() refuses what it does not know, and jobs that are no number", () => {
  throws(() => parseArguments(["--quick"]), /Unknown: --quick/);
  throws(() => parseArguments(["--jobs"]), /--jobs must be 1 or more/);
  throws(() => parseArguments(["--jobs=0"]), /--jobs must be 1 or more/);
  throws(() => parseArguments(["--jobs", "many"]), /--jobs must be 1 or more/);
});
