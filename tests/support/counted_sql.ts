/**
 * Counts what is asked of SQLite, and sees how it would go about it.
 *
 * @module
 */

import { DatabaseSync, StatementSync } from "node:sqlite";
import type { Registry } from "../../agent/registry/registry.ts";

type Verb = "all" | "get" | "run";

/** All SQL of this process while it lives; one at a time. */
export class CountedSql implements Disposable {
  /** Every statement in order, each as often as it was run. */
  readonly statements: string[] = [];
  readonly #undo: (() => void)[] = [];

  constructor() {
    const { statements } = this;
    const verbs: readonly Verb[] = ["all", "get", "run"];
    for (const verb of verbs) {
      const original = StatementSync.prototype[verb] as (...args: unknown[]) => unknown;
      const counting = function (this: StatementSync, ...args: unknown[]) {
        statements.push(this.sourceSQL);
        return original.apply(this, args);
      };
      Object.defineProperty(StatementSync.prototype, verb, { value: counting });
      this.#undo.push(() =>
        Object.defineProperty(StatementSync.prototype, verb, { value: original })
      );
    }
    const exec = DatabaseSync.prototype.exec;
    DatabaseSync.prototype.exec = function (this: DatabaseSync, sql: string) {
      statements.push(sql);
      return exec.call(this, sql);
    };
    this.#undo.push(() => DatabaseSync.prototype.exec = exec);
  }

  /** Statements that begin like this. */
  count(beginning: string): number {
    return this.statements.filter((sql) => sql.startsWith(beginning)).length;
  }

  /** What was counted so far counts no more. */
  clear(): void {
    this.statements.length = 0;
  }

  /** How SQLite goes about everything that was counted, e.g. "SCAN components", each line once. */
  plans(registry: Registry): string[] {
    const asked = new Set(this.statements.filter((sql) => /^(SELECT|UPDATE|DELETE)/.test(sql)));
    return [
      ...new Set([...asked].flatMap((sql) => {
        const parameters = Array.from({ length: parametersOf(sql) }, () => null);
        return registry.all(`EXPLAIN QUERY PLAN ${sql}`, ...parameters)
          .map(({ detail }) => String(detail));
      })),
    ];
  }

  [Symbol.dispose](): void {
    for (const undo of this.#undo) undo();
  }
}

function parametersOf(sql: string): number {
  const numbered = [...sql.matchAll(/\?(\d+)/g)].map(([_, digits]) => Number(digits));
  return numbered.length > 0 ? Math.max(...numbered) : [...sql.matchAll(/\?/g)].length;
}
