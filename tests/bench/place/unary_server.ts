/**
 * One of two servers that answer the same call with the same bytes over the same TLS: a whole agent, or
 * grpc-js and nothing else. Says where it is in a line of JSON, and serves until it is killed.
 *
 * Started by the measure `unary_rate`, in a process of its own.
 *
 * @module
 */

import { startLog } from "../../../lib/log.ts";
import { realClock } from "../../../lib/system/clock.ts";
import { MemoryRuntime } from "../../support/memory_runtime.ts";
import { ample, TestNode } from "../../support/test_node.ts";
import { serveBare } from "../peers/bare_server.ts";

/** Where it is. */
export interface UnaryServer {
  /** "host:port". */
  readonly address: string;
  readonly ca: string;
  readonly token: string;
}

if (import.meta.main) {
  // Nobody reads them, and they are written all the same, as on a node.
  const nowhere = await Deno.open("/dev/null", { write: true });
  const encoder = new TextEncoder();
  await startLog({
    level: "info",
    format: "json",
    write: (line) => nowhere.writeSync(encoder.encode(line)),
  });
  const runtime = new MemoryRuntime({ clock: realClock });
  await runtime.runByHand("web");
  const node = await TestNode.start({ clock: realClock, runtime });
  const { adminToken: token } = node;
  const served: UnaryServer = Deno.args[0] === "agent"
    ? { address: node.address, ca: node.ca, token }
    : { ...await serveBare(await node.client().listServices({}, ample)), token };
  // deno-lint-ignore no-console -- an entry: this is its output
  console.log(JSON.stringify(served));
}
