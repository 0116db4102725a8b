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
    tests: { paths: [install] },
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
    tests: { paths: [install] },
  },
];
