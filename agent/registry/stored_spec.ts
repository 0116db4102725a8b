/**
 * A component's spec as the registry stores it: JSON that any earlier version may have written.
 *
 * @module
 */

import * as z from "zod";
import { componentDefaults, type ComponentSpec } from "../../lib/domain/component_spec.ts";

const texts = z.array(z.string());
const table = z.record(z.string(), z.string());
const port = z.int();
const probe = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.enum(["http", "https"]), port, path: z.string() }),
  z.strictObject({ kind: z.literal("tcp"), port }),
  z.strictObject({ kind: z.literal("exec"), command: texts }),
]);
const healthCheck = z.strictObject({
  probe,
  intervalMs: z.number(),
  timeoutMs: z.number(),
  retries: z.int(),
  startPeriodMs: z.number(),
});
const secret = z.strictObject({
  name: z.string(),
  target: z.string(),
  mode: z.int(),
  uid: z.int(),
  gid: z.int(),
});

/** What has come after the first version: a spec that was stored before lacks it. */
const options = {
  kind: z.enum(["service", "job"]),
  entrypoint: texts,
  env: table,
  secrets: z.array(secret),
  workdir: z.string(),
  hostname: z.string(),
  labels: table,
  healthcheck: healthCheck,
  memory: z.string(),
  cpus: z.number(),
  pids: z.int(),
  ulimits: table,
  capAdd: texts,
  capDrop: texts,
  readOnly: z.boolean(),
  tmpfs: texts,
  devices: texts,
  dependsOn: texts,
  stopSignal: z.string(),
  stopTimeoutMs: z.number(),
  pull: z.enum(["always", "missing", "never"]),
  privileged: z.boolean(),
  hostNamespaces: z.array(z.enum(["pid", "ipc", "uts"])),
};
const storedOptions = z.strictObject(options).partial();
const storedSpec = z.strictObject({
  name: z.string(),
  image: z.string(),
  network: z.string(),
  user: z.string(),
  restart: z.string(),
  ports: texts,
  volumes: texts,
  cmd: texts,
  ...storedOptions.shape,
});

/** The part of a spec that has columns of its own. */
type BaseSpec = Pick<
  ComponentSpec,
  "name" | "image" | "network" | "user" | "restart" | "ports" | "volumes" | "cmd"
>;

/** A whole spec as JSON. */
export function storeSpec(spec: ComponentSpec): string {
  return JSON.stringify(spec);
}

/** Texts whose specs are kept: of a thousand components, what is declared and what is deployed. */
const mostKept = 2_048;

/** Decodes each text once: specs are read at every look, and hardly ever change. */
function decodedOnce<T>(decode: (json: string) => T): (json: string) => T {
  const kept = new Map<string, T>();
  return (json) => {
    const known = kept.get(json);
    if (known !== undefined) return known;
    const decoded = decode(json);
    for (const oldest of kept.keys()) {
      if (kept.size < mostKept) break;
      kept.delete(oldest);
    }
    kept.set(json, decoded);
    return decoded;
  };
}

/** A whole spec from JSON. */
export const readSpec = decodedOnce((json): ComponentSpec =>
  withDefaults(storedSpec.parse(JSON.parse(json)))
);

const parseOptions = decodedOnce((json) => present(storedOptions.parse(JSON.parse(json))));

/** What has no column of its own, as JSON; what has its default is left out. */
export function storeOptions(spec: ComponentSpec): string {
  const defaults: Readonly<Record<string, unknown>> = componentDefaults;
  const stored = Object.entries(spec).filter(([key, value]) =>
    key in options && JSON.stringify(value) !== JSON.stringify(defaults[key])
  );
  return JSON.stringify(Object.fromEntries(stored));
}

/** A spec from its columns and the rest. */
export function readOptions(base: BaseSpec, json: string): ComponentSpec {
  return { ...componentDefaults, ...base, ...parseOptions(json) };
}

function withDefaults(
  stored: BaseSpec & z.output<typeof storedOptions>,
): ComponentSpec {
  const { name, image, network, user, restart, ports, volumes, cmd, ...rest } = stored;
  const base = { name, image, network, user, restart, ports, volumes, cmd };
  return { ...componentDefaults, ...base, ...present(rest) };
}

type Options = z.output<typeof storedOptions>;

/** Without the keys that say nothing. */
function present(stored: Options): { [Key in keyof Options]?: NonNullable<Options[Key]> } {
  return Object.fromEntries(Object.entries(stored).filter(([_, value]) => value !== undefined));
}
