/**
 * What every command is given, put together.
 *
 * What is slow to load (gRPC, the schemas) is imported when a command first asks
 * for it, so that `mcp --version`, `--help` and completions answer at once.
 *
 * @module
 */

import type { Agents } from "./agents/agents.ts";
import type { FanOutDeps } from "./agents/fan_out.ts";
import type { CommandContext } from "./command.ts";
import type { Config } from "./config.ts";
import type { Definitions } from "./definitions/definitions.ts";
import { terminalProgress } from "./output/progress.ts";
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
  const { env, clock, files, terminal, interrupted } = system;
  const { loadConfig, locateConfig, requireNodes } = await import("./config.ts");
  const configFile = locateConfig(env, configFlag);
  let loading: Promise<Config> | undefined;
  const config = () => loading ??= loadConfig({ files, env }, configFile);
  const progress = terminalProgress(system);
  const agents = createAgents(system, config);
  const definitions = createDefinitions(system, config, { agents, progress, interrupted });
  return {
    clock,
    env,
    files,
    terminal,
    progress,
    interrupted,
    configFile,
    config,
    nodes: async () => requireNodes(await config()),
    agents,
    definitions,
  };
}

function createAgents(
  { env, clock, files, interrupted }: System,
  config: () => Promise<Config>,
): Agents {
  return {
    async ask(node, question, options) {
      const [{ ask }, { loginCommand, tokenFor }] = await Promise.all([
        import("./agents/connect.ts"),
        import("./token.ts"),
      ]);
      const loaded = await config();
      const deps = {
        files,
        interrupted,
        tokenFor: () => tokenFor({ env, clock, files }, loaded, node),
        loginCommand: loginCommand(loaded, node.name),
      };
      return await ask(deps, node, question, options);
    },
  };
}

function createDefinitions(
  { files }: System,
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
    async setActive(file, active) {
      const { writeActive } = await import("./definitions/set_active.ts");
      return await writeActive(files, file, active);
    },
  };
}
