import { deepStrictEqual } from "node:assert/strict";
import { isSuccess, verdicts } from "./verdict.ts";

Deno.test({
  name: "isSuccess() is true of what ended as it was to, and of nothing else",
  permissions: "none",
  fn: () =>
    deepStrictEqual(verdicts.filter(isSuccess), [
      "healthy",
      "running",
      "completed",
      "kept",
      "stopped",
      "removed",
    ]),
});
