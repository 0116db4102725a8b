/**
 * Guards of what the node remembers.
 *
 * @module
 */

import type { Mutant } from "../mutant.ts";

const registryTests = "tests/component/registry_test.ts";
const backup = "tests/component/backup_test.ts";

export const registry: readonly Mutant[] = [
  {
    name: "migration-left-out",
    guard: "A registry of an older release gets every migration",
    file: "agent/registry/registry.ts",
    find: "if (index < at) continue;",
    put: "if (index <= at) continue;",
    tests: { paths: [registryTests], filter: "/migration|first release/" },
  },
  {
    name: "newer-registry-opened",
    guard: "A registry that a newer agent wrote is refused",
    file: "agent/registry/registry.ts",
    find: "if (at > migrations.length) {",
    put: "if (at < 0) {",
    tests: { paths: [registryTests], filter: "newer agent" },
  },
  {
    name: "references-unchecked",
    guard: "The registry's references are kept whole",
    file: "agent/registry/registry.ts",
    find: "enableForeignKeyConstraints: true",
    put: "enableForeignKeyConstraints: false",
    tests: { paths: [registryTests], filter: "power cut" },
  },
  {
    name: "no-write-ahead-log",
    guard: "Who reads the registry does not wait for who writes it",
    file: "agent/registry/registry.ts",
    find: "PRAGMA journal_mode = WAL",
    put: "PRAGMA journal_mode = DELETE",
    tests: { paths: [registryTests], filter: "power cut" },
  },
  {
    name: "transaction-not-synced",
    guard: "What is acknowledged survives a power cut",
    file: "agent/registry/registry.ts",
    find: "PRAGMA synchronous = FULL",
    put: "PRAGMA synchronous = NORMAL",
    tests: { paths: [registryTests], filter: "power cut" },
  },
  {
    name: "failed-transaction-kept",
    guard: "A transaction that fails is rolled back whole",
    file: "agent/registry/registry.ts",
    find: `this.#database.exec("ROLLBACK");`,
    put: `this.#database.exec("COMMIT");`,
    tests: { paths: [registryTests], filter: "rolled back whole" },
  },
  {
    name: "stale-answer-kept",
    guard: "What was read is read anew when another process has written",
    file: "agent/registry/registry.ts",
    find: "kept?.writes === this.#writes && kept.others === others",
    put: "kept?.writes === this.#writes",
    tests: { paths: [registryTests], filter: "read anew" },
  },
  {
    name: "damaged-registry-served",
    guard: "An agent does not serve with a registry that is damaged",
    file: "agent/assemble.ts",
    find: "registry.requireSound();",
    put: "",
    tests: { paths: [backup], filter: "a server refuses a registry that is damaged" },
  },
  {
    name: "snapshot-not-verified",
    guard: "A copy of the registry is believed only when it is sound",
    file: "agent/registry/backup.ts",
    find: `if (rows.length !== 1 || rows[0]?.["integrity_check"] !== "ok") throw`,
    put: "if (rows.length < 0) throw",
    tests: { paths: [backup], filter: "a restore refuses" },
  },
  {
    name: "restore-under-a-server",
    guard: "No snapshot is put into the place of a registry on which an agent is running",
    file: "agent/registry/backup.ts",
    find: "using _lock = lockRegistry(databaseFile, verb);",
    put: "",
    tests: { paths: [backup], filter: "a registry is one server's" },
  },
  {
    name: "two-agents",
    guard: "A registry is one agent's",
    file: "agent/registry/lock.ts",
    find: "if (file.tryLockSync(true)) return file;",
    put: "if (file.tryLockSync(false)) return file;",
    tests: { paths: ["tests/component/backup_test.ts"], filter: "one server" },
  },
  {
    name: "registry-for-all-to-read",
    guard: "Nobody else can read the registry",
    file: "agent/registry/registry.ts",
    find: 'closeSync(openSync(path, "a", 0o600));',
    put: 'closeSync(openSync(path, "a", 0o644));',
    tests: { paths: ["tests/component/registry_test.ts"], filter: "read by nobody else" },
  },
  {
    name: "snapshot-not-synced",
    guard: "A snapshot is on disk before it has its name",
    file: "agent/registry/backup.ts",
    find:
      "await syncPath(temporary);\n      await rename(temporary, path);\n      await syncPath(folder);",
    put: "await rename(temporary, path);",
    tests: { paths: [backup], filter: "a snapshot is on disk" },
  },
  {
    name: "restore-not-synced",
    guard: "A registry that is restored is on disk before it takes the other's place",
    file: "agent/registry/backup.ts",
    find: "await syncPath(temporary);\n      const replaced",
    put: "const replaced",
    tests: { paths: [backup], filter: "that is restored is on disk" },
  },
  {
    name: "log-of-another-registry",
    guard: "A registry that is restored does not meet the write-ahead log of the one before",
    file: "agent/registry/backup.ts",
    find: "await rename(`${databaseFile}${suffix}`, `${aside}${suffix}`);",
    put: "",
    tests: { paths: [backup], filter: "keeps the WAL" },
  },
];
