/**
 * Guards of the machine: what the agent is granted, installing and uninstalling.
 *
 * @module
 */

import type { Mutant } from "../mutant.ts";

const install = "tests/component/install_test.ts";

export const node: readonly Mutant[] = [
  {
    name: "broader-grants-accepted",
    guard: "An agent with more permissions than its config needs does not serve",
    file: "agent/grants.ts",
    find: "if (broader.length > 0 && !options.allowsBroader) {",
    put: "if (broader.length < 0) {",
    tests: { paths: ["agent/grants_test.ts"] },
  },
  {
    name: "missing-grants-accepted",
    guard: "An agent that lacks a permission says so before it serves",
    file: "agent/grants.ts",
    find: "if (missing.length > 0) {",
    put: "if (missing.length < 0) {",
    tests: { paths: ["agent/grants_test.ts"] },
  },
  {
    name: "upgrade-not-put-back",
    guard: "A program that does not serve gives its place back to the one before",
    file: "agent/node/install/execute.ts",
    find: "throw await putBack(machine, step, progress, error);",
    put: "throw error;",
    tests: { paths: [install], filter: "puts the old program back" },
  },
  {
    name: "unit-before-its-program",
    guard: "A unit is written when the program that it starts is there",
    file: "agent/node/install/install_plan.ts",
    find: "theExecutable(facts, target.program),\n    theConfig(facts, target),",
    put: "theUnits(facts, target.nodeFiles),\n    theExecutable(facts, target.program),",
    tests: { paths: ["agent/node/install/install_plan_test.ts"] },
  },
  {
    name: "no-snapshot-before-upgrade",
    guard: "A snapshot of the registry is made before another program opens it",
    file: "agent/node/install/install_plan.ts",
    find: "...theSnapshot(facts),",
    put: "",
    tests: { paths: ["agent/node/install/install_plan_test.ts"] },
  },
  {
    name: "services-data-purged",
    guard: "Uninstalling leaves the data of services, also with --purge-data",
    file: "agent/node/install/uninstall_plan.ts",
    find: `run(shortMs, programs.chown, "root:root", layout.serviceRoot),`,
    put: `{ do: "remove", path: layout.serviceRoot },`,
    tests: { paths: ["agent/node/install/uninstall_plan_test.ts"] },
  },
  {
    name: "link-followed-as-root",
    guard: "Root writes and removes through no link that the agent's user has made",
    file: "agent/node/install/root_files.ts",
    find: "if (real === folder) return;",
    put: "return;",
    tests: { paths: [install], filter: "follow links" },
  },
  {
    name: "one-answer-is-serving",
    guard: "A new program serves when it goes on doing so",
    file: "agent/node/install/await_serving.ts",
    find: "if (inARow >= looksInARow) return;",
    put: "if (isUp) return;",
    tests: { paths: [install], filter: "answers once" },
  },
  {
    name: "program-not-synced",
    guard: "A program is on disk before it has its name",
    file: "agent/node/install/root_files.ts",
    find: "  await file.sync();",
    put: "",
    tests: { paths: ["tests/component/root_files_test.ts"] },
  },
  {
    name: "changed-file-overwritten",
    guard: "A file that an operator has changed is left alone",
    file: "agent/node/install/install_plan.ts",
    find: "return isOurs(installed)\n",
    put: "return installed\n",
    tests: { paths: ["agent/node/install/install_plan_test.ts"] },
  },
  {
    name: "comma-grants-more",
    guard: "A path with a comma grants no other one",
    file: "agent/permissions.ts",
    find: "if (parted !== undefined) {",
    put: "if (parted === null) {",
    tests: { paths: ["agent/permissions_test.ts"] },
  },
];
