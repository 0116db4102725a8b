/**
 * One component as the spec of a pod, field by field.
 *
 * @module
 */

import { canonicalSpec } from "../../../lib/domain/canonical_spec.ts";
import {
  type FieldName,
  fieldNames,
  isDefault,
  keyOf,
  rowOf,
  type Special,
} from "../../../lib/domain/component_fields.ts";
import type { ComponentSpec } from "../../../lib/domain/component_spec.ts";
import type { Probe } from "../../../lib/domain/health_check.ts";
import { isLocalImage } from "../../../lib/domain/image.ts";
import { parsePort } from "../../../lib/domain/mappings.ts";
import { parseMemory } from "../../../lib/domain/memory_size.ts";
import { uncountedMs } from "../health.ts";
import { unexpanded } from "./expansion.ts";
import { isLabel, isLabelKey } from "./names.ts";
import type { PodDraft, Writable } from "./pod_draft.ts";
import { tellOfSecrets } from "./secrets.ts";
import { writeMounts } from "./mounts.ts";
import type { Yaml } from "./yaml_text.ts";

/** Fields that are not simply a value of a pod's. */
const special: Special<"kube", (draft: PodDraft) => void> = {
  kind: ({ component: { kind }, tell }) => {
    if (kind === "job") {
      tell.changed(
        "kind",
        "the job is a Pod that runs once: not every podman plays the kind Job",
        "Delete the Pod and apply the file anew to run it again",
      );
    }
  },
  pull: writePull,
  network: writeNetwork,
  user: writeUser,
  restart: writeRestart,
  ports: writePorts,
  volumes: writeMounts,
  entrypoint: (draft) => writeWords(draft, "command", "entrypoint", draft.component.entrypoint),
  cmd: (draft) => writeWords(draft, "args", "cmd", draft.component.cmd),
  hostname: ({ component: { hostname }, tell, spec }) => {
    if (/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(hostname)) spec["hostname"] = hostname;
    else if (hostname !== "") {
      tell.leftOut("hostname", `"${hostname}" is no single lower-case name`);
    }
  },
  dependsOn: ({ component: { dependsOn }, tell }) => {
    if (dependsOn.length === 0) return;
    tell.leftOut(
      "depends_on",
      `nothing waits for ${dependsOn.join(", ")}; they only stand before it in the file`,
      "Have it try again until they answer, or apply the file in parts",
    );
  },
  env: writeEnv,
  // Both are mounted with the volumes.
  secrets: tellOfSecrets,
  labels: writeLabels,
  healthcheck: writeHealthCheck,
  memory: writeLimits,
  // Together with memory.
  cpus: () => {},
  ulimits: ({ component: { ulimits }, tell }) => {
    const names = Object.keys(ulimits);
    if (names.length > 0) tell.leftOut("ulimits", `limits of processes (${names.join(", ")})`);
  },
  capAdd: writeCapabilities,
  // Together with those that are added.
  capDrop: () => {},
  tmpfs: ({ component: { tmpfs }, tell }) => {
    if (tmpfs.length > 0) tell.changed("tmpfs", "podman 4.3 keeps what is in memory on its disk");
  },
  devices: ({ component: { devices }, tell }) => {
    if (devices.length === 0) return;
    tell.leftOut("devices", devices.join(", "), "Kubernetes needs a device plugin for them");
  },
  hostNamespaces: ({ component: { hostNamespaces }, tell, spec }) => {
    if (hostNamespaces.includes("pid")) spec["hostPID"] = true;
    if (hostNamespaces.includes("ipc")) spec["hostIPC"] = true;
    if (hostNamespaces.includes("uts")) tell.leftOut("host_namespaces", "the node's own host name");
  },
  stopTimeoutMs: ({ component: { stopTimeoutMs }, spec }) => {
    if (stopTimeoutMs === undefined) return;
    spec["terminationGracePeriodSeconds"] = Math.ceil(stopTimeoutMs / 1000);
  },
};

/** Writes all that the component asks for. */
export function writePod(draft: PodDraft): void {
  for (const field of fieldNames) (special[field] ?? writerOf(field))(draft);
}

/** Who writes an ordinary field, or tells that it is lost: what a text says is shown. */
function writerOf(field: FieldName) {
  const { kube = "" } = rowOf(field);
  return (draft: PodDraft): void => {
    const value = draft.component[field];
    if (isDefault(field, value)) return;
    if (typeof kube === "object") {
      const said = typeof value === "string" ? `${value}: ${kube.leftOut}` : kube.leftOut;
      return draft.tell.leftOut(keyOf(field), said);
    }
    const [part, key = ""] = kube.split(".");
    draft[part as "spec" | "container" | "security"][key] = value as Yaml;
  };
}

/** Whether Kubernetes and podman are to bring it back for good, as only a Deployment's pods are. */
export function isDeployment({ restart }: ComponentSpec): boolean {
  return restart === "always" || restart === "unless-stopped";
}

/** Whether others find it by its container's name: not in the network of the node, nor in none. */
export function isFoundByName({ network }: ComponentSpec): boolean {
  return !["", "default", "host", "none", "pasta", "private", "slirp4netns"].includes(network);
}

// --- One field after the other -------------------------------------------------------

const pullPolicies = { always: "Always", missing: "IfNotPresent", never: "Never" } as const;

function writePull({ component: { pull, image }, container }: PodDraft): void {
  // There is no registry to ask for it.
  container["imagePullPolicy"] = isLocalImage(image) && pull === "always"
    ? pullPolicies.missing
    : pullPolicies[pull];
}

