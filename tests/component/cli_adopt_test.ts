/** `mcp adopt`: on which node, what came of it, and what a deploy would lose. */

import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { McpError } from "../../lib/errors.ts";
import { deadNode, type Script, startNode } from "../support/scripted_node.ts";
import { json, Workstation } from "../support/workstation.ts";

const adopts: Script = {
  adoptContainer: () => ({
    results: [
      {
        container: "metacrypt-api",
        component: "api",
        success: true,
        unexpressed: ["environment: TZ", "health check"],
      },
      { container: "metacrypt-web", component: "web", success: true },
    ],
  }),
};

const hasNothing: Script = { adoptContainer: () => ({}) };

/** What the node was asked, e.g. "dry", "adopt". */
function asked({ requests }: { readonly requests: readonly unknown[] }): string[] {
  return (requests as readonly { readonly dryRun: boolean }[])
    .map(({ dryRun }) => dryRun ? "dry" : "adopt");
}

Deno.test("adopt shows what became of each container, what a deploy would lose, and what is next", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", adopts);
  await home.know(rift);
  const { code, out, err } = await home.run("adopt metacrypt");
  strictEqual(code, 0, err);
  strictEqual(
    out,
    `CONTAINER      COMPONENT  RESULT
metacrypt-api  api        adopted
metacrypt-web  web        adopted

metacrypt/api: a deploy would lose: environment: TZ, health check

Next: Run \`mcp service export metacrypt\`
`,
  );
  deepStrictEqual(asked(rift), ["adopt"]);
});

Deno.test("adopt --dry-run changes nothing and says how to go on", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", adopts);
  await home.know(rift);
  const { code, out } = await home.run("adopt metacrypt --dry-run");
  strictEqual(code, 0);
  match(out, /^metacrypt-api {2}api {8}would be adopted$/m);
  match(out, /Next: Run `mcp adopt metacrypt --node rift`/);
  deepStrictEqual(asked(rift), ["dry"]);
});

Deno.test("adopt asks all nodes first, and goes on with the only one that would", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", adopts);
  await using vade = await startNode("vade", hasNothing);
  await using orion = await startNode("orion", {
    adoptContainer: () => {
      throw new McpError("not_found", "There is no such container");
    },
  });
  await home.know(vade, rift, orion);
  strictEqual((await home.run("adopt metacrypt")).code, 0);
  deepStrictEqual([asked(vade), asked(rift), asked(orion)], [["dry"], ["dry", "adopt"], ["dry"]]);
});

Deno.test("adopt goes by the definition where there is one", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", adopts);
  await using vade = await startNode("vade", adopts);
  await home.know(rift, vade);
  await home.write(
    "services/metacrypt.toml",
    'name = "metacrypt"\nnode = "vade"\n[[components]]\nname = "api"\nimage = "x:v1"\n',
  );
  strictEqual((await home.run("adopt metacrypt")).code, 0);
  deepStrictEqual([asked(rift), asked(vade)], [[], ["adopt"]]);
});

Deno.test("adopt claims nothing while two nodes would, or one cannot be asked", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", adopts);
  await using vade = await startNode("vade", adopts);
  await home.know(rift, vade);
  const two = await home.run("adopt metacrypt");
  strictEqual(two.code, 5);
  match(two.err, /The nodes "rift" and "vade" both have containers of "metacrypt"/);
  match(two.err, /Next: Say which with `mcp adopt metacrypt --node NAME`/);
  await home.know(rift, deadNode("orion"));
  const silent = await home.run("adopt metacrypt");
  strictEqual(silent.code, 6);
  match(
    silent.err,
    /Cannot tell which node has containers of "metacrypt"\n {2}Node "orion" did not/,
  );
  strictEqual((await home.run("adopt metacrypt --node rift")).code, 0);
  deepStrictEqual(asked(rift), ["dry", "dry", "adopt"]);
});

Deno.test("adopt exits with 8 when a claim is refused, and with 4 when nothing matches", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", {
    adoptContainer: () => ({
      results: [{
        container: "metacrypt-api",
        component: "api",
        success: false,
        error: 'it belongs to the service "other"',
      }],
    }),
  });
  await using vade = await startNode("vade", hasNothing);
  await home.know(rift, vade);
  const refused = await home.run("adopt metacrypt");
  strictEqual(refused.code, 8);
  match(refused.out, /metacrypt-api {2}api {8}refused: it belongs to the service "other"\n$/);
  const outcome = json(await home.run("adopt metacrypt --json"));
  deepStrictEqual(outcome, {
    service: "metacrypt",
    node: "rift",
    dry_run: false,
    results: [{
      container: "metacrypt-api",
      component: "api",
      success: false,
      error: 'it belongs to the service "other"',
      unexpressed: [],
    }],
  });
  const nothing = await home.run("adopt metacrypt --node vade");
  strictEqual(nothing.code, 4);
  match(nothing.err, /No container on "vade" is called "metacrypt" or "metacrypt-…"/);
});
