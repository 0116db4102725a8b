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
import { dirname } from "node:path";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { McpError } from "../../lib/errors.ts";
import { migrations } from "./migrations/index.ts";
import { asRefusal, busyTimeoutMs, damaged } from "./refusals.ts";
import type { Row } from "./row.ts";

/** What was read, and before which writes. */
interface Kept {
  readonly value: unknown;
  readonly writes: number;
  readonly others: unknown;
}

/** An open registry. */
export class Registry implements Disposable {
  readonly #path: string;
  readonly #configFile: string | undefined;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #change = Promise.withResolvers<void>();
  /** Statements of this process that have written, and transactions that were undone. */
  #writes = 0;
  /** By what was read. */
  readonly #kept = new Map<string, Kept>();

  private constructor(path: string, database: DatabaseSync, configFile: string | undefined) {
    this.#path = path;
    this.#configFile = configFile;
    this.#database = database;
  }

  /**
   * Opens the registry, creating it or bringing an older schema up to date.
   *
   * @param options.configFile What `mcp-agent restore` would be told, were it damaged.
   * @throws {McpError} `unavailable` when the file cannot be opened or is damaged,
   *   `conflict` when a newer agent wrote it.
   */
  static open(path: string, { configFile }: { readonly configFile?: string } = {}): Registry {
    let database: DatabaseSync | undefined;
    try {
      // Made here when it is new, so that nobody else can read it; its WAL takes the same mode.
      closeSync(openSync(path, "a", 0o600));
      database = new DatabaseSync(path, { enableForeignKeyConstraints: true });
      database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
      database.exec("PRAGMA journal_mode = WAL");
      // With WAL, NORMAL could lose the last transactions in a power cut.
      database.exec("PRAGMA synchronous = FULL");
      const registry = new Registry(path, database, configFile);
      registry.#migrate(path);
      return registry;
    } catch (error) {
      closeQuietly(database);
      const refusal = asRefusal(path, configFile, error);
      if (refusal instanceof McpError) throw refusal;
      throw new McpError("unavailable", `Cannot open the registry ${path}`, {
        cause: error,
        hint: `See whose it is (\`ls -la ${dirname(path)}\`): the agent must be able to write it`,
      });
    }
  }

  /**
   * Looks through all of it for damage, which one query alone might not meet.
   *
   * @throws {McpError} `unavailable`, with the latest snapshot to go back to.
   */
  requireSound(): void {
    const found = this.get("PRAGMA quick_check(1)")?.["quick_check"];
    if (found !== "ok") throw damaged(this.#path, this.#configFile, new Error(String(found)));
  }

  /** The rows of a query. */
  all(sql: string, ...parameters: SQLInputValue[]): Row[] {
    return this.#attempt(() => this.#prepare(sql).all(...parameters) as Row[]);
  }

  /** The first row of a query, if any. */
  get(sql: string, ...parameters: SQLInputValue[]): Row | undefined {
    return this.#attempt(() => this.#prepare(sql).get(...parameters) as Row | undefined);
  }

  /** Runs a statement; the number of rows it changed. */
  run(sql: string, ...parameters: SQLInputValue[]): number {
    return this.#attempt(() => {
      this.#writes++;
      return Number(this.#prepare(sql).run(...parameters).changes);
    });
  }

  /**
   * What `read` gives; it is called again only when anything was written since, by whichever process.
   *
   * @param what Stands for what is read; there are few of them.
   */
  unlessWritten<T>(what: string, read: () => T): T {
    const kept = this.#kept.get(what);
    // Changes when another connection has written; this one's own writes are counted.
    const others = this.get("PRAGMA data_version")?.["data_version"];
    if (kept?.writes === this.#writes && kept.others === others) return kept.value as T;
    const value = read();
    this.#kept.set(what, { value, writes: this.#writes, others });
    return value;
  }

  /**
   * Runs `work` in one transaction: all of it is remembered, or nothing.
   *
   * Transactions do not nest, and `work` is synchronous: nothing else can write between.
   *
   * @throws {McpError} `unavailable` when it cannot be written, e.g. because the disk is full.
   */
  transaction<T>(work: () => T): T {
    return this.#attempt(() => {
      this.#database.exec("BEGIN IMMEDIATE");
      try {
        const result = work();
        this.#database.exec("COMMIT");
        this.#change.resolve();
        this.#change = Promise.withResolvers();
        return result;
      } catch (error) {
        // What was read within it is not so.
        this.#writes++;
        // SQLite itself may have rolled it back, as when the disk is full.
        if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
        throw error;
      }
    });
  }

  /** Resolves when the next transaction of this process has been remembered. */
  changed(): Promise<void> {
    return this.#change.promise;
  }

  [Symbol.dispose](): void {
    this.#statements.clear();
    this.#kept.clear();
    this.#database.close();
  }

  /** What SQLite refuses is told as what it is; everything else is passed on. */
  #attempt<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw asRefusal(this.#path, this.#configFile, error);
    }
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

/** Whatever is wrong with it was told already, and must not be hidden by this. */
function closeQuietly(database: DatabaseSync | undefined): void {
  try {
    database?.close();
  } catch {
    // The process gives it up in any case.
  }
}
