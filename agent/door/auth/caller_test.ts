import { doesNotThrow, strictEqual, throws } from "node:assert/strict";
import { McpError } from "../../../lib/errors.ts";
import { type Caller, type Capability, requireCapability } from "./caller.ts";

const capabilities: readonly Capability[] = [
  "service:deploy",
  "service:control",
  "service:sync",
  "service:adopt",
  "service:read",
  "files:write",
  "files:read",
  "node:read",
];

function caller(...roles: readonly string[]): Caller {
  return { subject: "ada", roles, expiresAt: undefined };
}

for (const capability of capabilities) {
  Deno.test({
    name: `requireCapability() lets an admin ${capability}, and nobody else`,
    permissions: "none",
    fn: () => {
      doesNotThrow(() => requireCapability(caller("admin"), capability, "shop"));
      doesNotThrow(() => requireCapability(caller("viewer", "admin"), capability, undefined));
      for (const roles of [[], ["viewer"], ["Admin"], ["administrator"], [capability], [""]]) {
        throws(() => requireCapability(caller(...roles), capability, "shop"), {
          kind: "forbidden",
        });
      }
    },
  });
}

for (
  const [service, message] of [
    ["shop", '"ada" may not service:deploy on service "shop"'],
    [undefined, '"ada" may not service:deploy on this node'],
    ["", '"ada" may not service:deploy on this node'],
  ] as const
) {
  Deno.test({
    name: `requireCapability() says who may not do what on ${JSON.stringify(service ?? null)}`,
    permissions: "none",
    fn: () =>
      throws(() => requireCapability(caller(), "service:deploy", service), (error) => {
        strictEqual(error instanceof McpError && error.message, message);
        strictEqual(
          error instanceof McpError && error.hint,
          "Log in as somebody with the role admin",
        );
        return true;
      }),
  });
}
