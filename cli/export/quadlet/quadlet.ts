/**
 * A service as quadlets: a `.container` for each component, and a `.network` for each network that
 * somebody has to make.
 *
 * Containers, networks and volumes keep their names, so that those who know them find them again.
 *
 * @module
 */

import { containerName } from "../../../lib/domain/names.ts";
import type { ServiceSpec } from "../../../lib/domain/service_spec.ts";
import type { Exported, ExportedFile } from "../exported.ts";
import { commentLines, Notes } from "../notes.ts";
import {
  type ContainerUnit,
  healthCommand,
  isMadeNetwork,
  type UnitNames,
  writeContainer,
} from "./container.ts";
import { neededPodman } from "./key_versions.ts";
import { type Section, unitText } from "./unit_text.ts";

/** Writes quadlets. */
export function toQuadlet(spec: ServiceSpec): Exported {
  const notes = new Notes();
  tellOfService(spec, notes);
  const names = namesIn(spec);
  const drafts = spec.components.map((component): ContainerUnit => {
    const draft: ContainerUnit = {
      component,
      names,
      isAwaited: isAwaited(spec, component.name),
      tell: notes.about(component.name),
      unit: [["Description", names.container(component.name)]],
      container: [],
      service: [],
    };
    writeContainer(draft);
    return draft;
  });
  const networks = new Set(
    spec.components.map(({ network }) => network).filter(isMadeNetwork),
  );
  return {
    files: [
      ...drafts.map((draft) => containerFile(spec, draft, notes)),
      ...[...networks].map(networkFile),
    ],
    notes: notes.all,
  };
}

function namesIn(spec: ServiceSpec): UnitNames {
  const named = (name: string) => spec.components.find((component) => component.name === name);
  return {
    container: (component) => containerName(spec.name, component),
    // podman has one list of secrets for all services.
    secret: (name) => `${spec.name}-${name}`,
    isJob: (component) => named(component)?.kind === "job",
    saysWhenHealthy(component) {
      const check = named(component)?.healthcheck;
      return check !== undefined && healthCommand(check) !== undefined;
    },
  };
}

function isAwaited({ components }: ServiceSpec, name: string): boolean {
  return components.some(({ dependsOn }) => dependsOn.includes(name));
}

function tellOfService(spec: ServiceSpec, notes: Notes): void {
  const tell = notes.about(undefined);
  tell.needs(
    "service",
    "MCP brings its own containers of these names back",
    `Run \`mcp remove ${spec.name}\` first; its data stays where it is`,
  );
  const secrets = new Set(
    spec.components.flatMap(({ secrets }) => secrets.map(({ name }) => name)),
  );
  if (secrets.size > 0) {
    const names = [...secrets].map((name) => `${spec.name}-${name}`);
    tell.needs(
      "secrets",
      `podman must know ${names.join(", ")}`,
      "Run `podman secret create NAME FILE` for each, as the user of the units",
    );
  }
  if (spec.components.some(({ pull }) => pull === "always")) {
    tell.changed(
      "pull",
      'images with pull = "always" are fetched when they are missing: a start is no deploy',
      "Run `podman pull IMAGE` and restart the unit to have a new one",
    );
  }
  if (!spec.active) {
    tell.changed("active", "the units do not start at boot: the service is stopped");
  }
}

function containerFile(spec: ServiceSpec, draft: ContainerUnit, notes: Notes): ExportedFile {
  const { component, unit, container, service, names } = draft;
  const name = names.container(component.name);
  const isStarted = spec.active && component.kind === "service";
  const sections: Section[] = [
    { name: "Unit", lines: unit },
    { name: "Container", lines: container },
    { name: "Service", lines: service },
    { name: "Install", lines: isStarted ? [["WantedBy", "default.target"]] : [] },
  ];
  const told = notes.all.filter((note) =>
    note.component === undefined || note.component === component.name
  );
  const head = [
    `# The component ${component.name} of the service ${spec.name}, written by \`mcp service export\`.`,
    `# ${neededPodman(container)}`,
    "#",
    "# Goes into ~/.config/containers/systemd/ of the user that the agent's podman runs as. Then:",
    `#   systemctl --user daemon-reload && systemctl --user start ${name}`,
    ...commentLines(told),
  ];
  return { name: `${name}.container`, text: unitText(head, sections) };
}

/** It stays as it is where it is there already. */
function networkFile(network: string): ExportedFile {
  const lines = [["NetworkName", network]] as const;
  const head = [
    `# The network ${network}, written by \`mcp service export\`.`,
    `# ${neededPodman(lines)}`,
  ];
  return { name: `${network}.network`, text: unitText(head, [{ name: "Network", lines }]) };
}
