/**
 * `mcp login` — gets a token from MCIAS or an OIDC provider and keeps it, or keeps one of one node.
 *
 * No password, code or token is ever an argument: arguments can be read by
 * everyone on the machine while the command runs.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import type { InferValue } from "@optique/core/parser";
import { optional } from "@optique/core/modifiers";
import { McpError } from "../../lib/errors.ts";
import type { Credentials } from "../../lib/mcias/client.ts";
import type { DeviceLogin } from "../../lib/oidc/client.ts";
import { nodeArgument, textOption, timeoutOption } from "../command_line/arguments.ts";
import type { Command, CommandContext, Report } from "../command.ts";
import type { Config, MciasConfig, Node, OidcConfig } from "../settings/config.ts";
import type { MciasProvider } from "../identity/mcias.ts";
import { exitCodes } from "../output/exit_code.ts";
import { printable } from "../output/screen_text.ts";
import { askLine, askSecret } from "../terminal/prompt.ts";
import type { StoredToken } from "../identity/token_file.ts";

type LoginContext = Pick<
  CommandContext,
  "clock" | "config" | "nodes" | "files" | "terminal" | "agents" | "progress" | "interrupted"
>;

const parser = object({
  node: optional(nodeArgument()),
  username: optional(
    textOption("--username", "NAME", "User name for MCIAS; asked for when left out", "-u"),
  ),
  timeoutMs: timeoutOption(10_000),
});

type LoginInput = InferValue<typeof parser>;

export const login: Command<LoginInput> = {
  path: ["login"],
  summary: "Log in and keep the token",
  description:
    "With [mcias] in the config: asks for user name and password, and keeps a token for all nodes. With [oidc]: shows an address and a code to confirm in any browser, and does the same. With a node, or without both: asks for a token that `mcp-agent token create` made on that node, and keeps it for that node. Passwords and tokens may also be piped in, a one-time code on a second line.",
  examples: [
    { line: "mcp login", effect: "log in to MCIAS, or in a browser" },
    { line: "mcp login rift < token.txt", effect: "keep a token of the node rift" },
  ],
  parser,

  async run(context, input) {
    const config = await context.config();
    const { identity } = config;
    if (input.node === undefined) {
      if (identity.provider === "mcias") {
        return await loginToMcias(context, config, identity, input);
      }
      if (identity.provider === "oidc") return await loginToOidc(context, config, identity, input);
    }
    const node = chooseNode(await context.nodes(), input.node);
    return await keepNodeToken(context, config, node, input.timeoutMs);
  },
};

async function loginToMcias(
  context: LoginContext,
  config: Config,
  mcias: MciasConfig,
  input: LoginInput,
): Promise<Report> {
  const { terminal } = context;
  if (input.username === undefined && !terminal.stdin.isTerminal) {
    throw new McpError("invalid", "Cannot ask for the user name: input is no terminal", {
      hint: "Pass --username NAME and pipe the password in",
    });
  }
  const username = input.username ?? await askLine(terminal, "User name: ");
  const typed = await askSecret(terminal, "Password: ");
  // What is piped in may bring a one-time code on its second line.
  const [password = "", totpCode] = terminal.stdin.isTerminal ? [typed] : typed.split(/\r?\n/);
  const { MciasProvider } = await import("../identity/mcias.ts");
  using provider = await MciasProvider.open(context, mcias, input.timeoutMs);
  const stored = await tradePassword(context, provider, { username, password, totpCode });
  return await keepSharedToken(context, config, stored, { provider: "mcias", username });
}

/**
 * MCIAS does not say whether it missed a code or the password was wrong. So the
 * code is asked for after a refusal, and only of someone who can answer.
 */
async function tradePassword(
  { terminal, progress, interrupted }: LoginContext,
  provider: MciasProvider,
  { username, password, totpCode }: Omit<Credentials, "serviceName">,
): Promise<StoredToken> {
  const attempt = (code: string | undefined) =>
    progress.during(
      () => [`Logging in as ${username}`],
      provider.login({ username, password, totpCode: code }, interrupted),
    );
  try {
    return await attempt(totpCode);
  } catch (error) {
    const mayMissCode = error instanceof McpError && error.kind === "unauthenticated" &&
      terminal.stdin.isTerminal;
    if (!mayMissCode) throw error;
    const code = await askLine(terminal, "One-time code (leave empty if you have none): ");
    if (code === "") throw error;
    return await attempt(code);
  }
}

async function loginToOidc(
  context: LoginContext,
  config: Config,
  oidc: OidcConfig,
  input: LoginInput,
): Promise<Report> {
  const { clock, terminal, progress, interrupted: signal } = context;
  const { OidcProvider } = await import("../identity/oidc.ts");
  using provider = await OidcProvider.open(context, oidc, input.timeoutMs);
  const login = await provider.startLogin(signal);
  // On standard error, as every question: standard output is for the result.
  for (const line of invitation(login)) terminal.stderr.write(`${printable(line)}\n`);
  const stored = await progress.during(
    () => ["Waiting for the login in the browser"],
    provider.finishLogin(login, { clock, signal }),
  );
  return await keepSharedToken(context, config, stored, { provider: "oidc", issuer: oidc.issuer });
}

/** What to do in the browser; the code is shown even where the address holds it, to be compared. */
function invitation(login: DeviceLogin): string[] {
  const { userCode, verificationUri, verificationUriComplete } = login;
  return verificationUriComplete === undefined
    ? [`Open ${verificationUri} and enter the code ${userCode}`]
    : [`Open ${verificationUriComplete} and compare the code: ${userCode}`];
}

async function keepSharedToken(
  context: LoginContext,
  config: Config,
  stored: StoredToken,
  who: { readonly provider: string; readonly username: string } | {
    readonly provider: string;
    readonly issuer: string;
  },
): Promise<Report> {
  const { tokenPath } = config;
  const { whileLocked, writeToken } = await import("../identity/token_file.ts");
  await whileLocked(context, tokenPath, () => writeToken(context.files, tokenPath, stored));
  const as = "username" in who ? `as ${who.username}` : `at ${who.issuer}`;
  const end = stored.expiresAt?.toISOString();
  return {
    screen: [[[`Logged in ${as}${end === undefined ? "" : ` until ${end}`}`]]],
    json: { ...who, expires_at: end ?? null, token_path: tokenPath },
    exitCode: exitCodes.done,
  };
}

async function keepNodeToken(
  { files, terminal, agents, progress }: LoginContext,
  config: Config,
  node: Node,
  timeoutMs: number,
): Promise<Report> {
  const { nodeTokenPath } = await import("../identity/token.ts");
  const { requireToken, writeToken } = await import("../identity/token_file.ts");
  const typed = await askSecret(terminal, `Token for ${node.name}: `);
  const token = requireToken(typed.trim(), "The input");
  const { agentVersion } = await progress.during(
    () => [`Trying the token on ${node.name}`],
    agents.ask(node, (agent, call) => agent.nodeStatus({}, call), { timeoutMs, token }),
  );
  const path = nodeTokenPath(config, node.name);
  await writeToken(files, path, { token });
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
