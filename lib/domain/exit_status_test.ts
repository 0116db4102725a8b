import { strictEqual } from "node:assert/strict";
import { formatExit } from "./exit_status.ts";

for (
  const [exitCode, oomKilled, text] of [
    [0, false, "exit code 0"],
    [1, false, "exit code 1"],
    [125, false, "exit code 125"],
    [128, false, "exit code 128"],
    [130, false, "exit code 130 (SIGINT)"],
    [137, false, "exit code 137 (SIGKILL)"],
    [137, true, "exit code 137 (out of memory)"],
    [139, false, "exit code 139 (SIGSEGV)"],
    [143, false, "exit code 143 (SIGTERM)"],
    [255, false, "exit code 255"],
  ] as const
) {
  Deno.test({
    name: `formatExit() says "${text}"`,
    permissions: "none",
    fn: () => strictEqual(formatExit(exitCode, oomKilled), text),
  });
}
