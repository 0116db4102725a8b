import { deepStrictEqual } from "node:assert/strict";
import type { StoredImage } from "../../runtime/runtime.ts";
import { planPrune } from "./prune_plan.ts";

const image = (id: string, ...names: string[]): StoredImage => ({
  id,
  digest: `sha256:${id}`,
  names,
  bytes: 1,
});
const nothing = { ids: new Set<string>(), references: new Set<string>() };

for (
  const [why, stored, change] of [
    ["it is one to go back to", image("a", "r.example/web:v1"), { ids: new Set(["a"]) }],
    ["its name is declared", image("a", "r.example/web:v1"), {
      references: new Set(["r.example/web:v1"]),
    }],
    ["its name is declared without a tag", image("a", "r.example/web:latest"), {
      references: new Set(["r.example/web"]),
    }],
    ["its short name is declared", image("a", "docker.io/library/web:v1"), {
      references: new Set(["web:v1"]),
    }],
    ["its digest is declared", image("a", "r.example/web:v1"), {
      references: new Set(["r.example/web@sha256:a"]),
    }],
    [
      "one of its names is of this node only",
      image("a", "r.example/web:v1", "localhost/web:v1"),
      {},
    ],
  ] as const
) {
  Deno.test({
    name: `planPrune() keeps an image when ${why}`,
    permissions: "none",
    fn: () => deepStrictEqual(planPrune([stored], { ...nothing, ...change }, []), []),
  });
}

Deno.test({
  name: "planPrune() keeps the image of every container, also of one that is stopped",
  permissions: "none",
  fn: () => deepStrictEqual(planPrune([image("a")], nothing, [{ imageId: "a" }]), []),
});

Deno.test({
  name: "planPrune() gives up what nobody needs, with names and without",
  permissions: "none",
  fn: () => {
    const stored = [image("a", "r.example/web:v1"), image("b"), image("c", "r.example/api:v2")];
    const references = new Set(["r.example/web:v2", "r.example:5000/web", "r.example/api:v1"]);
    deepStrictEqual(planPrune(stored, { ...nothing, references }, []), stored);
  },
});
