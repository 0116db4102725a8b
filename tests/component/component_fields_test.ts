/**
 * Each field of a component, by its row of the table: wherever it goes, it comes back as it was.
 */

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import {
  readOptions,
  readSpec,
  storeOptions,
  storeSpec,
} from "../../agent/registry/stored_spec.ts";
import { runArgv } from "../../agent/runtime/podman/argv.ts";
import { readCreateCommand } from "../../agent/runtime/podman/create_command.ts";
import {
  describeContainer,
  inspectedContainer,
  inspectedImage,
} from "../../agent/runtime/podman/description.ts";
import { parseDefinition } from "../../cli/definitions/definition.ts";
import { writeDefinition } from "../../cli/definitions/write_definition.ts";
import { exportService } from "../../cli/export/export.ts";
import { importService } from "../../cli/import/import.ts";
import { Sources } from "../../cli/import/sources.ts";
import { specJson } from "../../cli/output/specs.ts";
import { canonicalSpec } from "../../lib/domain/canonical_spec.ts";
import {
  type FieldName,
  fieldNames,
  isDefault,
  keyOf,
  rowOf,
} from "../../lib/domain/component_fields.ts";
import { componentDefaults, type ComponentSpec } from "../../lib/domain/component_spec.ts";
import type { Rule } from "../../lib/domain/field_rules.ts";
import { healthCheckDefaults } from "../../lib/domain/health_check.ts";
import { complaintsAbout, type ServiceSpec } from "../../lib/domain/service_spec.ts";
import { differencesBetween } from "../../lib/domain/spec_difference.ts";
import { specFromWire, specToWire } from "../../lib/wire/specs.ts";
import { ServiceSpecSchema } from "../../proto/gen/mcp/v1/mcp_pb.ts";

const web: ComponentSpec = {
  ...componentDefaults,
  name: "web",
  image: "registry.example/web:v1",
  ports: ["8080:80"],
};

/** Values of texts; each field takes those that its rule lets pass. */
const texts = [
  ...["web", "db", "a", "A", "B_1", "a.b/c", "1000:1000", "no", "always", "on-failure:3"],
  ...[
    "registry.example/other:v2",
    "512m",
    "2g",
    "box.example",
    "/a",
    "/b/c",
    "/t:size=1m,mode=0700",
  ],
  ...[
    "9000:90",
    "127.0.0.1:9001:91/udp",
    "/srv/a:/x:ro",
    "data:/y",
    "nofile",
    "nproc",
    "1:2",
    "7:7",
  ],
  ...["NET_ADMIN", "CHOWN", "ALL", "/dev/fuse", "/dev/zero:/dev/one:r", "SIGQUIT", "SIGUSR1"],
  ...["two words", "--flag", "ä=ö", "'quoted' \"twice\"", "50 %h $HOME"],
];
const numbers = [0.25, 1, 1.5, 7, 30_000, 90_000];

const healthcheck = {
  ...healthCheckDefaults,
  probe: { kind: "exec", command: ["/bin/true"] },
  startPeriodMs: 95_000,
};
const secret = { name: "s", target: "/run/secrets/s", mode: 0o400, uid: 0, gid: 7 };

/** Any value of a field that makes sense and is not its default. */
function anyValue(field: FieldName): fc.Arbitrary<unknown> {
  const { type, of, names, rule } = rowOf(field);
  const passing = <Value>(values: readonly Value[], rule: Rule<never> | undefined) => {
    const good = values.filter((value) => rule?.isOk(value as never, 0) ?? true);
    ok(good.length > 1, `no two values here are any of ${field}: add some to the lists above`);
    return good;
  };
  const text = () => fc.constantFrom(...of ?? passing(texts, rule));
  switch (type) {
    case "words":
      return fc.array(text(), { minLength: 1, maxLength: 3 });
    case "set":
      return fc.uniqueArray(text(), { minLength: 1, maxLength: 3 });
    case "table":
      return fc.dictionary(fc.constantFrom(...passing(texts, names)), text(), {
        minKeys: 1,
        maxKeys: 3,
        noNullPrototype: true,
      });
    case "flag":
      return fc.constant(true);
    case "number":
      return fc.constantFrom(...passing(numbers, rule));
    case "count":
      return fc.constantFrom(...passing(numbers.filter(Number.isInteger), rule));
    case "duration":
      // Nothing at all is a duration as well.
      return fc.constantFrom(0, ...passing(numbers.filter((ms) => ms >= 1_000), rule));
    case "secrets":
      return fc.constant([secret]);
    case "healthcheck":
      return fc.constant(healthcheck);
    default:
      return text();
  }
}

/** Specs that say this field, and as little else as it needs. */
function anySpec(field: FieldName): fc.Arbitrary<ComponentSpec> {
  return anyValue(field)
    .map((value): ComponentSpec => ({ ...web, ports: [], [field]: value }))
    .map((spec) => spec.kind === "job" ? { ...spec, restart: "no" } : spec)
    .filter((spec) =>
      !isDefault(field, spec[field]) && complaintsAbout(serviceOf(spec)).length === 0
    );
}

/** A service of the component and those it waits for. */
function serviceOf(component: ComponentSpec): ServiceSpec {
  const others = component.dependsOn.map((name) => ({ ...web, name, ports: [] }));
  return { name: "shop", active: true, components: [component, ...others] };
}

