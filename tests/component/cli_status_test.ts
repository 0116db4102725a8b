import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { type Script, startNode } from "../support/scripted_node.ts";
import { Workstation } from "../support/workstation.ts";

/** shop/web runs and is not as it was deployed; shop/api has crashed, and is not either. */
const drifting: Script = {
  getServiceStatus: () => ({
    services: [{
      name: "shop",
      active: true,
      components: ["api", "web", "db"].map((name) => ({
        name,
        image: `registry.example/${name}:v1`,
        desiredState: "running",
        observedState: name === "api" ? "exited" : "running",
      })),
    }],
    drift: [
      {
        service: "shop",
        component: "api",
        desiredState: "running",
        observedState: "exited",
        fields: [{ field: "memory", deployed: "", declared: "512m" }],
      },
      {
        service: "shop",
        component: "web",
        desiredState: "running",
        observedState: "running",
        fields: [
          { field: "env.TZ", deployed: "UTC\u001b[31m", declared: "CET" },
          { field: "unexpressed", deployed: "--sysctl", declared: "" },
        ],
      },
    ],
    findings: [
      { service: "shop", kind: "container", name: "shop-debug", text: "not declared by anybody" },
      { service: "shop", kind: "file", name: "conf/web.toml", text: "changed since yesterday" },
      { service: "shop", kind: "moon phase", name: "full", text: "of a newer agent" },
    ],
  }),
};

Deno.test("status shows what differs from the deploy, field by field, and what else is not as it was left, each with the next command", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", drifting);
  await home.know(rift);
  const { out, code } = await home.run("status shop");
  strictEqual(code, 0);
  strictEqual(
    out,
    `3 components: 2 drifting

NODE  SERVICE  COMPONENT  DESIRED  OBSERVED  VERSION  REV  SEEN
rift  shop     api        running  exited    -        -    never  DRIFT
rift  shop     web        running  running   -        -    never  DRIFT
rift  shop     db         running  running   -        -    never

Drift
  rift shop/api should be running and is exited: mcp start shop
  rift shop/api is not as it was deployed: \`mcp deploy shop/api\` puts it back, \`mcp service edit shop\` is for keeping it
    memory is not there, deployed as "512m"
  rift shop/web is not as it was deployed: \`mcp deploy shop/web\` puts it back, \`mcp service edit shop\` is for keeping it
    env.TZ is "UTC\\u001b[31m", deployed as "CET"
    has what no definition says: --sysctl

Also
  rift shop: container shop-debug: not declared by anybody: \`mcp adopt shop\` makes it a component
  rift shop: file conf/web.toml: changed since yesterday: \`mcp pull shop conf/web.toml\` fetches and accepts it, \`mcp push FILE shop conf/web.toml\` puts yours back
  rift shop: other full: of a newer agent
`,
  );
});

Deno.test("status --json has the fields and the findings with the next command of each", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", drifting);
  await home.know(rift);
  const { nodes: [node] } = JSON.parse((await home.run("status --json")).out);
  deepStrictEqual(node.drift[1], {
    service: "shop",
    component: "web",
    desired_state: "running",
    observed_state: "running",
    fields: [
      { field: "env.TZ", found: "UTC\u001b[31m", deployed: "CET" },
      { field: "unexpressed", found: "--sysctl", deployed: "" },
    ],
    next: "mcp deploy shop/web",
  });
  deepStrictEqual(
    node.findings.map(({ kind, next }: { kind: string; next: string | null }) => [kind, next]),
    [["container", "mcp adopt shop"], ["file", "mcp pull shop conf/web.toml"], ["other", null]],
  );
});
