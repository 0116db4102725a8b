/**
 * Where the time of a rollout goes, as the agent tells it: each step begins when it is told.
 *
 * @module
 */

import type { Row } from "../measure.ts";
import { ample, type NodeClient } from "../../support/test_node.ts";

/** One rollout. */
export interface Deployed {
  /** From the call to the end of the stream, in ms. */
  readonly ms: number;
  /** How long each step took, in ms, by what it does; in the order of the first. */
  readonly steps: ReadonlyMap<string, number>;
}

/** Makes all of a service anew that was deployed before, over a connection that is there. */
export async function deployedBy(client: NodeClient, service: string): Promise<Deployed> {
  const { declared } = await client.getServiceSpec({ name: service }, ample);
  if (declared === undefined) throw new Error(`The node has no spec of "${service}"`);
  const told: { readonly at: number; readonly what: string }[] = [];
  const from = performance.now();
  for await (const event of client.rollOut({ service: declared, recreate: true }, ample)) {
    const at = performance.now() - from;
    if (event.kind === "ended" && event.results.some(({ success }) => !success)) {
      throw new Error(`"${service}" was not deployed: ${event.results[0]?.error}`);
    }
    told.push({ at, what: event.kind === "step" ? firstWord(event.text) : event.kind });
  }
  const ms = performance.now() - from;
  const steps = new Map<string, number>();
  const marks = [{ at: 0, what: "before the first event" }, ...told];
  marks.forEach(({ at, what }, index) => {
    const until = marks[index + 1]?.at ?? ms;
    steps.set(what, (steps.get(what) ?? 0) + until - at);
  });
  return { ms, steps };
}

/**
 * A row for each step: the parts of one whole.
 *
 * @param whole What they are parts of, e.g. "the agent".
 * @param samples The steps of each sample by name, in ms.
 */
export function stepRows(whole: string, samples: readonly ReadonlyMap<string, number>[]): Row[] {
  const names = [...new Set(samples.flatMap((steps) => [...steps.keys()]))];
  return names.map((name) => ({
    label: `${whole}, of this: ${name}`,
    unit: "ms",
    samples: samples.map((steps) => steps.get(name) ?? 0),
  }));
}

/** Steps are told as "pulling registry.example/web:v2". */
function firstWord(text: string): string {
  return text.split(" ")[0] ?? text;
}
