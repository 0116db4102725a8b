import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { broken, type Mutant, testArgs } from "./mutant.ts";

const mutant: Mutant = {
  name: "door-open",
  guard: "The door is shut",
  file: "house.ts",
  find: "shut(door);",
  put: "",
  tests: { paths: ["house_test.ts"] },
};

Deno.test("broken() replaces the one place that is meant", () => {
  strictEqual(broken("before; shut(door); after;", mutant), "before;  after;");
  // A dollar sign is no pattern of a replacement.
  strictEqual(broken("shut(door);", { ...mutant, put: "open($&);" }), "open($&);");
});

Deno.test("broken() refuses a mutant that does not apply, or changes nothing", () => {
  throws(() => broken("leave(door);", mutant), /house\.ts holds it 0 times, not once/);
  throws(() => broken("shut(door); shut(door);", mutant), /holds it 2 times, not once/);
  throws(() => broken("shut(door);", { ...mutant, put: mutant.find }), /it changes nothing/);
  throws(() => broken("shut(door);", { ...mutant, find: "" }), /does not apply/);
});

Deno.test("testArgs() passes the filter on, and none where there is none", () => {
  deepStrictEqual(testArgs({ paths: ["a", "b"], filter: "/x|y/" }, "r.xml").slice(-4), [
    "--junit-path=r.xml",
    "--filter=/x|y/",
    "a",
    "b",
  ]);
  deepStrictEqual(testArgs({ paths: ["a"] }, "r.xml").slice(-2), ["--junit-path=r.xml", "a"]);
});
