/**
 * What every command is given, put together.
 *
 * What is slow to load (gRPC, the schemas) is imported when a command first asks
 * for it, so that `mcp --version`, `--help` and completions answer at once.
 *
 * @module
 */

import { gatherEntropy } from "../lib/rpc/entropy.ts";
import type { Agents } from "./agents/agents.ts";
import type { Authorities } from "./agents/connect.ts";
import type { FanOutDeps } from "./agents/fan_out.ts";
import type { CommandContext } from "./command.ts";
import type { Config } from "./settings/config.ts";
import { requireNode } from "./settings/nodes.ts";
import type { Definitions } from "./definitions/definitions.ts";
import { terminalProgress } from "./output/progress.ts";
import { printable } from "./output/screen_text.ts";
import type { System } from "./system.ts";

/**
 * The context of one run.
 *
 * @param configFlag The value of `--config`.
 */
export async function createContext(
  system: System,
  configFlag: string | undefined,
): Promise<CommandContext> {
  const { env, clock, files, foreground, terminal, interrupted } = system;
  // Almost every command dials a node, and there is much to load until then.
  gatherEntropy();
  const { loadConfig, locateConfig, requireNodes } = await import("./settings/config.ts");
  const configFile = locateConfig(env, configFlag);
  let loading: Promise<Config> | undefined;
  const config = () => loading ??= loadConfig({ files, env }, configFile);
  const progress = terminalProgress(system);
  const agents = createAgents(system, config);
  const definitions = createDefinitions(system, config, { agents, clock, progress, interrupted });
  return {
    clock,
    env,
    files,
    foreground,
    terminal,
    progress,
    interrupted,
    configFile,
    config,
    async nodes(only) {
      // Whoever wants them asks them: gRPC is loaded while the config is read.
      const [known] = await Promise.all([config(), import("./agents/connect.ts")]);
      const nodes = requireNodes(known);
      return only === undefined ? nodes : [requireNode(nodes, only)];
    },
    agents,
    definitions,
  };
}

function createAgents(
  { env, clock, files, interrupted, terminal }: System,
  config: () => Promise<Config>,
): Agents {
  const warn = (text: string) => terminal.stderr.write(`Warning: ${printable(text)}\n`);
  const loadTokens = async () => {
    const { Tokens } = await import("./identity/token.ts");
    return new Tokens({ env, clock, files, warn }, await config());
  };
  let tokens: ReturnType<typeof loadTokens> | undefined;
  let authorities: Authorities | undefined;
  return {
    async ask(node, question, options) {
      const [{ ask, Authorities }, { loginCommand }] = await Promise.all([
        import("./agents/connect.ts"),
        import("./identity/token.ts"),
      ]);
      const deps = {
        authorities: authorities ??= new Authorities(files),
        interrupted,
        tokenFor: async () => await (await (tokens ??= loadTokens())).for(node),
        loginCommand: loginCommand(await config(), node.name),
      };
      return await ask(deps, node, question, options);
    },
  };
}

function createDefinitions(
  { files, exec, interrupted, terminal }: System,
  config: () => Promise<Config>,
  fanOut: FanOutDeps,
): Definitions {
  const deps = async () => ({ ...fanOut, files, config: await config() });
  return {
    async locate(service, options) {
      const { locate } = await import("./definitions/locate.ts");
      return await locate(await deps(), service, options);
    },
    async homeOf(service, options) {
      const { homeOf } = await import("./definitions/locate.ts");
      return await homeOf(await deps(), service, options);
    },
    async copyOf(service, options) {
      const { copyOf } = await import("./definitions/locate.ts");
      return await copyOf(await deps(), service, options);
    },
    async inFolder(service) {
      const { inFolder } = await import("./definitions/folder.ts");
      return await inFolder({ files, config: await config() }, service);
    },
    async all() {
      const { allDefinitions } = await import("./definitions/folder.ts");
      return await allDefinitions({ files, config: await config() });
    },
    async secretValues({ sources }, component) {
      const { readSecretValues } = await import("./definitions/secret_values.ts");
      const warn = (text: string) => terminal.stderr.write(`Warning: ${printable(text)}\n`);
      return await readSecretValues({ files, exec, interrupted, warn }, sources, component);
    },
    async pathOf(service) {
      const { definitionPath } = await import("./definitions/folder.ts");
      return definitionPath(await config(), service);
    },
    async setActive(file, active) {
      const { writeActive } = await import("./definitions/set_active.ts");
      return await writeActive(files, file, active);
    },
  };
}
