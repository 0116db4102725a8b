/**
 * All that an agent does, with exactly the permissions that are derived from its config; what those
 * do not allow is in `tests/component/hostile_grants_test.ts`.
 */

import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { serverPermissions } from "../../agent/permissions.ts";
import { ProcessNode } from "../support/agent_process.ts";
import { eventually } from "../support/eventually.ts";
import { startPodmanService } from "../support/podman_service.ts";
import { type QuickCheck, quickCheck, rollOut, wholeOf } from "../support/podman_rollout.ts";
import {
  type ComponentInit,
  openPodmanPlace,
  podman,
  type PodmanPlace,
  TrialService,
} from "../support/podman_trial.ts";
import { ample } from "../support/test_node.ts";
import { ThrowAwayFolder } from "../support/throw_away_folder.ts";

let place: PodmanPlace;
Deno.test.beforeAll(async () => {
  place = await openPodmanPlace();
});
Deno.test.afterAll(async () => await place[Symbol.asyncDispose]());

const agentMain = new URL("../../agent/main.ts", import.meta.url).pathname;

/** What `mcp-agent snapshot` needs: the registry's folder, the config in it, and nothing else. */
function snapshotFlags({ folder }: ProcessNode): string[] {
  return ["--no-prompt", "--ignore-env", `--allow-read=${folder}`, `--allow-write=${folder}`];
}

