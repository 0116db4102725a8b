/**
 * A Compose file as components: https://github.com/compose-spec/compose-spec.
 *
 * Nothing is read but what {@link Sources} has, and nothing is ever taken from the environment of
 * the process: the same files give the same definition everywhere.
 *
 * @module
 */

import { basename, join } from "node:path";
import { containerName } from "../../../lib/domain/names.ts";
import { McpError } from "../../../lib/errors.ts";
import { convertedName, NameConverter } from "../converted_name.ts";
import { Draft } from "../draft.ts";
import type { Findings, Origin } from "../findings.ts";
import { renameHosts } from "../hosts.ts";
import { beside, type Sources } from "../sources.ts";
import { becomeJob, jobsAmong } from "./dependencies.ts";
import { parseDotEnv } from "../dot_env.ts";
import { extended } from "./extends.ts";
import { readFields } from "./fields.ts";
import type { Variables } from "../interpolate.ts";
import { attachmentsOf, connect } from "./networks.ts";
import { type Place, placeOf, Reader } from "./place.ts";
import type { Field, Project } from "./project.ts";
import { parseYaml } from "./yaml.ts";

/** What the operator says about an import. */
interface ComposeOptions {
  readonly file: string;
  /** Name of the folder it is in: what Compose calls a project that has no name. */
  readonly folderName: string;
  /** Name of the service; undefined = as the project is called. */
  readonly name: string | undefined;
  /** Files with variables; none = `.env` beside it. */
  readonly envFiles: readonly string[];
  /** Which profiles are wanted. */
  readonly profiles: readonly string[];
}

/** What came of the files: components, and the name of the service that they make. */
export interface ImportedService {
  readonly service: string;
  readonly drafts: readonly Draft[];
}

/** More components than this no service has. */
const maxServices = 200;

/**
 * Reads a Compose file.
 *
 * @throws {McpError} `not_found` when it is not there, `invalid` when it is no such file.
 */
export function importCompose(
  sources: Sources,
  findings: Findings,
  options: ComposeOptions,
): ImportedService {
  const { file } = options;
  const text = sources.get(file);
  if (text === undefined) throw new McpError("not_found", `There is no file ${file}`);
  const root = placeOf(parseYaml(text, file), { file, line: 1 }, "");
  const own = variablesOf(sources, findings, options);
  const name = projectName(root, own, findings, options);
  const variables = new Map([...own, ["COMPOSE_PROJECT_NAME", name]]);
  const reader = new Reader(findings, variables);
  const services = reader.entry(root, "services");
  if (
    services === undefined || services.value.kind !== "map" || services.value.entries.size === 0
  ) {
    throw new McpError("invalid", `Cannot import ${file}: it has no services`, {
      hint: "A Compose file has a table `services`, a quadlet ends in .container",
    });
  }
  if (services.value.entries.size > maxServices) {
    throw new McpError(
      "invalid",
      `Cannot import ${file}: it has more than ${maxServices} services`,
    );
  }
  tellOfTheRest(reader, root, sources, findings, file);

  const deps = { reader, findings, sources, done: new Map<string, Place>() };
  const wholes = reader.entries(services).map(([key, place]) =>
    [key, extended(deps, services, place)] as const
  );
  const profiles = new Set([
    ...options.profiles,
    ...(own.get("COMPOSE_PROFILES") ?? "").split(",").map((each) => each.trim()),
  ]);
  const components = new Map<string, string>();
  const absent = new Map<string, string>();
  const converter = new NameConverter();
  const service = options.name ?? convertedName(name, "service");
  for (const [key, whole] of wholes) {
    const wanted = profilesOf(reader, whole);
    const isWanted = wanted.length === 0 || profiles.has("*") ||
      wanted.some((each) => profiles.has(each));
    if (isWanted) components.set(key, converter.convert(key, "component"));
    else absent.set(key, `it is of the profile ${wanted.join(", ")}`);
  }
  if (options.name === undefined && service !== name) {
    const { origin } = reader.entry(root, "name") ?? root;
    changedName(findings, origin, "the project", name, service);
  }
  const project: Project = {
    service,
    name: options.name === undefined ? name : service,
    root,
    reader,
    findings,
    sources,
    variables,
    components,
    absent,
  };
  return { service, drafts: readServices(project, wholes) };
}

