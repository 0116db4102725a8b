/**
 * From drafts to a definition that makes sense.
 *
 * @module
 */

import { resolve } from "node:path";
import { formatComplaint } from "../../lib/domain/complaint.ts";
import { type Privilege, privilegesOf } from "../../lib/domain/privileges.ts";
import { complaintsAbout, type ServiceSpec } from "../../lib/domain/service_spec.ts";
import { type FieldName, keyOf } from "../../lib/domain/component_fields.ts";
import type { ComponentSpec } from "../../lib/domain/component_spec.ts";
import { McpError } from "../../lib/errors.ts";
import { secretsAmong } from "../definitions/secret_variables.ts";
import type { Sources as DefinitionSources } from "../definitions/sources.ts";
import type { Draft } from "./draft.ts";
import { type Findings, formatOrigin, type Note } from "./findings.ts";

/** An import that can be written. */
export interface Imported {
  /** Without the variables of its `env_file`s. */
  readonly spec: ServiceSpec;
  /** Where the rest is; undefined when the definition says it all. */
  readonly sources: DefinitionSources | undefined;
  readonly notes: readonly Note[];
  /** Whether a variable in it looks as if its value were a secret. */
  readonly holdsSecrets: boolean;
}

/** Each is compared with every other one. */
const maxPorts = 4_096;

/**
 * The service that the drafts make.
 *
 * @param files What was imported, for people.
 * @param folder Absolute: what the paths of files are relative to.
 * @throws {McpError} `invalid` with everything that makes no sense and where it comes from.
 */
export function imported(
  service: string,
  drafts: readonly Draft[],
  findings: Findings,
  { files, folder }: { readonly files: string; readonly folder: string },
): Imported {
  for (const draft of drafts) {
    tellOfSecrets(draft);
    tellOfPrivileges(draft);
  }
  tellOfPulls(drafts, findings);
  const spec = { name: service, active: true, components: drafts.map((draft) => draft.spec) };
  const ports = drafts.reduce((sum, draft) => sum + draft.spec.ports.length, 0);
  if (ports > maxPorts) {
    throw new McpError(
      "invalid",
      `Cannot import ${files}: it publishes more than ${maxPorts} ports`,
    );
  }
  const complaints = complaintsAbout(spec);
  const details = [
    ...findings.mistakes.map(({ origin, what }) => ({ origin, what })),
    ...complaints.map((complaint) => {
      const [table, at, ...path] = complaint.path;
      const draft = table === "components" && typeof at === "number" ? drafts[at] : undefined;
      const origin = draft?.originOf(path) ?? { file: files, line: 1, key: "" };
      return { origin, what: `${formatComplaint({ ...complaint, path })}` };
    }),
  ].map(({ origin, what }) => `${formatOrigin(origin)}: ${what}`);
  if (details.length > 0) {
    const mistakes = details.length === 1 ? "a mistake" : `${details.length} mistakes`;
    throw new McpError("invalid", `Cannot import ${files}: it has ${mistakes}`, {
      details: [...new Set(details)].slice(0, 200),
      hint: "Mend a copy of the file and import that",
    });
  }
  const written = { ...spec, components: drafts.map(withoutFiles) };
  return {
    spec: written,
    sources: sourcesOf(drafts, folder),
    notes: findings.notes,
    holdsSecrets: written.components.some(({ env }) => secretsAmong(env).length > 0),
  };
}

/** The component without the variables that its files say. */
function withoutFiles({ spec, envFiles }: Draft): ComponentSpec {
  const said = new Map(envFiles.flatMap(({ values }) => Object.entries(values)));
  const env = Object.entries(spec.env).filter(([name, value]) => said.get(name) !== value);
  return { ...spec, env: Object.fromEntries(env) };
}

/** The places of all that is still to be read; absolute, since the definition lies elsewhere. */
function sourcesOf(drafts: readonly Draft[], folder: string): DefinitionSources | undefined {
  const line = 0;
  const envFiles = drafts.flatMap(({ spec, envFiles: files }) =>
    files.map(({ path }) => ({ component: spec.name, path: resolve(folder, path), line }))
  );
  const secrets = drafts.flatMap(({ spec, secretOrigins }) =>
    spec.secrets.map(({ name }) => {
      const from = secretOrigins.get(name);
      return {
        component: spec.name,
        name,
        from: from !== undefined && "file" in from ? { file: resolve(folder, from.file) } : from,
        line,
      };
    })
  );
  if (envFiles.length === 0 && secrets.length === 0) return undefined;
  return { file: "", envFiles, secrets };
}

/** Everybody who can read the definition can read them, and `podman inspect` shows them. */
function tellOfSecrets(draft: Draft): void {
  const names = secretsAmong(draft.spec.env);
  const [first] = names;
  if (first === undefined) return;
  draft.needs(
    draft.originOf(["env", first]),
    names.length === 1
      ? `${first} looks like a secret in plain text`
      : `${names.join(", ")} look like secrets in plain text`,
    "Where the image reads a file instead (often NAME_FILE), declare it in `secrets`",
  );
}

/** Theirs fetches what is missing; ours looks at each deploy whether the tag has moved. */
function tellOfPulls(drafts: readonly Draft[], findings: Findings): void {
  const [first] = drafts;
  const isSaid = drafts.some((draft) => draft.originOf(["pull"]) !== draft.origin);
  if (first === undefined || isSaid) return;
  findings.changed(
    { ...first.origin, key: "" },
    "images are fetched at each deploy, not only when they are missing",
    'Write pull = "missing" into a component to have it otherwise',
  );
}

const fieldOfPrivilege: Readonly<Record<Privilege, FieldName>> = {
  privileged: "privileged",
  host_network: "network",
  host_namespaces: "hostNamespaces",
  host_mounts: "volumes",
  devices: "devices",
  capabilities: "capAdd",
};

/** What the node refuses unless its own config allows it. */
function tellOfPrivileges(draft: Draft): void {
  const uses = privilegesOf(draft.spec, "/srv");
  for (const privilege of new Set(uses.map((use) => use.privilege))) {
    const of = uses.filter((use) => use.privilege === privilege).map(({ what }) => what);
    draft.needs(
      draft.originOf([keyOf(fieldOfPrivilege[privilege])]),
      `the node must allow that ${of.join(", and that ")}`,
      `Have ${JSON.stringify(privilege)} among \`[agent] allow\` in its mcp-agent.toml`,
    );
  }
}