for (const remote of [true, false]) {
  const how = remote ? "podman's API service" : "podman as its child";
  Deno.test(`an agent with ${how} does all it can do with the permissions it derives`, async (t) => {
    await using undo = new AsyncDisposableStack();
    const told = undo.use(await ThrowAwayFolder.make());
    await Deno.writeTextFile(told.at("alert"), `#!/bin/sh\nenv >${told.at("alerted")}\n`, {
      mode: 0o755,
    });
    const url = remote ? undo.use(await startPodmanService()).url : undefined;
    const service = undo.use(new TrialService());
    const stray = undo.use(new TrialService());
    const node = undo.use(
      await ProcessNode.make({
        usesPodman: true,
        ...(url === undefined ? {} : { agentConfig: `podman_url = "${url}"` }),
        config: `[rollout]\nsettle = "300ms"\nstop_timeout = "1s"\n` +
          `[monitor]\nalert_command = ["${told.at("alert")}"]\n`,
      }),
    );
    const flags = serverPermissions(node.config);
    ok(flags.includes(`--allow-run=podman,${told.at("alert")}`), flags.join(" "));
    strictEqual(flags.some((flag) => flag.includes("unix:")), remote);
    const agent = await node.start(flags).serving();
    const client = node.client();
    undo.defer(() => client.close());
    const { name } = service;

    await t.step("deploy, again, and one that fails", async () => {
      const volumes = [`${node.folder}/srv/${name}/data:/data`];
      await service.deploy(client, service.web(place.web.v1, { volumes }));
      await service.deploy(client, service.web(place.web.v2, { volumes }));
      strictEqual(await service.version(), "v2");
      const failed = await service.failToDeploy(client, {
        ...service.web(`${place.registry}/nothing:v1`),
      });
      match(failed.error, /pull/);
    });
    await t.step("push and pull", async () => {
      const content = new TextEncoder().encode("hello\n");
      const path = "etc/deep/file.conf";
      const pushed = await client.pushFile({ service: name, path, content, mode: 0o640 }, ample);
      strictEqual(pushed.error, "");
      const pulled = await client.pullFile({ service: name, path }, ample);
      strictEqual(pulled.error, "");
      deepStrictEqual([...pulled.content], [...content]);
    });
    await t.step("stop, start and restart", async () => {
      for (const verb of ["stopService", "startService", "restartService"] as const) {
        const { results } = await client[verb]({ name }, ample);
        deepStrictEqual(results.map(({ error }) => error), [""], verb);
      }
    });
    await t.step("the alert command", async () => {
      await agent.logged(({ message }) =>
        (remote ? /^curl .*\/libpod\/events\?/ : /^podman events /).test(message)
      );
      await podman("kill", name);
      const environment = await eventually("the alert command has run", async () => {
        const text = await Deno.readTextFile(told.at("alerted")).catch(() => "");
        return text.includes("MCP_OBSERVED") ? text : undefined;
      });
      match(environment, new RegExp(`^MCP_SERVICE=${name}$`, "m"));
      await client.startService({ name }, ample);
    });
    await t.step("sync, adopt", async () => {
      const spec = service.request(service.web(place.web.v2)).service;
      await client.syncDesiredState({ services: [spec ?? {}] }, ample);
      await podman("run", "--detach", `--name=${stray.name}-odd`, place.clock);
      const { results } = await client.adoptContainer({ service: stray.name }, ample);
      deepStrictEqual(results.map(({ success }) => success), [true]);
    });
    await t.step("looking", async () => {
      const { services, runtimeError } = await client.getServiceStatus({ name }, ample);
      strictEqual(runtimeError, "");
      strictEqual(services[0]?.components[0]?.observedState, "running");
      strictEqual((await client.liveCheck({}, ample)).services.length, 2);
      strictEqual((await client.listServices({}, ample)).services.length, 2);
      ok((await client.getServiceSpec({ name }, ample)).deployed !== undefined);
      ok((await client.listEvents({}, ample)).events.length > 0);
      ok((await client.listAudit({}, ample)).entries.length > 0);
      for await (const _ of client.watchEvents({ since: {} }, ample)) break;
      const status = await client.nodeStatus({}, ample);
      match(status.runtimeVersion, /^\d/);
      ok(
        status.diskTotalBytes > 0n && status.memoryTotalBytes > 0n &&
          status.uptimeSince !== undefined,
      );
    });
    const rolled = undo.use(new TrialService());
    const secrets = [{ name: "password", value: new TextEncoder().encode("hush") }];
    const rolledWeb = (change: ComponentInit) =>
      rolled.web(place.web.v1, { secrets: [{ name: "password", mode: 0o444 }], ...change });
    const checks: readonly QuickCheck[] = [
      { probe: "http", port: 8080, path: "/" },
      { probe: "tcp", port: 8080 },
      { probe: "exec", command: ["/bin/sh", "-c", "test -s /run/secrets/password"] },
    ];
    for (const check of checks) {
      await t.step(`a plan, and a rollout with a secret, proved by ${check.probe}`, async () => {
        const request = {
          ...wholeOf(rolled, rolledWeb({ healthcheck: quickCheck(check) })),
          secrets,
        };
        const { planId, components } = await client.planDeploy(request, ample);
        deepStrictEqual(components.map(({ action }) => action), [
          check.probe === "http" ? "create" : "replace",
        ]);
        const told = await rollOut(client, { ...request, planId });
        const { verdict, error } = told.result(rolled.name);
        deepStrictEqual([verdict, error], ["healthy", ""]);
        // The rollout has ended: what asks from here on is what asks for ever.
        await eventually(`${rolled.name} is asked again`, async () => {
          const { services } = await client.getServiceStatus({ name: rolled.name }, ample);
          const [component] = services[0]?.components ?? [];
          return component?.health === "healthy" && component.lastProbe !== ""
            ? component
            : undefined;
        });
      });
    }
    await t.step(
      "what is as it was deployed is kept, and what somebody made in its place is not",
      async () => {
        const request = {
          ...wholeOf(rolled, rolledWeb({ healthcheck: quickCheck(checks.at(-1) ?? {}) })),
          secrets,
        };
        const kept = await client.planDeploy(request, ample);
        deepStrictEqual(kept.components.map(({ action }) => action), ["keep"]);
        const revision = await rolled.inspect(
          rolled.name,
          '{{index .Config.Labels "mcp.revision"}}',
        );
        await podman("rm", "--force", "--time=0", rolled.name);
        await podman(
          ...["run", "--detach", `--name=${rolled.name}`, `--label=mcp.revision=${revision}`],
          ...[`--publish=127.0.0.1:${rolled.port}:8080`, "--env=BY_HAND=yes", place.web.v1],
        );
        const { components } = await client.planDeploy(request, ample);
        const [component] = components;
        strictEqual(component?.action, "replace");
        deepStrictEqual(component.differences.map(({ field }) => field), [
          "restart",
          "env.BY_HAND",
          "secrets.password",
        ]);
        deepStrictEqual([...component.notes], [
          "its container is not as it was deployed: restart, env.BY_HAND, secrets.password",
        ]);
      },
    );
    await t.step("attach, history, one revision and a rollback", async () => {
      const events = await Array.fromAsync(client.attachRollOut({ service: rolled.name }, ample));
      strictEqual(events.at(-1)?.kind, "ended");
      const { revisions } = await client.listRevisions({ service: rolled.name }, ample);
      deepStrictEqual(revisions.map(({ number }) => number), [3, 2, 1]);
      const first = await client.getRevision({ service: rolled.name, number: 1 }, ample);
      strictEqual(first.spec?.components[0]?.image, place.web.v1);
      const told = await rollOut(client, { service: { name: rolled.name }, revision: 1 });
      strictEqual(told.result(rolled.name).verdict, "healthy", told.result(rolled.name).error);
    });
    await t.step("logs, all there are and those to come", async () => {
      const printed = await Array.fromAsync(
        client.streamLogs({ service: rolled.name, tail: 5 }, ample),
      );
      match(printed.flatMap(({ lines }) => lines).map(({ text }) => text).join("\n"), /listens on/);
      for await (
        const { lines } of client.streamLogs({ service: rolled.name, follow: true }, ample)
      ) {
        if (lines.length > 0) break;
      }
    });
    await t.step("diagnose", async () => {
      const { findings } = await client.diagnose({}, ample);
      ok(findings.length > 5, findings.map(({ id }) => id).join(" "));
      const told = findings.map(({ level, what, why }) => `${level}: ${what} ${why}`).join("\n");
      ok(!/NotCapable|Requires \w+ access/.test(told), told);
    });
    await t.step("remove, with its data, and prune", async () => {
      const path = "etc/file.conf";
      const content = new TextEncoder().encode("x");
      await client.pushFile({ service: rolled.name, path, content, mode: 0o640 }, ample);
      const { results, removed } = await client.removeService(
        { name: rolled.name, purgeData: true },
        ample,
      );
      deepStrictEqual(results.map(({ error }) => error), [""]);
      ok(removed.some((what) => what.startsWith("secret ")), removed.join(", "));
      deepStrictEqual(await rolled.containers(), []);
      await rejects(Deno.stat(`${node.folder}/srv/${rolled.name}`), Deno.errors.NotFound);
      const { images } = await client.pruneImages({}, ample);
      deepStrictEqual(images.map(({ error }) => error).filter((error) => error !== ""), []);
    });
    await t.step("a snapshot, by a process of its own", async () => {
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: [
          ...["run", "--quiet", "--no-check", "--cached-only", ...snapshotFlags(node)],
          ...[agentMain, "snapshot", `--config=${node.config.file}`, "--json"],
        ],
      }).output();
      strictEqual(code, 0, new TextDecoder().decode(stderr));
      const { path } = JSON.parse(new TextDecoder().decode(stdout));
      ok(path.startsWith(`${node.folder}/backups/`));
    });
    await t.step("its end", async () => {
      client.close();
      agent.signal("SIGTERM");
      strictEqual(await agent.ended(), 0);
      deepStrictEqual(agent.messages("ERROR"), []);
      // What only reads is asked at the socket where there is one, and podman is run for it elsewhere.
      const asked = agent.entries.map(({ message }) => message);
      const reads = /^podman (--\S+ )*(ps|events|version|info|images|(container|image) inspect) /;
      strictEqual(asked.some((line) => reads.test(`${line} `)), !remote);
      strictEqual(asked.some((line) => line.startsWith("curl --unix-socket ")), remote);
      // A permission that was lacking would be said in some sentence of the log.
      const log = agent.entries.map((entry) => JSON.stringify(entry)).join("\n");
      strictEqual(/NotCapable|Requires \w+ access/.exec(log)?.input, undefined);
    });
  });
}
