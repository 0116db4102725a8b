/**
 * `mcp stop` — stops a service and records that it should stay stopped.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import { serviceArgument, timeoutOption } from "../command_line/arguments.ts";
import { command } from "../command.ts";
import { lifecycleTimeoutMs, setIntent } from "./intent.ts";

/** `mcp stop` */
export const stop = command({
  path: ["stop"],
  summary: "Stop every component of a service and keep it stopped",
  description:
    "Sets active = false in the service's definition first, so that the intent survives a node that cannot be reached.",
  examples: [{ line: "mcp stop metacrypt", effect: "stop it and remember that" }],
  parser: object({ service: serviceArgument(), timeoutMs: timeoutOption(lifecycleTimeoutMs) }),

  async run(context, { service, timeoutMs }) {
    return await setIntent(context, service, {
      active: false,
      verb: "Stopping",
      question: (agent, call) => agent.stopService({ name: service }, call),
      timeoutMs,
    });
  },
});
