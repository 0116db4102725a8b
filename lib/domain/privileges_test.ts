import { deepStrictEqual } from "node:assert/strict";
import { componentDefaults, type ComponentSpec } from "./component_spec.ts";
import { privilegesOf } from "./privileges.ts";

const cases: readonly (readonly [string, Partial<ComponentSpec>, readonly string[]])[] = [
  ["nothing", {}, []],
  ["a folder of services", { volumes: ["/srv/shop:/a", "/srv/other/x:/b:ro", "/srv:/c"] }, []],
  ["a volume of podman's", { volumes: ["cache:/cache"] }, []],
  ["a folder elsewhere", { volumes: ["/etc/ssl:/etc/ssl:ro"] }, ["host_mounts"]],
  ["a folder whose name only begins like it", { volumes: ["/srv2/x:/x"] }, ["host_mounts"]],
  ["the whole node", { volumes: ["/:/host"] }, ["host_mounts"]],
  ["the node's network", { network: "host" }, ["host_network"]],
  ["a network called otherwise", { network: "hosts" }, []],
  ["the node's processes", { hostNamespaces: ["pid", "ipc"] }, [
    "host_namespaces",
    "host_namespaces",
  ]],
  ["a device", { devices: ["/dev/ttyUSB0"] }, ["devices"]],
  ["all of it", { privileged: true }, ["privileged"]],
  ["capabilities that others have as well", { capAdd: ["NET_BIND_SERVICE", "CHOWN"] }, []],
  ["capabilities beyond", { capAdd: ["SYS_ADMIN", "KILL", "ALL"] }, [
    "capabilities",
    "capabilities",
  ]],
  ["to drop capabilities", { capDrop: ["ALL"] }, []],
];
for (const [given, change, expected] of cases) {
  Deno.test({
    name: `privilegesOf() a component that asks for ${given}: ${expected.join(", ") || "none"}`,
    permissions: "none",
    fn: () => {
      const spec = { ...componentDefaults, name: "web", image: "a.example/web:v1", ...change };
      const uses = privilegesOf(spec, "/srv");
      deepStrictEqual(uses.map(({ privilege }) => privilege), expected);
    },
  });
}
