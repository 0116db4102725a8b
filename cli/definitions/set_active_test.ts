import { strictEqual } from "node:assert/strict";
import { setActive } from "./set_active.ts";

const around = (active: string) =>
  `# the registry\nname = "mcr"\nnode = "rift" # the big one\n${active}
# its only part
[[components]]
name = "mcr"   # like the service
image = 'registry.example/mcr:v1'
`;

const cases: readonly (readonly [given: string, before: string, active: boolean, after: string])[] =
  [
    ["true", "active = true # for now\n", false, "active = false # for now\n"],
    ["false", "active   =   false\n", true, "active   =   true\n"],
    ["what it says already", "active = true\n", true, "active = true\n"],
    ["no key", "", false, "active = false\n"],
    ["no key and what that means", "", true, ""],
  ];

for (const [given, before, active, after] of cases) {
  Deno.test({
    name: `setActive(${active}) given ${given} changes nothing else`,
    permissions: "none",
    fn: () => strictEqual(setActive(around(before), active), around(after)),
  });
}
