/**
 * Status, and what else reads events, where there are very many of them.
 *
 * @module
 */

import { create } from "@bufbuild/protobuf";
import { getServiceStatus } from "../../../agent/door/rpc/get_service_status.ts";
import { eventsAfter, recentEvents } from "../../../agent/registry/events.ts";
import { ServiceStatusRequestSchema } from "../../../proto/gen/mcp/v1/mcp_pb.ts";
import { addEvents, ManyContainers } from "../../support/many_containers.ts";
import { interleaved, type Sampled, timed } from "../interleaved.ts";
import { atMostTimes, type Bench, type Measure, type Row } from "../measure.ts";

const few = "1,000 events";
const many = "1,000,000 events";
const asked = ["status of all", "status of one service", "status of one without events", "events"];

/** So many in a row are one sample: one alone is of a millisecond. */
const times = 5;
/** Of what is over so soon, the middle of a few is anybody's. */
const fewest = 21;

export const measure: Measure = {
  name: "status_many_events",
  question: "What does `status` of 50 components cost with a million events in the registry?",
  targets: asked.map((what) => atMostTimes(2, `${what}, ${many}`, `${what}, ${few}`)),
  needs: "nothing",
  v8Flags: ["--jitless"],
  withinMinutes: 5,
  run,
};

async function run({ repeat, tell }: Bench): Promise<readonly Row[]> {
  await using one = await ManyContainers.start(60);
  await using other = await ManyContainers.start(60);
  addEvents(one.registry, 1_000, one.clock.now());
  tell("Writing a million events");
  addEvents(other.registry, 1_000_000, other.clock.now());
  const alternatives: Record<string, Sampled> = {};
  for (const [count, node] of [[few, one], [many, other]] as const) {
    const status = (name: string) => () =>
      getServiceStatus(node.rooms, create(ServiceStatusRequestSchema, { name }));
    const acts: Record<string, () => unknown> = {
      "status of all": status(""),
      "status of one service": status("svc-0001"),
      // Events are of the first ten services.
      "status of one without events": status("svc-0011"),
      "events": () => {
        const since = new Date(node.clock.now().getTime() - 600_000);
        recentEvents(node.registry, { since, limit: 100 });
        recentEvents(node.registry, { service: "svc-0002", since, limit: 100 });
        eventsAfter(node.registry, 900, { service: "svc-0011", limit: 100 });
      },
    };
    for (const [what, act] of Object.entries(acts)) {
      alternatives[`${what}, ${count}`] = async () =>
        await timed(async () => {
          for (let time = 0; time < times; time++) await act();
        }) / times;
    }
  }
  const samples = await interleaved(Math.max(repeat, fewest), alternatives);
  const { size } = await Deno.stat(other.folder.at("mcp.db"));
  const file: Row = { label: `the registry's file, ${many}`, unit: "MB", samples: [size / 1e6] };
  return asked.flatMap((what): Row[] => [
    { label: `${what}, ${few}`, unit: "ms", samples: samples[`${what}, ${few}`] ?? [] },
    {
      label: `${what}, ${many}`,
      unit: "ms",
      samples: samples[`${what}, ${many}`] ?? [],
      beside: `${what}, ${few}`,
    },
  ]).concat(file);
}