function readServices(
  project: Project,
  wholes: readonly (readonly [string, Place])[],
): readonly Draft[] {
  const { reader, findings, components, absent, service } = project;
  const fields = wholes.flatMap(([key, whole]): (Field & { readonly key: string })[] => {
    const component = components.get(key);
    if (component === undefined) {
      findings.leftOut(
        whole.origin,
        `${key}: ${absent.get(key)}`,
        `Import again with --profile to have it`,
      );
      return [];
    }
    if (component !== key) changedName(findings, whole.origin, "the service", key, component);
    const draft = new Draft(component, whole.origin, findings);
    return [{ key, project, draft, whole, place: whole }];
  });
  for (const field of fields) readFields(field);

  const jobs = jobsAmong(fields);
  for (const { key, draft, whole } of fields) {
    const origin = jobs.get(key);
    if (origin !== undefined) becomeJob(draft, origin);
    else if (draft.originOf(["restart"]) === draft.origin) notBroughtBack(draft, whole);
  }
  connect(
    project,
    fields.filter(({ draft }) => draft.spec.network === "").map((field) => {
      const place = reader.entry(field.whole, "networks");
      return attachmentsOf(project, field.draft, place && { ...field, place });
    }),
  );
  const hosts = new Map<string, string>();
  for (const { key, draft, whole } of fields) {
    const container = containerName(service, draft.spec.name);
    const before = reader.textOf(whole, "container_name");
    if (before !== undefined) hosts.set(before, container);
    hosts.set(key, container);
  }
  for (const { draft, whole } of fields) {
    const container = containerName(service, draft.spec.name);
    for (const alias of aliasesOf(reader, whole)) {
      if (!hosts.has(alias)) hosts.set(alias, container);
    }
  }
  renameHosts(fields.map(({ draft }) => draft), hosts, findings);
  return fields.map(({ draft }) => draft);
}

/** Other names of a service on its networks. */
function aliasesOf(reader: Reader, whole: Place): readonly string[] {
  const networks = reader.entry(whole, "networks");
  if (networks?.value.kind !== "map") return [];
  return reader.entries(networks).flatMap(([_, network]) => {
    const aliases = reader.entry(network, "aliases");
    return aliases === undefined ? [] : reader.texts(aliases).map(({ text }) => text);
  });
}

function notBroughtBack(draft: Draft, { origin }: Place): void {
  draft.changed(
    origin,
    'restart = "no": Compose brings it back neither after a crash nor after a boot',
    "Take that line out to have it brought back (unless-stopped)",
  );
}

function changedName(
  findings: Findings,
  origin: Origin,
  what: string,
  before: string,
  now: string,
): void {
  findings.changed(origin, `${what} ${JSON.stringify(before)} is called ${now}`);
}

function profilesOf(reader: Reader, whole: Place): readonly string[] {
  const place = reader.entry(whole, "profiles");
  return place === undefined ? [] : reader.texts(place).map(({ text }) => text);
}

/** The variables that the file may use; the shell's own are not among them. */
function variablesOf(
  sources: Sources,
  findings: Findings,
  { file, envFiles }: ComposeOptions,
): Variables {
  const variables = new Map<string, string>();
  const paths = envFiles.length > 0 ? envFiles : [beside({ file }, ".env")];
  for (const path of paths) {
    const text = sources.get(path);
    if (text === undefined) {
      if (envFiles.length > 0) throw new McpError("not_found", `There is no file ${path}`);
      continue;
    }
    const read = parseDotEnv(text, variables);
    for (const { line, what } of read.mistakes) {
      findings.mistake({ file: path, line, key: "" }, what);
    }
    for (const { name, value } of read.variables) variables.set(name, value);
  }
  return variables;
}

/** What Compose calls the project: letters, digits, "-" and "_", beginning with the first two. */
function projectName(
  root: Place,
  variables: Variables,
  findings: Findings,
  { folderName }: ComposeOptions,
): string {
  const reader = new Reader(findings, variables);
  const written = variables.get("COMPOSE_PROJECT_NAME") ?? reader.textOf(root, "name") ??
    folderName;
  const name = written.toLowerCase().replaceAll(/[^a-z0-9_-]/g, "").replace(/^[_-]+/, "");
  return name.slice(0, 63) === "" ? "service" : name.slice(0, 63);
}

const topLevelKeys = new Set([
  "version",
  "name",
  "services",
  "networks",
  "volumes",
  "secrets",
  "configs",
]);

/** What stands in the file, or beside it, and is not read. */
function tellOfTheRest(
  reader: Reader,
  root: Place,
  sources: Sources,
  findings: Findings,
  file: string,
): void {
  const add = (origin: Origin, what: string, todo: string) => findings.leftOut(origin, what, todo);
  for (const [key, { origin }] of reader.entries(root)) {
    if (topLevelKeys.has(key) || key.startsWith("x-")) continue;
    if (key === "include") add(origin, "the files that it includes", "Import each by itself");
    else add(origin, "Compose has no such table", "");
  }
  const stem = basename(file).replace(/\.ya?ml$/, "");
  for (const ending of ["yml", "yaml"]) {
    const override = join(beside({ file }, "."), `${stem}.override.${ending}`);
    if (sources.get(override) === undefined) continue;
    add(
      { file: override, line: 1, key: "" },
      "Compose would lay this file over the other",
      `Merge them with \`docker compose config\` and import what it prints`,
    );
  }
}
