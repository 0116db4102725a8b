/**
 * `mcp login` — trades a password for a token and keeps it, or keeps a token of one node.
 *
 * Neither a password nor a token is ever an argument: arguments can be read by
 * everyone on the machine while the command runs.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { optional } from "@optique/core/modifiers";
import { option } from "@optique/core/primitives";
import { string } from "@optique/core/valueparser";
import { McpError } from "../../lib/errors.ts";
import type { IssuedToken } from "../../lib/mcias/client.ts";
import { nodeArgument, timeoutOption } from "../arguments.ts";
import type { Command, CommandContext, Report } from "../command.ts";
import type { Config, MciasConfig, Node } from "../config.ts";
import { exitCodes } from "../output/exit_code.ts";
import { askLine, askSecret } from "../prompt.ts";

type LoginContext = Pick<
  CommandContext,
  "config" | "nodes" | "files" | "terminal" | "agents" | "progress"
>;

interface LoginInput {
  readonly node: string | undefined;
  readonly username: string | undefined;
  readonly totp: string | undefined;
  readonly timeoutMs: number;
}

/** `mcp login` */
export const login: Command<LoginInput> = {
  path: ["login"],
  summary: "Log in and keep the token",
  description:
    "With [mcias] in the config: asks for user name and password, and keeps a token for all nodes. With a node, or without [mcias]: asks for a token that `mcp-agent token create` made on that node, and keeps it for that node. Passwords and tokens may also be piped in.",
  examples: [
    { line: "mcp login", effect: "log in to MCIAS" },
    { line: "mcp login rift < token.txt", effect: "keep a token of the node rift" },
  ],
  parser: object({
    node: optional(nodeArgument()),
    username: optional(option("-u", "--username", string({ metavar: "NAME" }), {
      description: message`User name for MCIAS; asked for when left out`,
    })),
    totp: optional(option("--totp", string({ metavar: "CODE" }), {
      description: message`One-time code for MCIAS; asked for when it is needed`,
    })),
    timeoutMs: timeoutOption(10_000),
  }),

  async run(context, input) {
    const config = await context.config();
    return config.mcias !== undefined && input.node === undefined
      ? await loginToMcias(context, config, config.mcias, input)
      : await keepNodeToken(
        context,
        config,
        chooseNode(await context.nodes(), input.node),
        input.timeoutMs,
      );
  },
};

async function loginToMcias(
  context: LoginContext,
  config: Config,
  mcias: MciasConfig,
  input: LoginInput,
): Promise<Report> {
  const { terminal, files } = context;
  if (input.username === undefined && !terminal.stdin.isTerminal) {
    throw new McpError("invalid", "Cannot ask for the user name: input is no terminal", {
      hint: "Pass --username NAME and pipe the password in",
    });
  }
  const username = input.username ?? await askLine(terminal, "User name: ");
  const password = await askSecret(terminal, "Password: ");
  const { token, expiresAt } = await tradePassword(context, mcias, {
    ...input,
    username,
    password,
  });
  const { writeToken } = await import("../token.ts");
  await writeToken(files, config.tokenPath, token, expiresAt);
  return {
    screen: [[[`Logged in as ${username} until ${expiresAt.toISOString()}`]]],
    json: {
      provider: "mcias",
      username,
      expires_at: expiresAt.toISOString(),
      token_path: config.tokenPath,
    },
    exitCode: exitCodes.done,
  };
}

/**
 * MCIAS does not say whether it missed a code or the password was wrong. So the
 * code is asked for after a refusal, and only of someone who can answer.
 */
async function tradePassword(
  { files, terminal, progress }: LoginContext,
  mcias: MciasConfig,
  { username, password, totp, timeoutMs }: LoginInput & {
    readonly username: string;
    readonly password: string;
  },
): Promise<IssuedToken> {
  const { MciasClient } = await import("../../lib/mcias/client.ts");
  using client = new MciasClient({
    serverUrl: mcias.serverUrl,
    ca: mcias.caCert === undefined ? undefined : await requireText(files, mcias.caCert),
    timeoutMs,
  });
  const { serviceName } = mcias;
  const attempt = (totpCode: string | undefined) =>
    progress.during(
      () => [`Logging in as ${username}`],
      client.login({ username, password, totpCode, serviceName }),
    );
  try {
    return await attempt(totp);
  } catch (error) {
    const mayMissCode = error instanceof McpError && error.kind === "unauthenticated" &&
      totp === undefined && terminal.stdin.isTerminal;
    if (!mayMissCode) throw error;
    const code = await askLine(terminal, "One-time code (leave empty if you have none): ");
    if (code === "") throw error;
    return await attempt(code);
  }
}

async function keepNodeToken(
  { files, terminal, agents, progress }: LoginContext,
  config: Config,
  node: Node,
  timeoutMs: number,
): Promise<Report> {
  const { nodeTokenPath, requireToken, writeToken } = await import("../token.ts");
  const typed = await askSecret(terminal, `Token for ${node.name}: `);
  const token = requireToken(typed.trim(), "The input");
  const { agentVersion } = await progress.during(
    () => [`Trying the token on ${node.name}`],
    agents.ask(node, (agent, call) => agent.nodeStatus({}, call), { timeoutMs, token }),
  );
  const path = nodeTokenPath(config, node.name);
  await writeToken(files, path, token, undefined);
  return {
    screen: [[[`Node ${node.name} accepts the token; kept in ${path}`]]],
    json: { provider: "local", node: node.name, agent_version: agentVersion, token_path: path },
    exitCode: exitCodes.done,
  };
}

function chooseNode(nodes: readonly Node[], name: string | undefined): Node {
  const names = nodes.map((node) => node.name).join(", ");
  const candidates = name === undefined ? nodes : nodes.filter((node) => node.name === name);
  const [node, ...others] = candidates;
  if (node === undefined) {
    throw new McpError("not_found", `There is no node "${name}" in the config`, {
      hint: `The nodes are ${names}`,
    });
  }
  if (others.length === 0) return node;
  throw new McpError("invalid", "Cannot tell which node to log in to", {
    hint: `Run \`mcp login <node>\` with one of ${names}`,
  });
}

async function requireText(files: CommandContext["files"], path: string): Promise<string> {
  const text = await files.readText(path);
  if (text !== undefined) return text;
  throw new McpError("not_found", `Cannot verify MCIAS: there is no CA certificate ${path}`);
}
