import { deepStrictEqual } from "node:assert/strict";
import { type KnownContainer, unexpectedContainers } from "./unexpected.ts";

const component = (service: string, name: string, container: string): KnownContainer => ({
  service,
  component: name,
  container,
  desired: "running",
});
const stranger = (container: string): KnownContainer => ({
  service: container,
  component: container,
  container,
  desired: "ignore",
});
const listed = (name: string, labels: Record<string, string> = {}) => ({ name, labels });

Deno.test({
  name: "unexpectedContainers() are those called or labelled like a managed service's",
  permissions: "none",
  fn: () =>
    deepStrictEqual(
      unexpectedContainers(
        [
          component("shop", "web", "shop-web"),
          component("shop-admin", "shop-admin", "shop-admin"),
          stranger("shop-debug"),
          stranger("shop-admin-old"),
          stranger("lonely"),
          stranger("elsewhere"),
        ],
        [
          listed("shop-web", { "mcp.service": "shop" }),
          // A rollout's own.
          listed("shop-web.previous", { "mcp.service": "shop" }),
          listed("shop-admin"),
          listed("shop-debug"),
          listed("shop-admin-old"),
          listed("lonely"),
          listed("elsewhere", { "mcp.service": "shop" }),
        ],
      ),
      [
        { service: "shop", container: "elsewhere" },
        { service: "shop", container: "shop-debug" },
        { service: "shop-admin", container: "shop-admin-old" },
      ],
    ),
});

Deno.test({
  name: "unexpectedContainers() are none where nothing is managed, or all of it is declared",
  permissions: "none",
  fn: () => {
    deepStrictEqual(
      unexpectedContainers([stranger("a"), stranger("a-b")], [listed("a"), listed("a-b")]),
      [],
    );
    deepStrictEqual(
      unexpectedContainers([component("a", "a", "a"), component("a", "b", "a-b")], [
        listed("a"),
        listed("a-b"),
      ]),
      [],
    );
  },
});
