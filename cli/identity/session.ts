/**
 * The token for all nodes, kept alive: renewed before it ends, and had anew by the
 * system account when there is none.
 *
 * What is new is stored like a login's, by the system account's as well: a script
 * that runs every minute would otherwise make MCIAS issue, and remember, a token
 * each time. Where it cannot be stored the command goes on with what it has.
 *
 * @module
 */

import { errorChain, McpError } from "../../lib/errors.ts";
import type { Clock } from "../../lib/system/clock.ts";
import type { FileLocks, Files } from "../../lib/system/files.ts";
import type { Config } from "../settings/config.ts";
import { readPrivate, readToken, type StoredToken, whileLocked, writeToken } from "./token_file.ts";
import { openProvider } from "./open_provider.ts";
import type { IdentityProvider } from "./provider.ts";
import { isDue, isOver } from "./renewal.ts";

/** What keeping a token alive needs. */
export interface SessionDeps {
  readonly files: Files & FileLocks;
  readonly clock: Clock;
  /** Tells the operator something that does not end the command. */
  readonly warn: (text: string) => void;
}

/** How long an identity provider may take before the command goes on without it. */
const timeoutMs = 5_000;

/** The shared token of one run. */
export class Session {
  readonly #deps: SessionDeps;
  readonly #config: Config;
  #underway: Promise<StoredToken | undefined> | undefined;
  /** The token that could not be renewed: in one run it is tried once. */
  #stuckWith: string | undefined;

  constructor(deps: SessionDeps, config: Config) {
    this.#deps = deps;
    this.#config = config;
  }

  /**
   * The token to use; undefined when there is none and no way to get one. One that
   * has ended is returned when there is no way to replace it.
   *
   * Those who ask at the same time share one renewal.
   *
   * @throws {McpError} `unauthenticated` when a token is needed and refused,
   *   `unavailable` when the identity provider is needed and does not answer.
   */
  async token(): Promise<StoredToken | undefined> {
    return await (this.#underway ??= this.#find().finally(() => this.#underway = undefined));
  }

  async #find(): Promise<StoredToken | undefined> {
    const { files, clock } = this.#deps;
    const { account, identity, tokenPath } = this.#config;
    const stored = await readToken(files, tokenPath);
    if (stored === undefined ? account === undefined : this.#isGood(stored)) return stored;
    try {
      using provider = await openProvider(this.#deps, identity, timeoutMs);
      const mayLogIn = account !== undefined &&
        (stored === undefined || isOver(stored, clock.now()));
      const mayRenew = stored !== undefined && provider?.canRenew(stored) === true;
      if (!mayLogIn && !mayRenew) return stored;
      return await whileLocked(this.#deps, tokenPath, () => this.#replace(provider));
    } catch (error) {
      return this.#orGoOn(stored, error);
    }
  }

  /** Whether nothing needs to be done about it. */
  #isGood(stored: StoredToken): boolean {
    const now = this.#deps.clock.now();
    return !isOver(stored, now) && (!isDue(stored, now) || stored.token === this.#stuckWith);
  }

  /** Another `mcp` may have been here first: what it has stored is as good. */
  async #replace(provider: IdentityProvider | undefined): Promise<StoredToken> {
    const { files, clock } = this.#deps;
    const stored = await readToken(files, this.#config.tokenPath);
    if (stored !== undefined) {
      if (this.#isGood(stored)) return stored;
      if (provider?.canRenew(stored) === true) {
        try {
          // Ctrl-C does not call it off: the old token may be lost already, and then the new one too.
          return await this.#store(await provider.renew(stored));
        } catch (error) {
          const mayLogIn = error instanceof McpError && error.kind === "unauthenticated" &&
            this.#config.account !== undefined && isOver(stored, clock.now());
          if (!mayLogIn) return this.#orGoOn(stored, error);
        }
      }
    }
    return await this.#store(await this.#logIn());
  }

  /** A renewal that fails is no failure while the old token is good; it is told all the same. */
  #orGoOn(stored: StoredToken | undefined, error: unknown): StoredToken {
    const isOfUse = stored !== undefined && !isOver(stored, this.#deps.clock.now());
    if (!isOfUse || !(error instanceof McpError)) throw error;
    this.#stuckWith = stored.token;
    const end = stored.expiresAt?.toISOString() ?? "an unknown time";
    this.#deps.warn(`The token ends at ${end} and was not renewed: ${errorChain(error)}`);
    return stored;
  }

  async #store(fresh: StoredToken): Promise<StoredToken> {
    try {
      await writeToken(this.#deps.files, this.#config.tokenPath, fresh);
    } catch (error) {
      if (!(error instanceof McpError)) throw error;
      this.#deps.warn(`The new token serves this command only: ${errorChain(error)}`);
    }
    return fresh;
  }

  /** As the system account: with its password, and without anybody to ask for a code. */
  async #logIn(): Promise<StoredToken> {
    const { account, identity } = this.#config;
    if (account === undefined || identity.provider !== "mcias") {
      throw new McpError("unauthenticated", "There is no valid token", { hint: "Run `mcp login`" });
    }
    const { username, passwordFile } = account;
    const text = await readPrivate(this.#deps.files, passwordFile, "password");
    const password = text?.split(/\r?\n/, 1)[0] ?? "";
    if (password === "") {
      const what = text === undefined ? "there is no such file" : "its first line is empty";
      throw new McpError("invalid", `Cannot read the password in ${passwordFile}: ${what}`, {
        hint: "Correct auth.password_file in the config, or run `mcp login`",
      });
    }
    const { MciasProvider } = await import("./mcias.ts");
    using provider = await MciasProvider.open(this.#deps, identity, timeoutMs);
    return await provider.login({ username, password, totpCode: undefined });
  }
}
