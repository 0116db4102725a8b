import { ok, strictEqual, throws } from "node:assert/strict";
import { agentArguments, fixedArguments, renderLauncher } from "./launcher.ts";

const none = { permissions: "none" } as const;

const facts = {
  program: "mcp",
  version: "0.1.0 (1234567, self-contained)",
  hash: "0123abcd",
  bytes: 98_000_001,
  arguments: 'set -- "$main" "$@"',
};
const template = "#!/bin/sh\n# @PROGRAM@ @VERSION@ @HASH@ @MEGABYTES@ MB\n" +
  "tail -n +@PAYLOAD_LINE@\n@ARGUMENTS@\n";

Deno.test("renderLauncher() says the line that what follows it begins with", none, () => {
  for (const lines of [1, 7]) {
    const text = renderLauncher(template, { ...facts, arguments: "x\n".repeat(lines) });
    const line = Number(/tail -n \+(\d+)/.exec(text)?.[1]);
    strictEqual(`${text}PAYLOAD`.split("\n")[line - 1], "PAYLOAD");
  }
});

Deno.test("renderLauncher() rounds up what is taken, and keeps what it is told", none, () => {
  ok(
    renderLauncher(template, facts).includes(
      "# mcp 0.1.0 (1234567, self-contained) 0123abcd 99 MB",
    ),
  );
});

Deno.test("renderLauncher() refuses a version that would be more than a comment", none, () => {
  throws(() => renderLauncher(template, { ...facts, version: "1\nrm -rf /" }), /Cannot write/);
});

Deno.test("renderLauncher() misses a placeholder that the template has lost", none, () => {
  throws(() => renderLauncher(template.replace("@HASH@", ""), facts), /no @HASH@/);
});

Deno.test("fixedArguments() puts flags before the program, each one word of sh", none, () => {
  strictEqual(
    fixedArguments(["--allow-net", "--allow-read=/a b", "--allow-write=/it's"]),
    "set -- --no-prompt --ignore-env --allow-net '--allow-read=/a b' '--allow-write=/it'\\''s' " +
      '"$main" "$@"',
  );
});

const subcommands = [
  { path: ["init"], grants: ["--allow-write"] },
  { path: ["server"], grants: [] },
  { path: ["token", "create"], grants: ["--allow-read"] },
  { path: ["permissions"], grants: ["--allow-read"] },
] as const;

Deno.test(
  "agentArguments() tells subcommands apart by one word or two, but for the server",
  none,
  () => {
    const text = agentArguments("@NO_GRANTS@\n@PERMISSIONS_GRANTS@\n@SUBCOMMANDS@", subcommands);
    strictEqual(
      text,
      `--no-prompt --ignore-env
--no-prompt --ignore-env --allow-read
    'init '*) set -- --no-prompt --ignore-env --allow-write "$main" "$@" ;;
    'token create') set -- --no-prompt --ignore-env --allow-read "$main" "$@" ;;
    'permissions '*) set -- --no-prompt --ignore-env --allow-read "$main" "$@" ;;`,
    );
  },
);

Deno.test("agentArguments() needs somebody to ask for the server's permissions", none, () => {
  throws(() => agentArguments("", subcommands.slice(0, 2)), /server's permissions/);
});
