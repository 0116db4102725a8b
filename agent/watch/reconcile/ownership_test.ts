import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { isName } from "../../../lib/domain/names.ts";
import { labelledComponent, originalOf, previousName } from "./ownership.ts";

function labelled(name: string, service?: string, component?: string) {
  return {
    name,
    labels: {
      ...(service === undefined ? {} : { "mcp.service": service }),
      ...(component === undefined ? {} : { "mcp.component": component }),
    },
  };
}

const claims: readonly (readonly [string, ReturnType<typeof labelled>, string | undefined])[] = [
  ["labels that fit the name", labelled("shop-web", "shop", "web"), "shop/web"],
  ["labels of a service's only component", labelled("shop", "shop", "shop"), "shop/shop"],
  ["a dash in the component", labelled("mcr-web-api", "mcr", "web-api"), "mcr/web-api"],
  ["a dash in the service", labelled("mcr-web-api", "mcr-web", "api"), "mcr-web/api"],
  ["no labels", labelled("shop-web"), undefined],
  ["a service only", labelled("shop-web", "shop"), undefined],
  ["a component only", labelled("shop-web", undefined, "web"), undefined],
  ["labels of another container", labelled("shop-web", "shop", "api"), undefined],
  ["labels of another service", labelled("shop-web", "mail", "web"), undefined],
  ["a container that was set aside", labelled("shop-web.previous", "shop", "web"), undefined],
  ["names that are none", labelled("Shop-Web", "Shop", "Web"), undefined],
  ["empty names", labelled("", "", ""), undefined],
];
for (const [given, container, owner] of claims) {
  Deno.test({
    name: `labelledComponent() given ${given}`,
    permissions: "none",
    fn: () => {
      const claim = labelledComponent(container);
      strictEqual(claim && `${claim.service}/${claim.component}`, owner);
    },
  });
}

Deno.test({
  name: "previousName() makes a name that no component's container can have",
  permissions: "none",
  fn: () => strictEqual(isName(previousName("shop-web")), false),
});

Deno.test({
  name: "originalOf() knows the container that was set aside, and takes no other for one",
  permissions: "none",
  fn: () =>
    deepStrictEqual(
      [previousName("shop-web"), "shop-web", "shop-previous", "previous"].map(originalOf),
      ["shop-web", undefined, undefined, undefined],
    ),
});
