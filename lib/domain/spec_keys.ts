/**
 * What a definition calls the fields of a component, in the order in which they are written.
 *
 * @module
 */

import type { ComponentSpec } from "./component_spec.ts";

/** The key of each field. */
export const keyOfField: Readonly<Record<keyof ComponentSpec, string>> = {
  name: "name",
  image: "image",
  kind: "kind",
  pull: "pull",
  network: "network",
  user: "user",
  restart: "restart",
  ports: "ports",
  volumes: "volumes",
  entrypoint: "entrypoint",
  cmd: "cmd",
  workdir: "workdir",
  hostname: "hostname",
  dependsOn: "depends_on",
  env: "env",
  secrets: "secrets",
  labels: "labels",
  healthcheck: "healthcheck",
  memory: "memory",
  cpus: "cpus",
  pids: "pids",
  ulimits: "ulimits",
  capAdd: "cap_add",
  capDrop: "cap_drop",
  readOnly: "read_only",
  tmpfs: "tmpfs",
  devices: "devices",
  privileged: "privileged",
  hostNamespaces: "host_namespaces",
  stopSignal: "stop_signal",
  stopTimeoutMs: "stop_timeout",
};

/** The fields, in that order. */
export const specFields = Object.keys(keyOfField) as readonly (keyof ComponentSpec)[];
