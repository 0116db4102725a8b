/**
 * Guards of the operator's side.
 *
 * @module
 */

import type { Mutant } from "../mutant.ts";

const cli = "tests/component/cli_test.ts";
const deploying = "tests/component/cli_deploy_test.ts";
const identity = "tests/component/cli_identity_test.ts";

export const commandLine: readonly Mutant[] = [
  {
    name: "failed-deploy-ends-well",
    guard: "A deploy of which a component has failed ends with exit code 8",
    file: "cli/output/results.ts",
    find: "? exitCodes.done : exitCodes.failed;",
    put: "? exitCodes.done : exitCodes.done;",
    tests: { paths: [deploying], filter: "exits with 8" },
  },
  {
    name: "failure-not-in-json",
    guard: "With --json a failure is an object on standard output",
    file: "cli/run.ts",
    find: "if (json) {\n      const failure",
    put: "if (json && isStream) {\n      const failure",
    tests: { paths: [cli], filter: "--json tells failures" },
  },
  {
    name: "yes-by-default",
    guard: "Who answers nothing has agreed to nothing",
    file: "cli/terminal/confirm.ts",
    find: "if (!/^\\s*y(es)?\\s*$/i.test(answer)) throw",
    put: "if (!/^\\s*(y(es)?)?\\s*$/i.test(answer)) throw",
    tests: { paths: [deploying], filter: "on a terminal" },
  },
  {
    name: "token-for-all-to-read",
    guard: "A token that is kept can be read by its owner only",
    file: "cli/identity/token_file.ts",
    find: "const tokenMode = 0o600;",
    put: "const tokenMode = 0o644;",
    tests: { paths: [cli], filter: "only its owner can read" },
  },
  {
    name: "open-token-used",
    guard: "A token that others may read is not used",
    file: "cli/identity/token_file.ts",
    find: "if ((mode & othersMask) !== 0) {",
    put: "if (mode < 0) {",
    tests: { paths: [cli], filter: "others may read" },
  },
  {
    name: "expired-token-sent",
    guard: "A token that has ended is sent to no node",
    file: "cli/identity/token.ts",
    find: "if (!isOver(stored, this.#deps.clock.now())) return stored.token;",
    put: "return stored.token;",
    tests: { paths: [cli], filter: "expired token" },
  },
  {
    name: "token-of-the-environment-last",
    guard: "MCP_TOKEN goes before every token that is kept",
    file: "cli/identity/token.ts",
    find: `if (fromEnvironment !== "") return`,
    put: `if (fromEnvironment === "-") return`,
    tests: { paths: [identity], filter: "the order is MCP_TOKEN" },
  },
  {
    name: "unknown-key-ignored",
    guard: "A key that no definition has is a mistake, and not passed over",
    file: "cli/definitions/definition.ts",
    find: "const componentSchema = z.strictObject({",
    put: "const componentSchema = z.object({",
    tests: { paths: ["cli/definitions/definition_test.ts"] },
  },
  {
    name: "comment-lost",
    guard: "To flip `active` leaves the operator's comments as they are",
    file: "cli/definitions/set_active.ts",
    find: "/(=\\s*)(true|false)/",
    put: "/(=\\s*)(true|false).*/",
    tests: { paths: ["cli/definitions/set_active_test.ts"] },
  },
  {
    name: "terminal-obeys",
    guard: "Nothing that a node says is obeyed by the terminal",
    file: "cli/output/screen_text.ts",
    find: "return text.replace(unprintable,",
    put: "return text.replace(/(?!)/g,",
    tests: { paths: [cli], filter: "a terminal would obey" },
  },
  {
    name: "deploy-sent-twice",
    guard: "A deploy whose answer was lost is looked for, and not sent again",
    file: "cli/agents/roll_out.ts",
    find: `all the same.\n      const again = await this.#attempt("attach");`,
    put: `all the same.\n      const again = await this.#attempt("begin");`,
    tests: { paths: [deploying], filter: "not sent again" },
  },
  {
    name: "plan-not-named",
    guard: "What was agreed to on a terminal is what is done, or nothing",
    file: "cli/commands/rollout.ts",
    find: `planId: agreed ?? "",`,
    put: `planId: "",`,
    tests: { paths: [deploying], filter: "exactly that after a yes" },
  },
  {
    name: "failed-secret-command-used",
    guard: "A command that fails gives no secret",
    file: "cli/definitions/secret_values.ts",
    find: "if (code !== 0) {",
    put: "if (code < 0) {",
    tests: { paths: ["cli/definitions/secret_values_test.ts"] },
  },
  {
    name: "script-removes",
    guard: "A script removes a service only when it is told to",
    file: "cli/commands/remove.ts",
    find: "if (!isInteractive(context.terminal)) throw needsYes(input);",
    put:
      "if (!isInteractive(context.terminal)) return report(await ask(dryRun, timeoutMs), { service, node, file, dryRun });",
    tests: { paths: ["tests/component/cli_history_test.ts"], filter: "remove" },
  },
  {
    name: "edit-overwrites",
    guard: "What another hand wrote into a definition meanwhile is not overwritten",
    file: "cli/commands/service/edit.ts",
    find: "if (await files.readText(file) !== current) {",
    put: "if (file === '') {",
    tests: { paths: ["tests/component/cli_service_test.ts"], filter: "service edit" },
  },
  {
    name: "failed-pull-writes",
    guard: "A pull that fails leaves the local file as it was",
    file: "cli/commands/pull.ts",
    find: "if (success && !toScreen) await",
    put: "if (!toScreen) await",
    tests: { paths: ["tests/component/cli_files_test.ts"], filter: "pull" },
  },
  {
    name: "token-sent-to-another",
    guard: "A token is sent to the provider that has made it, and to no other",
    file: "cli/identity/mcias.ts",
    find: "stored.issuer === this.issuer && ",
    put: "",
    tests: { paths: ["tests/component/cli_identity_test.ts"], filter: "another one" },
  },
  {
    name: "long-value-told",
    guard: "A mistake in a file is told without the whole of a long value, which may be a secret",
    file: "lib/toml/decode.ts",
    find: "value.length > 80 ?",
    put: "value.length > 8_000_000 ?",
    tests: { paths: ["lib/toml/decode_test.ts"] },
  },
  {
    name: "operators-ca-removed",
    guard: "A CA that the operator keeps elsewhere stays when its node is forgotten",
    file: "cli/commands/node/remove.ts",
    find: "if (node.caCert === copiedCa) await files.remove(copiedCa);",
    put: "if (node.caCert !== undefined) await files.remove(node.caCert);",
    tests: { paths: [cli], filter: "node remove" },
  },
];
