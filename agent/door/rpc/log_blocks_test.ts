import { deepStrictEqual } from "node:assert/strict";
import { blocksOf } from "./log_blocks.ts";

function line(component: string, at: bigint, text: string, isStderr = false) {
  return { component, at, text, isStderr };
}

Deno.test({
  name: "blocksOf() puts lines of one output together that follow each other, and keeps the order",
  permissions: "none",
  fn: () => {
    deepStrictEqual(
      blocksOf([
        line("web", 1n, "one"),
        line("web", 2n, ""),
        line("web", 3n, "three"),
        line("web", 4n, "four", true),
        line("db", 5n, "five"),
        { component: "web", at: 6n, skipped: 7 },
        line("web", 6n, ""),
        line("web", 8n, "eight"),
      ]),
      [
        { component: "web", stderr: false, at: [1n, 2n, 3n], text: "one\n\nthree" },
        { component: "web", stderr: true, at: [4n], text: "four" },
        { component: "db", stderr: false, at: [5n], text: "five" },
        { component: "web", at: [6n], skipped: 7 },
        { component: "web", stderr: false, at: [6n, 8n], text: "\neight" },
      ],
    );
    deepStrictEqual(blocksOf([]), []);
  },
});
