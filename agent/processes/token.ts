/**
 * `mcp-agent token create | list | revoke` — the tokens of the local identity provider.
 *
 * May run beside the server: the registry lets one wait for the other.
 *
 * Grants:
 *   read         the config
 *   read, write  the registry's folder
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import { withDefault } from "@optique/core/modifiers";
import { parseDuration } from "../../lib/domain/duration.ts";
import { McpError } from "../../lib/errors.ts";
import { realClock } from "../../lib/system/clock.ts";
import { realFiles } from "../../lib/system/files.ts";
import { createToken } from "../door/auth/local.ts";
import { loadConfig } from "../config.ts";
import { Registry } from "../registry/registry.ts";
import { listTokens, revokeToken, type TokenRecord } from "../registry/tokens.ts";
import { configOption, jsonFlag, subcommand, textArgument, textOption } from "./process.ts";

/** How long a token lives unless it is said. */
export const defaultLifetime = "90d";

/** Makes a token and shows it, once. */
export const tokenCreate = subcommand({
  path: ["token", "create"],
  summary: "Make an admin token and show it, once",
  example: "mcp-agent token create --subject kyle --lifetime 30d",
  grants: ["--allow-read", "--allow-write"],
  parser: object({
    config: configOption(),
    json: jsonFlag(),
    subject: withDefault(
      textOption("--subject", "NAME", "Whom the token speaks for, in logs and revisions"),
      "operator",
    ),
    lifetime: withDefault(
      textOption("--lifetime", "DURATION", "How long it is valid, e.g. 12h or 30d"),
      defaultLifetime,
    ),
  }),

  async run(input, print) {
    const lifetimeMs = requireLifetime(input.lifetime);
    if (!/^[\w.@-]{1,64}$/.test(input.subject)) {
      throw new McpError("invalid", `Cannot use ${JSON.stringify(input.subject)} as a subject`, {
        hint: "A subject is 1 to 64 letters, digits, and any of . _ @ -",
      });
    }
    using registry = await openLocalRegistry(input.config);
    const { token, record } = createToken(registry, {
      subject: input.subject,
      role: "admin",
      lifetimeMs,
      now: realClock.now(),
    });
    if (input.json) return print(JSON.stringify({ ...toJson(record, realClock.now()), token }));
    print(token);
    print("");
    print(`Token ${record.id} of ${record.subject}, until ${record.expiresAt.toISOString()}.`);
    print("It is shown only now. On the workstation, run `mcp login` and paste it.");
  },
});

/** Lists the tokens, without the tokens themselves. */
export const tokenList = subcommand({
  path: ["token", "list"],
  summary: "List the tokens, valid or not",
  example: "mcp-agent token list",
  grants: ["--allow-read", "--allow-write"],
  parser: object({ config: configOption(), json: jsonFlag() }),

  async run(input, print) {
    using registry = await openLocalRegistry(input.config);
    const now = realClock.now();
    const tokens = listTokens(registry);
    if (input.json) {
      return print(JSON.stringify({ tokens: tokens.map((token) => toJson(token, now)) }));
    }
    print("ID        SUBJECT           ROLE   STATE     UNTIL");
    for (const token of tokens) {
      print(
        [
          token.id.padEnd(8),
          token.subject.padEnd(16),
          token.role.padEnd(5),
          stateOf(token, now).padEnd(8),
          token.expiresAt.toISOString(),
        ].join("  "),
      );
    }
  },
});

/** Ends a token's life before its time. */
export const tokenRevoke = subcommand({
  path: ["token", "revoke"],
  summary: "Revoke a token",
  example: "mcp-agent token revoke 4f2a91c0",
  grants: ["--allow-read", "--allow-write"],
  parser: object({
    config: configOption(),
    json: jsonFlag(),
    id: textArgument("ID", "The token's id, as listed"),
  }),

  async run(input, print) {
    using registry = await openLocalRegistry(input.config);
    if (!revokeToken(registry, input.id, realClock.now())) {
      throw new McpError("not_found", `There is no valid token ${JSON.stringify(input.id)}`, {
        hint: "Run `mcp-agent token list` for those there are",
      });
    }
    // A running server may believe it for as long as its cache does.
    if (input.json) print(JSON.stringify({ id: input.id, state: "revoked" }));
    else print(`Revoked ${input.id}. A running agent refuses it within 30 s.`);
  },
});

/**
 * How long a token is to live.
 *
 * @throws {McpError} `invalid`
 */
export function requireLifetime(text: string): number {
  const lifetimeMs = parseDuration(text);
  if (lifetimeMs !== undefined && lifetimeMs > 0) return lifetimeMs;
  throw new McpError("invalid", `Cannot use ${JSON.stringify(text)} as a lifetime`, {
    hint: `Write it like 12h or 30d; the default is ${defaultLifetime}`,
  });
}

async function openLocalRegistry(configPath: string): Promise<Registry> {
  const config = await loadConfig(realFiles, configPath);
  if (config.auth.provider !== "local") {
    throw new McpError(
      "conflict",
      `Cannot work with tokens of this node: its provider is ${config.auth.provider}`,
      { hint: `Tokens are made there; or set auth.provider = "local" in ${config.file}` },
    );
  }
  return Registry.open(config.databaseFile, { configFile: config.file });
}

function stateOf(token: TokenRecord, now: Date): "valid" | "expired" | "revoked" {
  if (token.revokedAt !== undefined) return "revoked";
  return token.expiresAt.getTime() <= now.getTime() ? "expired" : "valid";
}

function toJson(token: TokenRecord, now: Date) {
  return {
    id: token.id,
    subject: token.subject,
    role: token.role,
    state: stateOf(token, now),
    created_at: token.createdAt.toISOString(),
    expires_at: token.expiresAt.toISOString(),
  };
}
