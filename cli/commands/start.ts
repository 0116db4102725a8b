/**
 * `mcp start` — starts a service and records that it should run.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import { serviceArgument, timeoutOption } from "../command_line/arguments.ts";
import { command } from "../command.ts";
import { lifecycleTimeoutMs, setIntent } from "./intent.ts";

/** `mcp start` */
export const start = command({
  path: ["start"],
  summary: "Start every component of a service and keep it running",
  description:
    "Sets active = true in the service's definition first. A container that is gone is made again from the spec it was last deployed with.",
  examples: [{ line: "mcp start metacrypt", effect: "start it and remember that" }],
  parser: object({ service: serviceArgument(), timeoutMs: timeoutOption(lifecycleTimeoutMs) }),

  async run(context, { service, timeoutMs }) {
    return await setIntent(context, service, {
      active: true,
      verb: "Starting",
      question: (agent, call) => agent.startService({ name: service }, call),
      timeoutMs,
    });
  },
});
