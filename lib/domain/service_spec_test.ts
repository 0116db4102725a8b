import { deepStrictEqual } from "node:assert/strict";
import { formatComplaint } from "./complaint.ts";
import { componentDefaults, type ComponentSpec } from "./component_spec.ts";
import { complaintsAbout } from "./service_spec.ts";

function component(name: string, ports: readonly string[] = []): ComponentSpec {
  return {
    ...componentDefaults,
    name,
    image: "registry.example/mcr:v1",
    network: "",
    user: "",
    restart: "no",
    ports,
    volumes: [],
    cmd: [],
  };
}

function complaints(components: readonly ComponentSpec[], name = "mcr"): string[] {
  return complaintsAbout({ name, active: true, components }).map(formatComplaint);
}

Deno.test({
  name: "complaintsAbout() has none about a service that makes sense",
  permissions: "none",
  fn: () => {
    const components = [component("api", ["80:80"]), component("web", ["81:80"])];
    deepStrictEqual(complaints(components), []);
  },
});

Deno.test({
  name: "complaintsAbout() tells all mistakes in the order of the document",
  permissions: "none",
  fn: () => {
    const components = [component("api"), { ...component("api"), image: "" }];
    deepStrictEqual(complaints(components, "MCR"), [
      "name: expected a service name (1 to 63 of a-z, 0-9 and -, starting and ending with a " +
      'letter or a digit), found "MCR"',
      'components[1].image: expected an image reference like "registry.example/name:tag", ' +
      "found nothing",
      'components[1].name: expected a name of its own, found "api" again (see components[0])',
    ]);
  },
});

Deno.test({
  name: "complaintsAbout() wants a component",
  permissions: "none",
  fn: () =>
    deepStrictEqual(complaints([]), ["components: expected at least one component, found none"]),
});

for (
  const [first, second, expected] of [
    ["80:80", "80:81", "collide"],
    ["80:80", "80:80/udp", "do not collide"],
    ["80:80", "81:80", "do not collide"],
    ["80:80", "80:80/tcp", "collide"],
    ["080:80", "80:80", "collide"],
    ["80:80", "127.0.0.1:80:80", "collide"],
    ["127.0.0.1:80:80", "80:80", "collide"],
    ["0.0.0.0:80:80", "127.0.0.1:80:80", "collide"],
    ["[::]:80:80", "[::1]:80:80", "collide"],
    ["[::1]:80:80", "80:80", "collide"],
    ["0.0.0.0:80:80", "[::1]:80:80", "do not collide"],
    ["127.0.0.1:80:80", "127.0.0.2:80:80", "do not collide"],
    ["127.0.0.1:80:80", "[::1]:80:80", "do not collide"],
  ] as const
) {
  Deno.test({
    name: `complaintsAbout() finds that ports ${first} and ${second} ${expected}`,
    permissions: "none",
    fn: () => {
      const found = complaints([component("api", [first]), component("web", [second])]);
      const collision = `components[1].ports[0]: expected a host port of its own, found ` +
        `${JSON.stringify(second)}, which components[0].ports[0] publishes already`;
      deepStrictEqual(found, expected === "collide" ? [collision] : []);
    },
  });
}

Deno.test({
  name: "complaintsAbout() finds ports that collide within one component",
  permissions: "none",
  fn: () => deepStrictEqual(complaints([component("api", ["80:80", "80:81"])]).length, 1),
});
