import { deepStrictEqual } from "node:assert/strict";
import { editorArgv } from "./editor.ts";

for (
  const [given, env, argv] of [
    ["both", { EDITOR: "nano", VISUAL: "code" }, ["nano"]],
    ["VISUAL alone", { VISUAL: "code --wait" }, ["code", "--wait"]],
    ["an empty EDITOR", { EDITOR: " ", VISUAL: "code" }, ["code"]],
    ["what a shell would act upon", { EDITOR: "vi;reboot $(x)" }, ["vi;reboot", "$(x)"]],
    ["nothing", {}, ["vi"]],
  ] as const
) {
  Deno.test({
    name: `editorArgv() given ${given}`,
    permissions: "none",
    fn: () => deepStrictEqual(editorArgv(env), argv),
  });
}