function writeNetwork({ component, name, tell, spec }: PodDraft): void {
  const { network } = component;
  if (network === "host") spec["hostNetwork"] = true;
  else if (network === "none") {
    tell.leftOut("network", "a pod always has a network", "podman: `kube play --network none`");
  } else if (isFoundByName(component)) {
    const found = isDeployment(component) ? `${name}-pod, in 4.3 ${name}-pod-0` : name;
    tell.changed(
      "network",
      `all pods of a cluster share one network, not "${network}" alone`,
      `podman: \`kube play --network ${network}\`; others find it there as ${found}`,
    );
  }
}

function writeUser({ component: { user }, tell, security }: PodDraft): void {
  if (user === "") return;
  const ids = user.split(":").map((name) => name === "root" ? "0" : name);
  const [uid = "", gid] = ids;
  if (!ids.every((id) => /^\d{1,10}$/.test(id))) {
    return tell.leftOut("user", `"${user}": a pod takes numbers only`, "Write its numbers");
  }
  security["runAsUser"] = Number(uid);
  if (gid !== undefined) security["runAsGroup"] = Number(gid);
}

function writeRestart({ component, tell, spec }: PodDraft): void {
  if (isDeployment(component)) return;
  const [policy, attempts] = component.restart.split(":");
  spec["restartPolicy"] = policy === "on-failure" ? "OnFailure" : "Never";
  if (attempts !== undefined && Number(attempts) > 0) {
    tell.changed("restart", `it is started again however often it fails, not ${attempts} times`);
  }
}

function writePorts({ component, tell, container }: PodDraft): void {
  const ports = canonicalSpec(component).ports.flatMap((text) => parsePort(text) ?? []);
  if (ports.length === 0 && component.ports.length > 0) {
    tell.leftOut("ports", `nothing is published in the network "${component.network}"`);
  }
  container["ports"] = ports.map(({ ip, hostPort, containerPort, protocol }) => ({
    containerPort,
    hostPort,
    hostIP: ip === "" ? undefined : ip.replace(/^\[|\]$/g, ""),
    protocol: protocol.toUpperCase(),
  }));
}

/** A list of words, or a value, in which Kubernetes must put nothing. */
function literal({ component: { env }, tell }: PodDraft, key: string, texts: readonly string[]) {
  const written = texts.map((text) => unexpanded(text, (name) => Object.hasOwn(env, name)));
  if (written.some(({ isEscaped }) => isEscaped)) {
    tell.changed(
      key,
      "each $ is written twice where Kubernetes would put something in",
      "podman takes it as it is written: take the doubled ones out for it",
    );
  }
  return written.map(({ text }) => text);
}

function writeWords(
  draft: PodDraft,
  name: "command" | "args",
  key: string,
  words: readonly string[],
): void {
  draft.container[name] = literal(draft, key, words);
}

function writeEnv(draft: PodDraft): void {
  const { env } = draft.component;
  const values = literal(draft, "env", Object.values(env));
  draft.container["env"] = Object.keys(env).map((name, at) => ({ name, value: values[at] ?? "" }));
}

function writeLabels({ component, tell, labels, annotations }: PodDraft): void {
  for (const [key, value] of Object.entries(component.labels)) {
    if (Object.hasOwn(labels, key) || !isLabelKey(key)) {
      tell.leftOut("labels", `${JSON.stringify(key)} is no name that a label can have there`);
    } else if (isLabel(value)) {
      labels[key] = value;
    } else {
      annotations[key] = value;
      tell.changed("labels", `${key} is an annotation: its value is none that a label can have`);
    }
  }
}

function writeHealthCheck({ component: { healthcheck }, tell, container }: PodDraft): void {
  if (healthcheck === undefined) return;
  const check = {
    ...handlerOf(healthcheck.probe),
    periodSeconds: Math.ceil(healthcheck.intervalMs / 1000),
    timeoutSeconds: Math.ceil(healthcheck.timeoutMs / 1000),
    failureThreshold: healthcheck.retries,
  };
  const initialDelaySeconds = Math.ceil(uncountedMs(healthcheck) / 1000);
  container["livenessProbe"] = { ...check, initialDelaySeconds };
  // A rollout is done when it has proved itself; until then nothing comes of a failure.
  container["readinessProbe"] = check;
  const { kind } = healthcheck.probe;
  tell.changed(
    "healthcheck",
    "it is restarted when it is not healthy, where MCP only tells of it",
    kind === "exec"
      ? ""
      : `podman asks with ${
        kind === "tcp" ? "nc" : "curl"
      } in the container: the image must have it`,
  );
}

function handlerOf(probe: Probe): { readonly [key: string]: Yaml } {
  if (probe.kind === "exec") return { exec: { command: probe.command } };
  if (probe.kind === "tcp") return { tcpSocket: { port: probe.port } };
  return { httpGet: { path: probe.path, port: probe.port, scheme: probe.kind.toUpperCase() } };
}

function writeLimits({ component: { memory, cpus }, container }: PodDraft): void {
  const bytes = memory === "" ? undefined : parseMemory(memory);
  const [limits, requests]: [Writable, Writable] = [{}, {}];
  // Without a request the limit is one, and is set aside on the node.
  if (bytes !== undefined) [limits["memory"], requests["memory"]] = [bytes, 0];
  if (cpus !== 0) [limits["cpu"], requests["cpu"]] = [`${Math.ceil(cpus * 1000)}m`, 0];
  container["resources"] = { limits, requests };
}

function writeCapabilities({ component: { capAdd, capDrop }, security }: PodDraft): void {
  security["capabilities"] = { add: capAdd, drop: capDrop };
}
