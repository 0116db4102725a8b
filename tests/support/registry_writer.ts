/**
 * A process that writes to a registry without a pause, two tables in every transaction.
 *
 * Takes the registry's path and how many transactions to make; says "begun" after the first.
 *
 * @module
 */

import { Registry } from "../../agent/registry/registry.ts";

if (import.meta.main) {
  const [path = "", count = "0"] = Deno.args;
  using registry = Registry.open(path);
  for (let round = 0; round < Number(count); round++) {
    registry.transaction(() => {
      registry.run("INSERT INTO services (name) VALUES (?)", `service-${round}`);
      registry.run(
        `INSERT INTO events (service, component, prev_state, new_state, cause)
         VALUES (?, 'web', 'unknown', 'running', ?)`,
        `service-${round}`,
        "x".repeat(500),
      );
    });
    if (round === 0) Deno.stdout.writeSync(new TextEncoder().encode("begun\n"));
  }
}
