/**
 * A service as Kubernetes' YAML, of which `podman kube play` 4.3 reads all kinds that it needs.
 *
 * Each component is a Deployment of one pod, so that each is restarted, and replaced, by itself; what is
 * to end, or not to be brought back, is a Pod. Those whose names are looked up have a Service without
 * an address of its own, which podman passes over. What others wait for stands first.
 *
 * @module
 */

import type { ComponentSpec } from "../../../lib/domain/component_spec.ts";
import { parseVolume } from "../../../lib/domain/mappings.ts";
import { containerName } from "../../../lib/domain/names.ts";
import type { ServiceSpec } from "../../../lib/domain/service_spec.ts";
import type { Exported } from "../exported.ts";
import { commentLines, Notes, type NoteTaker } from "../notes.ts";
import { claimNames, isServiceName } from "./names.ts";
import { isDeployment, isFoundByName, writePod } from "./pod.ts";
import type { PodDraft } from "./pod_draft.ts";
import { type Yaml, yamlText } from "./yaml_text.ts";

type Document = { readonly [key: string]: Yaml | undefined };

/** Writes one file. */
export function toKube(spec: ServiceSpec): Exported {
  const notes = new Notes();
  const volumes = volumesOf(spec);
  const claims = claimNames(volumes);
  tellOfService(spec, notes.about(undefined), claims);
  const workloads = inOrder(spec.components).flatMap((component) =>
    workload(spec, component, claims, notes.about(component.name))
  );
  const documents = [...[...claims.values()].map(claim), ...workloads];
  const head = [
    `# The service ${spec.name}, written by \`mcp service export\` for Kubernetes and podman.`,
    "#",
    `#   kubectl apply -f ${spec.name}.yaml`,
    `#   podman kube play ${spec.name}.yaml; podman kube down ${spec.name}.yaml`,
    ...commentLines(notes.all),
  ];
  const text = [
    head.map((line) => `${line}\n`).join(""),
    ...documents.map((document) => `---\n${yamlText(document)}`),
  ].join("");
  return { files: [{ name: `${spec.name}.yaml`, text }], notes: notes.all };
}

/** podman starts what stands first; those that are waited for come before those that wait. */
function inOrder(components: readonly ComponentSpec[]): readonly ComponentSpec[] {
  const ordered = new Set<ComponentSpec>();
  const add = (component: ComponentSpec | undefined) => {
    if (component === undefined || ordered.has(component)) return;
    for (const name of component.dependsOn) add(components.find((each) => each.name === name));
    ordered.add(component);
  };
  components.forEach(add);
  return [...ordered];
}

function volumesOf({ components }: ServiceSpec): readonly string[] {
  const sources = components.flatMap(({ volumes }) =>
    volumes.flatMap((text) => parseVolume(text)?.source ?? [])
  );
  return [...new Set(sources.filter((source) => !source.startsWith("/")))];
}

function tellOfService(
  spec: ServiceSpec,
  tell: NoteTaker,
  claims: ReadonlyMap<string, string>,
): void {
  tell.needs(
    "service",
    "on its own node MCP still holds its ports and names",
    `Run \`mcp remove ${spec.name}\` first; its data stays where it is`,
  );
  for (const [volume, claim] of claims) {
    tell.needs(
      "volumes",
      claim === volume
        ? `${volume} is a claim of 1 GiB, and empty in a cluster`
        : `the volume ${volume} is the claim ${claim} of 1 GiB, and empty everywhere`,
      "Copy its data, and say how large it is to be",
    );
  }
  if (spec.components.some(({ pull }) => pull === "always")) {
    tell.changed("pull", "images are asked for at each start of a pod, not only at a deploy");
  }
  if (spec.components.some(({ user }) => user === "" || user.startsWith("root"))) {
    tell.changed(
      "user",
      "root in a container is root of the node in a cluster, and here the user that podman runs as",
    );
  }
  if (!spec.active) {
    const pods = spec.components.filter((component) => !isDeployment(component));
    tell.changed(
      "active",
      "the service is stopped: its Deployments have no replicas",
      [
        "podman 5 starts one of each all the same: have it play the file with --start=false",
        ...pods.length === 0
          ? []
          : [`These are Pods, and start at once: ${pods.map(({ name }) => name).join(", ")}`],
      ].join(". "),
    );
  }
}

/** The size is what Kubernetes must be told; no provisioner of a single node heeds it. */
function claim(name: string): Document {
  return {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name },
    spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
  };
}

function workload(
  { name: service, active }: ServiceSpec,
  component: ComponentSpec,
  claims: ReadonlyMap<string, string>,
  tell: NoteTaker,
): Document[] {
  const name = containerName(service, component.name);
  const selector = {
    "app.kubernetes.io/name": component.name,
    "app.kubernetes.io/part-of": service,
  };
  const draft: PodDraft = {
    component,
    tell,
    name,
    claimName: (volume) => claims.get(volume) ?? volume,
    labels: { ...selector },
    annotations: {},
    spec: {},
    container: {},
    security: {},
  };
  writePod(draft);
  const metadata = { labels: draft.labels, annotations: draft.annotations };
  const { volumes, ...rest } = draft.spec;
  const pod = {
    // What is found by name is asked by name, and not by variables.
    enableServiceLinks: false,
    ...rest,
    containers: [inReadingOrder({ ...draft.container, securityContext: draft.security })],
    volumes,
  };
  const services = isFoundByName(component) ? serviceOf(name, selector, tell) : [];
  if (!isDeployment(component)) {
    return [...services, {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, ...metadata },
      spec: pod,
    }];
  }
  return [...services, {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, labels: selector },
    spec: {
      replicas: active ? 1 : 0,
      // Two pods cannot have one port of the node.
      strategy: { type: "Recreate" },
      selector: { matchLabels: selector },
      template: { metadata, spec: pod },
    },
  }];
}

/** As Kubernetes' own documentation has them. */
const containerKeys = [
  "name",
  "image",
  "imagePullPolicy",
  "command",
  "args",
  "workingDir",
  "env",
  "ports",
  "volumeMounts",
  "livenessProbe",
  "readinessProbe",
  "resources",
  "securityContext",
] as const;

function inReadingOrder(container: Document): Document {
  return Object.fromEntries(containerKeys.map((key) => [key, container[key]]));
}

/** Without an address of its own it says which ports it has to nobody, so that all are reached. */
function serviceOf(name: string, selector: { readonly [key: string]: string }, tell: NoteTaker) {
  if (!isServiceName(name)) {
    tell.leftOut("name", `others do not find it as ${name}: no Service can be called so`);
    return [];
  }
  return [{
    apiVersion: "v1",
    kind: "Service",
    metadata: { name },
    // Before it has proved itself as well: those who start with it look for it at once.
    spec: { clusterIP: "None", publishNotReadyAddresses: true, selector },
  }];
}
