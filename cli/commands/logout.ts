/**
 * `mcp logout` — ends the shared token and forgets it, or forgets the token of one node.
 *
 * The file is removed in any case: whoever logs out may not be able to reach the
 * identity provider, and must not keep the token for that. What happened there
 * is said.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import { optional } from "@optique/core/modifiers";
import { errorChain, McpError } from "../../lib/errors.ts";
import { nodeArgument, timeoutOption } from "../command_line/arguments.ts";
import { command, type CommandContext, type Report } from "../command.ts";
import type { Config } from "../settings/config.ts";
import type { Ending } from "../identity/provider.ts";
import { type ExitCode, exitCodeOf, exitCodes } from "../output/exit_code.ts";
import { requireNode } from "../settings/nodes.ts";
import type { StoredToken } from "../identity/token_file.ts";

type LogoutContext = Pick<CommandContext, "clock" | "env" | "files" | "progress">;

export const logout = command({
  path: ["logout"],
  summary: "End the token and forget it",
  description:
    "Without a node: ends the token for all nodes at MCIAS or the OIDC provider, and removes it here in any case. With a node: forgets the token of that node, which stays valid there until `mcp-agent token revoke`.",
  examples: [
    { line: "mcp logout", effect: "end the token for all nodes" },
    { line: "mcp logout rift", effect: "forget the token of the node rift" },
  ],
  parser: object({ node: optional(nodeArgument()), timeoutMs: timeoutOption(5_000) }),

  async run(context, { node, timeoutMs }) {
    const config = await context.config();
    if (node !== undefined) return await forgetNodeToken(context, config, node);
    const { tokenPath } = config;
    const { whileLocked } = await import("../identity/token_file.ts");
    // A renewal under way would bring the token back.
    return await whileLocked(
      context,
      tokenPath,
      () => endSharedToken(context, config, timeoutMs),
    );
  },
});

async function endSharedToken(
  context: LogoutContext,
  config: Config,
  timeoutMs: number,
): Promise<Report> {
  const { clock, env, files, progress } = context;
  const { tokenPath, identity } = config;
  const { readToken } = await import("../identity/token_file.ts");
  let stored: StoredToken | undefined;
  let ending: Ending;
  let exitCode: ExitCode = exitCodes.done;
  try {
    stored = await readToken(files, tokenPath);
    ending = stored === undefined ? { ended: null, told: "" } : await progress.during(
      () => ["Logging out"],
      endAtProvider(context, config, stored, timeoutMs),
    );
  } catch (error) {
    if (!(error instanceof McpError)) throw error;
    const end = stored?.expiresAt;
    if (end !== undefined && end <= clock.now()) ending = { ended: true, told: "it had expired" };
    else {
      const until = end === undefined ? "" : ` until ${end.toISOString()}`;
      ending = { ended: false, told: `it stays valid${until}: ${errorChain(error)}` };
      exitCode = exitCodeOf(error);
    }
  }
  const wasThere = await files.remove(tokenPath);
  const lines = [
    wasThere
      ? `Forgot the token in ${tokenPath}; ${ending.told}`
      : `There is no token in ${tokenPath}`,
    ...(wasThere || identity.provider !== "local"
      ? []
      : ["Tokens of single nodes are forgotten by `mcp logout <node>`"]),
    ...((env.MCP_TOKEN ?? "") === "" ? [] : ["MCP_TOKEN is set, and is still used"]),
  ];
  return {
    screen: [lines.map((line) => [line])],
    json: { token_path: tokenPath, removed: wasThere, ended: ending.ended },
    exitCode,
  };
}

async function endAtProvider(
  { clock, files }: LogoutContext,
  { identity }: Config,
  stored: StoredToken,
  timeoutMs: number,
): Promise<Ending> {
  const { openProvider } = await import("../identity/open_provider.ts");
  using provider = await openProvider({ clock, files }, identity, timeoutMs);
  // A file without an issuer is of an earlier version, or pasted in by hand for the one of the config.
  if (provider === undefined || (stored.issuer ?? provider.issuer) !== provider.issuer) {
    return { ended: null, told: "nobody was told: the config does not name who gave it" };
  }
  return await provider.logout(stored);
}

async function forgetNodeToken(
  { files }: LogoutContext,
  config: Config,
  node: string,
): Promise<Report> {
  const { nodeTokenPath } = await import("../identity/token.ts");
  const path = nodeTokenPath(config, node);
  const wasThere = await files.remove(path);
  if (!wasThere) requireNode(config.nodes, node);
  const lines = wasThere
    ? [
      `Forgot the token of ${node}; there it stays valid until it expires`,
      `To end it, run \`mcp-agent token revoke\` on ${node}`,
    ]
    : [`There is no token of ${node} here`];
  return {
    screen: [lines.map((line) => [line])],
    json: { node, token_path: path, removed: wasThere, ended: null },
    exitCode: exitCodes.done,
  };
}
