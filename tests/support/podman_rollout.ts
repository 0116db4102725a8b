/**
 * Rollouts on real podman, told in the words that an operator is told them in.
 *
 * @module
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import { ok } from "node:assert/strict";
import { Podman } from "../../agent/runtime/podman/podman.ts";
import { realClock } from "../../lib/system/clock.ts";
import { realExec } from "../../lib/system/exec.ts";
import { realFollow } from "../../lib/system/follow.ts";
import type {
  ComponentResult,
  HealthCheckSchema,
  RollOutRequestSchema,
  RollOutResponse,
} from "../../proto/gen/mcp/v1/mcp_pb.ts";
import { type ComponentInit, TrialService } from "./podman_trial.ts";
import { QuietLogs } from "./quiet_logs.ts";
import { ample, type NodeClient, TestNode } from "./test_node.ts";

/** A health check that does not take long to make up its mind. */
export type QuickCheck = Omit<MessageInitShape<typeof HealthCheckSchema>, "$typeName">;

/**
 * Made up with times of its own: what is well is believed at once, and waited for long. What will never
 * be well is to be given a `startPeriodMs` of its own.
 */
export function quickCheck(check: QuickCheck): QuickCheck {
  return { intervalMs: 250, timeoutMs: 60_000, retries: 2, startPeriodMs: 300_000, ...check };
}

/** A node with real podman, and one service that nobody else has. */
export interface RolloutOnPodman {
  readonly node: TestNode<Podman, typeof realClock>;
  readonly client: NodeClient;
  readonly service: TrialService;
}

/** Registers a test that gets one; all of it is gone at the end. */
export function rolloutTest(
  name: string,
  prove: (trial: RolloutOnPodman) => Promise<void>,
  options: { readonly config?: string; readonly agentConfig?: string } = {},
): void {
  Deno.test(name, async () => {
    await using _logs = await QuietLogs.start();
    await using service = new TrialService();
    await using node = await TestNode.start({
      runtime: new Podman({
        exec: realExec,
        follow: realFollow,
        target: { program: "podman", url: undefined },
        pullTimeoutMs: 30_000,
      }),
      clock: realClock,
      config: options.config ?? `[rollout]\nsettle = "3s"\nstop_timeout = "1s"`,
      ...(options.agentConfig === undefined ? {} : { agentConfig: options.agentConfig }),
    });
    await prove({ node, client: node.client(), service });
  });
}

/** The whole service, as any request has it. */
export function wholeOf(
  service: TrialService,
  ...components: readonly ComponentInit[]
): { readonly service: { name: string; active: boolean; components: ComponentInit[] } } {
  return { service: { name: service.name, active: true, components: [...components] } };
}

/** What a rollout told, and what came of it. */
export interface ToldRollout {
  readonly events: readonly RollOutResponse[];
  readonly results: readonly ComponentResult[];
  /** The result of a component. */
  result(component: string): ComponentResult;
}

/** Rolls out, to the end of the stream. */
export async function rollOut(
  client: NodeClient,
  request: MessageInitShape<typeof RollOutRequestSchema>,
): Promise<ToldRollout> {
  const events = await Array.fromAsync(client.rollOut(request, ample));
  const results = events.at(-1)?.results ?? [];
  return {
    events,
    results,
    result(component) {
      const found = results.find(({ name }) => name === component);
      ok(found !== undefined, `There is no result of ${component}`);
      return found;
    },
  };
}