function parse(text: string): ComponentSpec | undefined {
  const expectations = { service: "shop", because: "it is", nodeNames: ["rift"] };
  return parseDefinition(text, "shop.toml", expectations).spec.components[0];
}

function imported(files: Readonly<Record<string, string>>): ComponentSpec | undefined {
  const sources = new Sources();
  for (const [file, text] of Object.entries(files)) sources.put(file, text);
  sources.put(".env", undefined);
  const [first = ""] = Object.keys(files);
  return importService(sources, {
    files: [first],
    folder: "/",
    folderName: "shop",
    name: "shop",
    envFiles: [],
    profiles: [],
  }).spec.components[0];
}

for (const field of fieldNames) {
  const { type, podman, inspect, compose, quadlet, kube } = rowOf(field);
  const test = (fact: string, check: (spec: ComponentSpec) => void) =>
    Deno.test({
      name: `${keyOf(field)} ${fact}`,
      fn: () => fc.assert(fc.property(anySpec(field), check), { numRuns: 30 }),
    });

  test("comes back from a definition, the wire and the registry", (spec) => {
    deepStrictEqual(parse(writeDefinition({ nodeName: "rift", spec: serviceOf(spec) })), spec);
    const bytes = toBinary(
      ServiceSpecSchema,
      create(ServiceSpecSchema, specToWire(serviceOf(spec))),
    );
    deepStrictEqual(specFromWire(fromBinary(ServiceSpecSchema, bytes)).components[0], spec);
    deepStrictEqual(readSpec(storeSpec(spec)), spec);
    deepStrictEqual(readOptions(spec, storeOptions(spec)), spec);
  });

  test("is told where it differs, and printed for scripts", (spec) => {
    const other = { ...web, ports: [], name: "other", image: "registry.example/of:v9" };
    const fields = differencesBetween(other, spec).map((each) => each.field.split(/[.[]/)[0]);
    ok(fields.includes(keyOf(field)), fields.join());
    deepStrictEqual(canonicalSpec(canonicalSpec(spec)), canonicalSpec(spec));
    const [json] = specJson(serviceOf(spec))["components"] as Record<string, unknown>[];
    deepStrictEqual(json?.[keyOf(field)], spec[field]);
  });

  if (podman !== undefined) {
    test("is read of the command line that podman was given", (spec) => {
      const words = runArgv({ name: "shop-web", spec, labels: {}, pull: "never" });
      const asked = readCreateCommand(["podman", ...words]);
      const value: unknown = spec[field];
      const expected = Array.isArray(value)
        ? value
        : typeof value === "object"
        ? Object.entries(value ?? {}).map(([name, text]) => `${name}=${text}`)
        : [String(type === "duration" ? Math.ceil(Number(value) / 1000) : value)];
      deepStrictEqual(asked?.values(podman.slice(2)), expected);
    });
  }

  if (inspect !== undefined) {
    test("is read of a container, as it was asked for", (spec) => {
      const words = runArgv({ name: "shop-web", spec, labels: {}, pull: "never" });
      const [section = "", key = ""] = inspect.path.split(".");
      const value = type === "duration" ? Number(spec[field]) / 1000 : spec[field];
      const container = {
        Id: "1",
        Image: "2",
        NetworkSettings: { Networks: {} },
        Config: { CreateCommand: ["podman", ...words] },
        HostConfig: { RestartPolicy: {} },
      };
      // Of lists and tables the command line tells.
      if (type !== "set" && type !== "table") {
        const part = section === "Config" ? container.Config : container.HostConfig;
        Object.assign(part, { [key]: value });
      }
      const image = { Config: {} };
      const { spec: found } = describeContainer(
        "web",
        inspectedContainer.parse(container),
        inspectedImage.parse(image),
      );
      deepStrictEqual(canonicalSpec(found)[field], canonicalSpec(spec)[field]);
    });
  }

  if (compose !== undefined) {
    test("is read of a Compose file", (spec) => {
      const value = type === "duration" ? `${spec[field]}ms` : spec[field];
      // Compose puts variables in.
      const written = JSON.stringify(value).replaceAll("$", "$$$$");
      const file = `{"services": {"web": {"image": "${spec.image}", "${compose}": ${written}}}}`;
      deepStrictEqual(imported({ "compose.yaml": file })?.[field], spec[field]);
    });
  }

  if (quadlet !== undefined) {
    test("comes back from a quadlet", (spec) => {
      const [file] = exportService(serviceOf(spec), "quadlet").files;
      const found = imported({ "web.container": file?.text ?? "" });
      // What names no registry is fetched from Docker's, and podman's own have none.
      if (field === "image" && !spec.image.includes(".example/")) return;
      deepStrictEqual(found && canonicalSpec(found)[field], canonicalSpec(spec)[field]);
    });
  }

  if (kube !== undefined) {
    test("stands in a pod, or is told to be lost", (spec) => {
      const { files: [file], notes } = exportService(serviceOf(spec), "kube");
      const told = notes.filter(({ component, key }) =>
        component === "web" && key === keyOf(field)
      );
      if (typeof kube === "object") strictEqual(told[0]?.what.endsWith(kube.leftOut), true);
      else ok(file?.text.includes(`${kube.split(".")[1]}: `), `${file?.text}`);
    });
  }
}
