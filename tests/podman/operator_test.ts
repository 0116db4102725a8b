/** An operator's whole way with real containers: plan, deploy, logs, history, rollback, prune, remove. */

import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { realClock } from "../../lib/system/clock.ts";
import { openPodmanPlace, type PodmanPlace } from "../support/podman_trial.ts";
import { TestNode } from "../support/test_node.ts";
import { json, type Outcome, type RunOptions, Workstation } from "../support/workstation.ts";

let place: PodmanPlace;
Deno.test.beforeAll(async () => {
  place = await openPodmanPlace();
});
Deno.test.afterAll(async () => await place[Symbol.asyncDispose]());

/** A node with real podman, and a workstation that knows it. */
async function openPlace() {
  await using undo = new AsyncDisposableStack();
  const node = undo.use(
    await TestNode.start({
      usesPodman: true,
      clock: realClock,
      config: '[rollout]\nsettle = "500ms"',
      agentConfig: "keep_revisions = 1",
    }),
  );
  const home = undo.use(new Workstation());
  await home.know({ name: "rift", address: node.address, token: node.adminToken });
  await home.write("ca.pem", node.ca);
  const service = `op-${crypto.randomUUID().slice(0, 8)}`;
  const define = (...components: readonly string[]) =>
    home.write(
      `services/${service}.toml`,
      [
        `name = "${service}"\nnode = "rift"\n`,
        ...components.map((each) => `[[components]]\n${each}`),
      ]
        .join("\n"),
    );
  const mcp = async (line: string, options: RunOptions = {}): Promise<Outcome> =>
    await home.run(line.replaceAll("SERVICE", service), { now: new Date(), ...options });
  undo.defer(async () => {
    await mcp("remove SERVICE --yes");
  });
  const kept = undo.move();
  return { service, define, mcp, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

function done(outcome: Outcome): Outcome {
  strictEqual(outcome.code, 0, `${outcome.out}${outcome.err}`);
  return outcome;
}

const prints = [
  'i=0; while [ $i -lt 5 ]; do echo "out $i"; echo "err $i" >&2; i=$((i+1)); done',
  'printf "in pieces"; sleep 0.3; echo " and whole"; printf "\\033[2Jrubbish\\377\\n"',
  'trap "exit 0" TERM; while :; do sleep 1000; done & wait $!',
  "",
].join("\n");

Deno.test("plan, deploy, logs, history, diff, rollback, prune and remove with real containers", async () => {
  const one = await place.scripts.publish("talker", "v1", prints);
  const two = await place.scripts.publish("talker", "v2", prints.replaceAll("out $i", "two $i"));
  await using parts = await openPlace();
  const { service, define, mcp } = parts;
  await define(`name = "talk"\nimage = "${one}"\n`);

  match(done(await mcp("plan SERVICE")).out, /1 to create/);
  const first = done(await mcp("deploy SERVICE"));
  match(first.out, new RegExp(`^${service}/talk  running  created v1`));
  match(first.err, new RegExp(`^${service}: revision 1$`, "m"));
  strictEqual((await mcp("plan SERVICE --exit-code")).code, 0, "nothing is left to do");

  const logs = done(await mcp("logs SERVICE")).out.trim().split("\n");
  strictEqual(logs.length, 12, logs.join("\n"));
  ok(logs.includes("talk | out 4") && logs.includes("talk | err 0"), logs.join("\n"));
  ok(logs.includes("talk | in pieces and whole"), logs.join("\n"));
  ok(logs.includes("talk | \\x1b[2Jrubbish\ufffd"), logs.join("\n"));
  strictEqual(done(await mcp("logs SERVICE --grep ^err --json")).out.trim().split("\n").length, 5);
  strictEqual(done(await mcp("logs SERVICE --tail 2")).out.trim().split("\n").length, 2);
  strictEqual(done(await mcp("logs SERVICE --until 1h")).out, "");

  await define(`name = "talk"\nimage = "${two}"\nenv = { TZ = "UTC" }\n`);
  const planned = json(await mcp("plan SERVICE --json"));
  deepStrictEqual(
    planned.components[0].differences.map(({ field }: { field: string }) => field).sort(),
    ["env.TZ", "image", "image digest"],
  );
  match(done(await mcp("diff SERVICE")).out, /env\.TZ +- → UTC/);
  done(await mcp(`deploy SERVICE --plan ${planned.plan_id}`));
  strictEqual((await mcp(`deploy SERVICE --plan ${planned.plan_id}`)).code, 5, "it has moved");
  match(done(await mcp("logs SERVICE --tail 100")).out, /talk \| two 0/);

  const { nodes: [{ revisions }] } = json(done(await mcp("history SERVICE --json")));
  deepStrictEqual(
    revisions.map((
      { number, outcome, components: [{ current, image_digest }] }: {
        number: number;
        outcome: string;
        components: [{ current: boolean; image_digest: string }];
      },
    ) => [number, outcome, current, image_digest.length]),
    [[2, "succeeded", true, 71], [1, "succeeded", false, 71]],
  );
  match(done(await mcp("diff SERVICE 1 2")).out, /talker:v1 → .*talker:v2/);

  match(done(await mcp("rollback SERVICE")).out, /as it was in revision 1/);
  match(done(await mcp("logs SERVICE --tail 100")).out, /talk \| out 0/);
  match(done(await mcp("ps")).out, new RegExp(`${service} +talk +running`));

  const dry = json(done(await mcp("prune --dry-run --json")));
  const names = dry.nodes[0].images.flatMap(({ names }: { names: string[] }) => names);
  ok(names.includes(two), "with keep_revisions = 1 there is one to go back to: the one that runs");
  ok(!names.includes(one), "it runs");
  done(await mcp("prune"));
  strictEqual(json(await mcp("prune --dry-run --json")).nodes[0].images.length, 0);

  match(done(await mcp("remove SERVICE --yes")).out, new RegExp(`container ${service}-talk`));
  strictEqual((await mcp("logs SERVICE")).code, 4);
  done(await mcp("history SERVICE"));
});

Deno.test("logs --follow goes on with the container that a deploy puts in the place of the old one", async () => {
  const ticks = (word: string) =>
    `trap "exit 0" TERM\n{ i=0; while :; do echo "${word} $i"; i=$((i+1)); sleep 0.2; done; } & wait $!\n`;
  const one = await place.scripts.publish("ticker", "v1", ticks("one"));
  const two = await place.scripts.publish("ticker", "v2", ticks("two"));
  await using parts = await openPlace();
  const { define, mcp } = parts;
  await define(`name = "tick"\nimage = "${one}"\n`);
  done(await mcp("deploy SERVICE"));
  const interruption = new AbortController();
  const sawOne = Promise.withResolvers<void>();
  const following = mcp("logs SERVICE --follow", {
    interrupted: interruption.signal,
    onOut: (out: string) => {
      if (out.includes("one 1")) sawOne.resolve();
      if (out.includes("two 2")) interruption.abort();
    },
  });
  await sawOne.promise;
  await define(`name = "tick"\nimage = "${two}"\n`);
  done(await mcp("deploy SERVICE"));
  const { code, out } = await following;
  strictEqual(code, 130);
  const lines = out.trim().split("\n");
  strictEqual(new Set(lines).size, lines.length, "no line comes twice");
  ok(lines.indexOf("tick | one 1") < lines.indexOf("tick | two 0"), out);
});
