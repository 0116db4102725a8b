/**
 * The registry: what this node remembers. Opening, migrating, transactions, closing.
 *
 * Only this and `backup.ts` import `node:sqlite`. One process writes; `mcp-agent token` may
 * write beside a running server, in transactions of its own, and waits for it.
 * Neither ATTACH nor VACUUM INTO is used: Deno grants them only without a sandbox.
 *
 * @module
 */

import { closeSync, openSync } from "node:fs";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { McpError } from "../../lib/errors.ts";
import { isDamage, restoreHint } from "./backup.ts";
import { migrations } from "./migrations/index.ts";
import type { Row } from "./row.ts";

/** How long a writer waits for another process that is writing. */
const busyTimeoutMs = 5_000;

/** An open registry. */
export class Registry implements Disposable {
  readonly #path: string;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #change = Promise.withResolvers<void>();

  private constructor(path: string, database: DatabaseSync) {
    this.#path = path;
    this.#database = database;
  }

  /**
   * Opens the registry, creating it or bringing an older schema up to date.
   *
   * @throws {McpError} `unavailable` when the file cannot be opened or is damaged,
   *   `conflict` when a newer agent wrote it.
   */
  static open(path: string): Registry {
    let database: DatabaseSync | undefined;
    try {
      // Made here when it is new, so that nobody else can read it; its WAL takes the same mode.
      closeSync(openSync(path, "a", 0o600));
      database = new DatabaseSync(path, { enableForeignKeyConstraints: true });
      database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
      database.exec("PRAGMA journal_mode = WAL");
      // With WAL, NORMAL could lose the last transactions in a power cut.
      database.exec("PRAGMA synchronous = FULL");
      const registry = new Registry(path, database);
      registry.#migrate(path);
      return registry;
    } catch (error) {
      database?.close();
      if (error instanceof McpError) throw error;
      if (isDamage(error)) throw damaged(path, error);
      throw new McpError("unavailable", `Cannot open the registry ${path}`, { cause: error });
    }
  }

  /**
   * Looks through all of it for damage, which one query alone might not meet.
   *
   * @throws {McpError} `unavailable`, with the latest snapshot to go back to.
   */
  requireSound(): void {
    let found: unknown;
    try {
      found = this.get("PRAGMA quick_check(1)")?.["quick_check"];
    } catch (error) {
      if (isDamage(error)) throw damaged(this.#path, error);
      throw error;
    }
    if (found !== "ok") throw damaged(this.#path, new Error(String(found)));
  }

  /** The rows of a query. */
  all(sql: string, ...parameters: SQLInputValue[]): Row[] {
    return this.#prepare(sql).all(...parameters) as Row[];
  }

  /** The first row of a query, if any. */
  get(sql: string, ...parameters: SQLInputValue[]): Row | undefined {
    return this.#prepare(sql).get(...parameters) as Row | undefined;
  }

  /** Runs a statement; the number of rows it changed. */
  run(sql: string, ...parameters: SQLInputValue[]): number {
    return Number(this.#prepare(sql).run(...parameters).changes);
  }

  /**
   * Runs `work` in one transaction: all of it is remembered, or nothing.
   *
   * Transactions do not nest, and `work` is synchronous: nothing else can write between.
   */
  transaction<T>(work: () => T): T {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      this.#database.exec("COMMIT");
      this.#change.resolve();
      this.#change = Promise.withResolvers();
      return result;
    } catch (error) {
      this.#database.exec("ROLLBACK");
      throw error;
    }
  }

  /** Resolves when the next transaction of this process has been remembered. */
  changed(): Promise<void> {
    return this.#change.promise;
  }

  [Symbol.dispose](): void {
    this.#statements.clear();
    this.#database.close();
  }

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  #migrate(path: string): void {
    const schema = () => Number(this.get("PRAGMA user_version")?.["user_version"]);
    const at = schema();
    if (at > migrations.length) {
      throw new McpError(
        "conflict",
        `Cannot open the registry ${path}: its schema ${at} is newer than this agent's ${migrations.length}`,
        { hint: "Install the mcp-agent that wrote it, or a newer one" },
      );
    }
    for (const [index, sql] of migrations.entries()) {
      if (index < at) continue;
      this.transaction(() => {
        // Another process may have done it while this one waited for its turn.
        if (index < schema()) return;
        this.#database.exec(sql);
        this.#database.exec(`PRAGMA user_version = ${index + 1}`);
      });
    }
  }
}

function damaged(path: string, cause: unknown): McpError {
  return new McpError("unavailable", `Cannot use the registry ${path}: it is damaged`, {
    cause,
    hint: restoreHint(path),
  });
}
