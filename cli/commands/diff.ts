/**
 * `mcp diff` — what differs between what is declared, what is deployed, and what was.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import type { InferValue } from "@optique/core/parser";
import { optional } from "@optique/core/modifiers";
import { componentDefaults, type ComponentSpec } from "../../lib/domain/component_spec.ts";
import type { ServiceSpec } from "../../lib/domain/service_spec.ts";
import { differencesBetween } from "../../lib/domain/spec_difference.ts";
import { McpError } from "../../lib/errors.ts";
import { specFromWire } from "../../lib/wire/specs.ts";
import {
  definitionOption,
  nodeOption,
  revisionArgument,
  serviceArgument,
  switchFlag,
  timeoutOption,
} from "../command_line/arguments.ts";
import type { Command, CommandContext } from "../command.ts";
import type { Node } from "../settings/config.ts";
import { exitCodes } from "../output/exit_code.ts";
import { differenceJson, differenceLine } from "../output/plan.ts";
import type { Line } from "../output/screen_text.ts";

const parser = object({
  service: serviceArgument(),
  one: optional(revisionArgument("A revision; see mcp history")),
  other: optional(revisionArgument("Another one")),
  file: definitionOption("Definition instead of the one in the services folder"),
  node: nodeOption("The node, when several know the service"),
  exitCode: switchFlag("--exit-code", "Exit with 9 when something differs"),
  timeoutMs: timeoutOption(10_000),
});

type DiffInput = InferValue<typeof parser>;

export const diff: Command<DiffInput> = {
  path: ["diff"],
  summary: "Show field by field what differs between definition, deployment and revisions",
  description:
    "Without a revision: what is deployed, and what the definition declares. With one: that revision, and what is deployed. With two: the one, and the other. Values of secrets are nowhere.",
  examples: [
    { line: "mcp diff metacrypt", effect: "what a deploy would bring" },
    { line: "mcp diff metacrypt 4", effect: "what has changed since revision 4" },
    { line: "mcp diff metacrypt 4 7", effect: "what changed between the two" },
    {
      line: "mcp diff metacrypt --exit-code",
      effect: "for scripts: exits with 9 when they differ",
    },
  ],
  parser,

  async run(context, input) {
    const { service } = input;
    const { node, before, after } = await sides(context, input);
    const components = differingComponents(before, after);
    const changes = components.some(({ change }) => change !== "same");
    return {
      screen: [
        [[{ text: `${service} on ${node.name}: ${before.name} → ${after.name}`, tone: "strong" }]],
        changes ? components.flatMap(componentLines) : [["  No difference"]],
      ],
      json: {
        service,
        node: node.name,
        before: before.name,
        after: after.name,
        different: changes,
        components: components.map(({ name, change, differences }) => ({
          name,
          change,
          differences: differences.map(differenceJson),
        })),
      },
      exitCode: input.exitCode && changes ? exitCodes.different : exitCodes.done,
    };
  },
};

/** One of the two that are compared. */
interface Side {
  /** E.g. "deployed" or "revision 4". */
  readonly name: string;
  readonly components: readonly ComponentSpec[];
  /** What each component's image meant, where that is known. */
  readonly digests: ReadonlyMap<string, string>;
}

interface Difference {
  readonly field: string;
  readonly deployed: string;
  readonly declared: string;
}

async function sides(
  context: CommandContext,
  { service, one, other, file, node: only, timeoutMs }: DiffInput,
): Promise<{ readonly node: Node; readonly before: Side; readonly after: Side }> {
  const { definitions } = context;
  if (one === undefined) {
    const copy = await definitions.copyOf(service, { timeoutMs, node: only });
    // A definition that is not there yet is what the node was told last.
    const declared = file === undefined && await definitions.inFolder(service) === undefined
      ? undefined
      : await definitions.locate(service, { file, timeoutMs });
    return {
      node: copy.node,
      before: deployedSide(copy.deployed),
      after: declared === undefined
        ? { ...deployedSide(copy.declared), name: "declared on the node" }
        : { ...deployedSide(declared.spec), name: "declared" },
    };
  }
  if (file !== undefined) {
    throw new McpError("invalid", "Cannot use -f with a revision: no definition is compared", {
      hint: `Run \`mcp diff ${service} -f FILE\``,
    });
  }
  const { node } = await definitions.homeOf(service, { timeoutMs, node: only });
  const [before, after] = await context.progress.during(
    () => [`Waiting for ${node.name}`],
    context.agents.ask(node, async (agent, call) => {
      const side = async (number: number): Promise<Side> => {
        const { revision, spec } = await agent.getRevision({ service, number }, call);
        return {
          name: `revision ${number}`,
          components: spec === undefined ? [] : specFromWire(spec).components,
          digests: new Map(
            revision?.components.map(({ name, imageDigest }) => [name, imageDigest]),
          ),
        };
      };
      if (other !== undefined) return await Promise.all([side(one), side(other)]);
      const { deployed } = await agent.getServiceSpec({ name: service }, call);
      return [await side(one), deployedSide(deployed && specFromWire(deployed))] as const;
    }, { timeoutMs }),
  );
  return { node, before, after };
}

function deployedSide(spec: ServiceSpec | undefined): Side {
  return { name: "deployed", components: spec?.components ?? [], digests: new Map() };
}

/** One component of both sides. */
interface ComparedComponent {
  readonly name: string;
  readonly change: "added" | "removed" | "changed" | "same";
  readonly differences: readonly Difference[];
}

function differingComponents(before: Side, after: Side): ComparedComponent[] {
  const names = new Set([...before.components, ...after.components].map(({ name }) => name));
  return [...names].map((name) => {
    const [one, other] = [before, after].map(({ components }) =>
      components.find((component) => component.name === name)
    );
    const differences = fieldsOf(name, one, other, [before, after]);
    const change = one === undefined
      ? "added"
      : other === undefined
      ? "removed"
      : differences.length === 0
      ? "same"
      : "changed";
    return { name, change, differences };
  });
}

/** A component that is on one side only differs from one that says nothing. */
function fieldsOf(
  name: string,
  one: ComponentSpec | undefined,
  other: ComponentSpec | undefined,
  [before, after]: readonly [Side, Side],
): Difference[] {
  const nothing = { ...componentDefaults, name, image: "" };
  const fields = differencesBetween(one ?? nothing, other ?? nothing)
    .map(({ field, before, after }) => ({ field, deployed: before, declared: after }));
  const [from = "", to = ""] = [before, after].map(({ digests }) => digests.get(name));
  const hasMoved = one?.image === other?.image && from !== "" && to !== "" && from !== to;
  return hasMoved ? [{ field: "image digest", deployed: from, declared: to }, ...fields] : fields;
}

function componentLines({ name, change, differences }: ComparedComponent): Line[] {
  const width = Math.max(0, ...differences.map(({ field }) => field.length));
  const tone = { added: "good", removed: "bad", changed: "warn", same: "faint" } as const;
  return [
    [`  ${name}  `, { text: change, tone: tone[change] }],
    ...differences.map((difference) => differenceLine(difference, { indent: 6, width })),
  ];
}
