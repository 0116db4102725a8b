/**
 * Quadlets (podman's units) as the components of one service: a `.container` each.
 *
 * `.volume` and `.network` may be given with them, for the names that they say.
 *
 * @module
 */

import { basename } from "node:path";
import { containerName } from "../../../lib/domain/names.ts";
import { McpError } from "../../../lib/errors.ts";
import type { ImportedService } from "../compose/compose.ts";
import { convertedName, NameConverter } from "../converted_name.ts";
import { Draft } from "../draft.ts";
import type { Findings, Origin } from "../findings.ts";
import { renameHosts } from "../hosts.ts";
import type { MountHome } from "../mounts.ts";
import type { Sources } from "../sources.ts";
import { readUnit } from "./fields.ts";
import { type Said, valuesByKey } from "./unit.ts";
import { parseUnit } from "./unit_file.ts";

/** What the operator says about an import. */
interface QuadletOptions {
  readonly files: readonly string[];
  /** Name of the service; undefined = as the only `.container` is called. */
  readonly name: string | undefined;
}

/** One unit that was read. */
interface Unit {
  readonly file: string;
  /** Its name without the ending. */
  readonly stem: string;
  readonly values: ReadonlyMap<string, readonly Said[]>;
}

/**
 * Reads quadlets.
 *
 * @throws {McpError} `not_found` when one is not there, `invalid` when one is of another kind.
 */
export function importQuadlets(
  sources: Sources,
  findings: Findings,
  { files, name }: QuadletOptions,
): ImportedService {
  const ofKind = (ending: string) => files.filter((file) => file.endsWith(ending));
  const containers = ofKind(".container").map((file) => readFile(sources, findings, file));
  const others = [...ofKind(".volume"), ...ofKind(".network")]
    .map((file) => readFile(sources, findings, file));
  const [first] = containers;
  if (first === undefined) {
    throw new McpError("invalid", "Cannot import without a .container", {
      hint: "Name the .container files; .volume and .network files may stand beside them",
    });
  }
  if (name === undefined && containers.length > 1) {
    throw new McpError(
      "invalid",
      `Cannot tell what the service of ${containers.length} files is called`,
      {
        hint: "Say it with --name",
      },
    );
  }
  const service = name ?? convertedName(first.stem, "service");
  const names = namesOf(containers, service);
  const components = new Map(containers.flatMap(({ stem }): [string, string][] => {
    const component = names.get(stem) ?? stem;
    return [[`${stem}.service`, component], [`${stem}.container`, component]];
  }));
  tellOfNames(findings, others);
  for (const file of files.filter((each) => /\.(pod|kube|image|build)$/.test(each))) {
    findings.leftOut(
      { file, line: 1, key: "" },
      "a unit of this kind is not read",
      file.endsWith(".kube") || file.endsWith(".pod")
        ? "Write a component for each of its containers"
        : "Write the image that it stands for into `image`",
    );
  }

  const drafts = containers.map(({ file, stem, values }) => {
    const component = names.get(stem) ?? stem;
    const origin = { file, line: 1, key: "" };
    const draft = new Draft(component, origin, findings);
    if (component !== stem) draft.changed(origin, `${stem} is called ${component}`);
    const networkName = (unit: string) => nameSaid(others, unit, "Network.NetworkName");
    readUnit(values, {
      draft,
      home: homeOf(service, others, findings),
      sources,
      components,
      networkName,
      last: (section, key) => values.get(`${section}.${key}`)?.at(-1),
    });
    if (draft.spec.kind === "job" && draft.spec.healthcheck !== undefined) {
      draft.leftOut(draft.originOf(["healthcheck"]), "the health check of a job");
      draft.put("healthcheck", undefined, origin);
    }
    if (draft.originOf(["restart"]) === origin && draft.spec.kind === "service") {
      draft.changed(
        origin,
        'restart = "no": systemd does not bring it back either',
        "Take that line out to have it brought back (unless-stopped)",
      );
    }
    return draft;
  });
  tellOfNetworks(findings, drafts);
  renameHosts(
    drafts,
    new Map(containers.flatMap(({ stem, values }, at): [string, string][] => {
      const container = containerName(service, drafts[at]?.spec.name ?? stem);
      const said = values.get("Container.ContainerName")?.at(-1)?.value;
      return [[said ?? `systemd-${stem}`, container]];
    })),
    findings,
  );
  return { service, drafts };
}

function readFile(sources: Sources, findings: Findings, file: string): Unit {
  const text = sources.get(file);
  if (text === undefined) throw new McpError("not_found", `There is no file ${file}`);
  const { assignments, mistakes } = parseUnit(text, file);
  for (const { at, what } of mistakes) findings.mistake({ ...at, key: "" }, what);
  const stem = basename(file).replace(/\.[a-z]+$/, "");
  return { file, stem, values: valuesByKey(assignments, stem) };
}

/** Components by the names of their units; what they all begin with is the service's name. */
function namesOf(units: readonly Unit[], service: string): ReadonlyMap<string, string> {
  const converter = new NameConverter();
  return new Map(units.map(({ stem }) => {
    const short = stem.startsWith(`${service}-`) ? stem.slice(service.length + 1) : stem;
    return [stem, converter.convert(short, "component")];
  }));
}

/** What a `.volume` or `.network` is called on the node. */
function nameSaid(others: readonly Unit[], unit: string, key: string): string {
  const found = others.find(({ file }) => basename(file) === unit);
  return found?.values.get(key)?.at(-1)?.value ?? `systemd-${unit.replace(/\.[a-z]+$/, "")}`;
}

function homeOf(service: string, others: readonly Unit[], findings: Findings): MountHome {
  return {
    service,
    volumeName(written, _draft, origin: Origin) {
      if (!written.endsWith(".volume")) return written;
      const name = nameSaid(others, written, "Volume.VolumeName");
      findings.changed(
        origin,
        `${written} is the volume ${name} of the node, and podman makes it when it is missing`,
        `To keep the data where \`mcp push\` and \`mcp pull\` reach it, write ` +
          `/srv/${service}/${convertedName(written.replace(/\.volume$/, ""), "data")} in its place`,
      );
      return name;
    },
  };
}

/** Nobody makes networks but the operator. */
function tellOfNetworks(findings: Findings, drafts: readonly Draft[]): void {
  const told = new Set(["", "host", "none"]);
  for (const draft of drafts) {
    const { network } = draft.spec;
    if (told.has(network)) continue;
    told.add(network);
    findings.needs(
      draft.originOf(["network"]),
      `the network ${network} must be on the node`,
      `Run \`podman network create ${network}\` there, as the user the agent's podman runs as`,
    );
  }
}

/** Of volumes and networks only their names are understood. */
function tellOfNames(findings: Findings, others: readonly Unit[]): void {
  for (const { values } of others) {
    for (const [key, said] of values) {
      if (["Volume.VolumeName", "Network.NetworkName"].includes(key)) continue;
      for (const { origin } of said) {
        findings.leftOut(
          origin,
          `${key.split(".")[1]}= of a volume or network`,
          key.startsWith("Volume.") || key.startsWith("Network.")
            ? "Say it to `podman volume create` or `podman network create` on the node"
            : "",
        );
      }
    }
  }
}
