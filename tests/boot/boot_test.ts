/**
 * A bare machine becomes a node, and survives what machines go through.
 *
 * One scenario, with the built executables, on a machine with a real systemd: each step needs the
 * ones before it. What people type is in the README and is taken from there, line for line.
 *
 * @module
 */

import { deepStrictEqual, match, notStrictEqual, ok, strictEqual } from "node:assert/strict";
import { whyNoMachine } from "../machine/why_no_machine.ts";
import { eventually } from "../support/eventually.ts";
import { ThrowAwayFolder } from "../support/throw_away_folder.ts";
import { ReadmeSection } from "./console.ts";
import { differences, list } from "./listing.ts";
import { buildNewer } from "./newer_build.ts";
import { build, type Container, lacking, Scene } from "./scene.ts";

const reason = await whyNoMachine();
const ignore = reason !== undefined;
if (ignore) Deno.test.ignore(`no machine here: ${reason}`, () => {});

/** The services of the scenario, by the port of the node that their page is on. */
const ports = { hello: 18080, still: 18081, once: 18082 } as const;

/** What a service's containers were before something that must not touch them. */
type Containers = Readonly<Record<string, Container>>;

Deno.test({ name: "a bare machine becomes a node that survives", ignore }, async (t) => {
  const startedAt = performance.now();
  await using builds = await ThrowAwayFolder.make();
  const made = await build(builds.at("now"));
  await using scene = await Scene.open(made, tell);
  const { machine } = scene;
  const readme = new ReadmeSection(
    scene,
    await Deno.readTextFile(new URL("../../README.md", import.meta.url)),
  );
  const measured: Record<string, string | number> = {};

  /** A step that needs those before it: after one that failed, none is tried. */
  const step = async (name: string, body: () => Promise<void>) => {
    if (!await t.step(name, body)) {
      tell(await machine.demand(["journalctl", "--no-pager", "--lines=80"]));
      throw new Error(`Not gone on after: ${name}`);
    }
  };

  /** Whatever is done, the containers must be the same ones, started when they were. */
  const untouched = async (port: number, doing: () => Promise<unknown>) => {
    const before: Containers = await scene.containers();
    await scene.servingThroughout(port, doing);
    deepStrictEqual(await scene.containers(), before);
  };
  const serving = async () => {
    await eventually("the agent answers", async () => await scene.answers("mcp ps") || undefined);
  };

  const bare = await list(machine);

  await step("installing says first what it would do, and does nothing", async () => {
    await readme.type("workstation", /^scp .*mcp-agent/);
    const before = await list(machine);
    match(await readme.type("node", /install .*--dry-run/), /mcp-podman\.socket/);
    deepStrictEqual(differences(before, await list(machine)), []);
    strictEqual((await machine.run(["id", "mcp"])).code, 1);
  });

  await step("installing makes a node of the machine", async () => {
    await readme.type("node", /install /);
    for (const unit of ["mcp-agent.service", "mcp-podman.socket", "mcp-podman.service"]) {
      strictEqual(await scene.property(unit, "ActiveState"), "active", unit);
      strictEqual(await scene.property(unit, "UnitFileState"), "enabled", unit);
    }
    strictEqual(await machine.demand(["stat", "--format=%U", "/srv"]), "mcp\n");
  });

  await step("installing once more finds nothing to do", async () => {
    const before = await list(machine);
    const pid = await scene.mainPid("mcp-agent.service");
    match(await readme.type("node", /install/, { again: true }), /nothing to do/i);
    deepStrictEqual(differences(before, await list(machine)), []);
    strictEqual(await scene.mainPid("mcp-agent.service"), pid);
  });

  await step("the agent has nothing that it does not need", async () => {
    const exposure = await machine.demand(["systemd-analyze", "security", "mcp-agent.service"]);
    measured["exposure"] = Number(/Overall exposure level.*: (\d+\.\d+)/.exec(exposure)?.[1]);
    ok(measured["exposure"] <= 1.7, `its exposure is ${measured["exposure"]}`);

    const pid = await scene.mainPid("mcp-agent.service");
    const status = await scene.processStatus(pid);
    const noCapability = "0".repeat(16);
    for (const name of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]) {
      strictEqual(status[name], noCapability, name);
    }
    strictEqual(status["NoNewPrivs"], "1");
    strictEqual(status["Seccomp"], "2");
    ok(Number(status["Seccomp_filters"]) > 1, `it has ${status["Seccomp_filters"]} filters`);
    const user = (await machine.demand(["id", "-u", "mcp"])).trim();
    deepStrictEqual(status["Uid"]?.split("\t"), [user, user, user, user]);

    const namespace = (of: string) => machine.demand(["readlink", `/proc/${of}/ns/mnt`]);
    notStrictEqual(await namespace(`${pid}`), await namespace("1"));
    const command = (await machine.demand(["cat", `/proc/${pid}/cmdline`])).split("\0");
    const config = ["--config", "/srv/mcp/mcp-agent.toml"];
    const derived = await machine.demand(["/usr/local/bin/mcp-agent", "permissions", ...config]);
    deepStrictEqual(
      command.filter((word) => /^(--(allow|deny)-.*|--no-prompt|--ignore-env.*|-A)$/.test(word)),
      derived.trim().split("\n"),
    );

    // As root: it is the mounts that refuse, whoever asks.
    const within = ["nsenter", `--target=${pid}`, "--mount", "--"];
    for (const folder of ["/etc", "/usr", "/usr/local/bin", "/var/lib/mcp", "/", "/var/lib"]) {
      const { code, stderr } = await machine.run([...within, "touch", `${folder}/intruder`]);
      ok(code !== 0, `${folder} can be written to`);
      match(stderr, /Read-only file system|Permission denied/, folder);
    }
    strictEqual(
      await machine.demand([...within, "ls", "-A", "/home", "/root"]),
      "/home:\n\n/root:\n",
    );
    const asMcp = ["nsenter", `--target=${pid}`, "--mount", `--setuid=${user}`, `--setgid=${user}`];
    strictEqual((await machine.run([...asMcp, "--", "ls", "/proc/1"])).code, 2);
    await machine.demand([...within, "touch", "/srv/mcp/probe"]);
    await machine.demand(["rm", "/srv/mcp/probe"]);
  });

  await step("the line that it printed connects a workstation", async () => {
    await readme.type("workstation", /^mcp node add .* && mcp login/);
    await serving();
  });

  await step("the operator deploys from outside", async () => {
    await scene.define("hello", {
      image: scene.images.v1,
      port: ports.hello,
      restart: "unless-stopped",
    });
    await scene.define("still", {
      image: scene.images.v1,
      port: ports.still,
      restart: "unless-stopped",
    });
    await scene.define("once", { image: scene.images.v1, port: ports.once, restart: "no" });
    await readme.type("workstation", /^mcp deploy hello/);
    await Promise.all([
      scene.workstation("mcp deploy still"),
      scene.workstation("mcp deploy once"),
    ]);
    for (const port of Object.values(ports)) await scene.requirePage(port, "hello-web v1");
    await scene.workstation("mcp stop still");
    strictEqual(await scene.page(ports.still), undefined);
    await readme.type("workstation", /^mcp (status|ps)/);
  });

  await step("containers carry none of the agent's confinement", async () => {
    const { hello } = await scene.containers();
    const status = await scene.processStatus(hello?.pid ?? 0);
    strictEqual(status["Seccomp_filters"], "1");
    match(
      await machine.demand(["cat", `/proc/${hello?.pid}/cgroup`]),
      /user@\d+\.service/,
    );
  });

  await step("an alert command gets its permission by installing again", async () => {
    await machine.demand(["tee", "/usr/local/bin/tell"], {
      stdin: '#!/bin/sh\necho "$MCP_ALERT_TYPE $MCP_SERVICE" >>/srv/mcp/alerts\n',
    });
    await machine.demand(["chmod", "755", "/usr/local/bin/tell"]);
    const config = machine.disk("/srv/mcp/mcp-agent.toml");
    const text = await Deno.readTextFile(config);
    await Deno.writeTextFile(
      config,
      `${text}\n[monitor]\nalert_command = ["/usr/local/bin/tell"]\ninterval = "1s"\n`,
    );
    await untouched(ports.hello, async () => {
      await scene.node("./mcp-agent install --yes");
      await serving();
    });
    await scene.podman("kill", "once");
    await eventually("the alert has been told", async () => {
      return await alerts(scene) === "drift once\n" || undefined;
    });
    await scene.workstation("mcp start once");
    await scene.requirePage(ports.once, "hello-web v1");
  });

  await step("a restart of the agent touches no container", async () => {
    await untouched(ports.hello, async () => {
      await machine.demand(["systemctl", "restart", "mcp-agent.service"]);
      await serving();
      await machine.demand(["systemctl", "kill", "--signal=KILL", "mcp-agent.service"]);
      await serving();
    });
  });

  await step("a restart, a stop and a kill of podman's service touch no container", async () => {
    await untouched(ports.hello, async () => {
      await machine.demand(["systemctl", "restart", "mcp-podman.service"]);
      await scene.workstation("mcp ps");
      await machine.demand(["systemctl", "stop", "mcp-podman.service"]);
      await scene.workstation("mcp ps");
      // Itself alone: what holds the containers' ports is in its control group with podman 5.
      const itself = ["--kill-whom=main", "--signal=KILL"];
      await machine.demand(["systemctl", "kill", ...itself, "mcp-podman.service"]);
      await scene.workstation("mcp ps");
    });
    strictEqual(await alerts(scene), "drift once\n");
  });

  await step("doctor finds nothing wrong, from inside and from outside", async () => {
    const codes = [0, 8];
    const inside = await machine.run(["mcp-agent", "doctor", "--json"]);
    deepStrictEqual(wrong(JSON.parse(inside.stdout).findings), []);
    await readme.type("workstation", /^mcp node doctor/, { codes, without: lacking });
    const { nodes } = await scene.json("mcp node doctor", codes);
    deepStrictEqual(wrong(nodes[0].findings), []);
  });

  await step("after a clean reboot runs what should run, and nothing else", async () => {
    const before = await scene.containers();
    await machine.off();
    strictEqual(await integrity(scene), "ok");
    await machine.on();
    await scene.requirePage(ports.hello, "hello-web v1");
    await requireAfterBoot(scene, before);
  });

  await step("after a power cut too, and nothing that was acknowledged is lost", async () => {
    await scene.define("hello", {
      image: scene.images.v2,
      port: ports.hello,
      restart: "unless-stopped",
    });
    const before = await scene.containers();
    await scene.workstation("mcp deploy hello");
    await machine.cut();
    strictEqual(await integrity(scene), "ok");
    const [revision, deploys, moves] = await scene.registry((database) => {
      const count = (sql: string) => Number(database.prepare(sql).get()?.["n"]);
      return [
        count("SELECT max(number) AS n FROM revisions WHERE service = 'hello'"),
        count("SELECT count(*) AS n FROM audit WHERE method = 'RollOut'"),
        count("SELECT count(*) AS n FROM events WHERE service = 'hello'"),
      ];
    });
    strictEqual(revision, 2);
    strictEqual(deploys, 4);
    ok((moves ?? 0) > 0);
    await machine.on();
    await scene.requirePage(ports.hello, "hello-web v2");
    await requireAfterBoot(scene, before);
    match(await scene.workstation("mcp audit --since 1h"), /RollOut +hello/);
    match(await scene.workstation("mcp events hello --since 1h"), /started after the node booted/);
  });

  await step(
    "an upgrade with a newer schema touches no container and keeps everything",
    async () => {
      const newer = await buildNewer(builds.at("newer"));
      const config = await Deno.readTextFile(machine.disk("/srv/mcp/mcp-agent.toml"));
      const certificate = await Deno.readTextFile(machine.disk("/srv/mcp/certs/cert.pem"));
      const snapshots = await machine.demand(["ls", "/srv/mcp/backups"]).catch(() => "");
      const schema = () =>
        scene.registry((database) =>
          Number(database.prepare("PRAGMA user_version").get()?.["user_version"])
        );
      const before = await schema();
      await Deno.copyFile(`${newer.folder}/mcp-agent`, machine.disk("/root/mcp-agent.newer"));
      await untouched(ports.hello, async () => {
        await scene.node("./mcp-agent.newer install --yes");
        await serving();
      });
      strictEqual(await schema(), before + 1);
      strictEqual(await Deno.readTextFile(machine.disk("/srv/mcp/mcp-agent.toml")), config);
      strictEqual(await Deno.readTextFile(machine.disk("/srv/mcp/certs/cert.pem")), certificate);
      notStrictEqual(await machine.demand(["ls", "/srv/mcp/backups"]), snapshots);
      // The token of before is still good.
      await scene.workstation("mcp ps");
    },
  );

  await step("going back to an older schema is refused, and nothing happens", async () => {
    const before = await list(machine);
    const { code, stderr } = await machine.run(["/root/mcp-agent", "install", "--yes"]);
    ok(code !== 0);
    match(stderr, /schema/);
    deepStrictEqual(
      differences(before, await list(machine)).filter((line) => !line.includes("/srv/mcp/mcp.db")),
      [],
    );
    await serving();
  });

  await step("the timer's unit makes a snapshot", async () => {
    const before = (await machine.demand(["ls", "/srv/mcp/backups"])).split("\n").length;
    await machine.demand(["systemctl", "start", "mcp-agent-backup.service"]);
    strictEqual((await machine.demand(["ls", "/srv/mcp/backups"])).split("\n").length, before + 1);
    strictEqual(await scene.property("mcp-agent-backup.timer", "ActiveState"), "active");
  });

  await step("the drop-in for speed gives the agent a compiler", async () => {
    const source = new URL("../../deploy/node/examples/20-jit.conf", import.meta.url);
    const dropIn = "/etc/systemd/system/mcp-agent.service.d/20-jit.conf";
    const restarted = async () => {
      await machine.demand(["systemctl", "daemon-reload"]);
      await machine.demand(["systemctl", "restart", "mcp-agent.service"]);
      await serving();
      const pid = await scene.mainPid("mcp-agent.service");
      return (await scene.processStatus(pid))["VmRSS"] ?? "";
    };
    measured["RSS without a compiler"] = await restarted();
    await Deno.copyFile(source, machine.disk(dropIn));
    measured["RSS with a compiler"] = await restarted();
    await machine.demand(["rm", dropIn]);
    await machine.demand(["systemctl", "daemon-reload"]);
  });

  await step(
    "uninstalling keeps the data unless told otherwise, then leaves a bare machine",
    async () => {
      await readme.type("node", /uninstall/);
      strictEqual((await machine.run(["systemctl", "cat", "mcp-agent.service"])).code, 1);
      strictEqual(await integrity(scene), "ok");
      // What the test has made beside what people make.
      await machine.demand(["rm", "-r", "/usr/local/bin/tell", "/srv/still", "/srv/once"]);
      await readme.type("node", /uninstall .*--purge-data/);
      deepStrictEqual(
        differences(bare, await list(machine)).filter((line) => !isOfOthers(line)),
        // Services' own folders are never removed.
        ["+ /srv/hello", "+ /srv/hello/data"],
      );
      strictEqual((await machine.run(["id", "mcp"])).code, 1);
      strictEqual((await machine.run(["pgrep", "--count", "conmon|slirp4netns|busybox"])).code, 1);
    },
  );

  readme.requireAllTyped();
  measured["seconds"] = ((performance.now() - startedAt) / 1000).toFixed(1);
  for (const [what, value] of Object.entries(measured)) tell(`${what}: ${value}`);
});

/** What runs after a boot: what should, in the containers of before; what was stopped, does not. */
async function requireAfterBoot(scene: Scene, before: Containers): Promise<void> {
  const after = await eventually("the agent has looked after what should run", async () => {
    const now = await scene.containers();
    return now["hello"]?.status === "running" ? now : undefined;
  });
  deepStrictEqual(Object.keys(after).sort(), ["hello", "once", "still"]);
  strictEqual(after["still"]?.id, before["still"]?.id);
  notStrictEqual(after["still"]?.status, "running");
  notStrictEqual(after["once"]?.status, "running");
  strictEqual(await scene.page(ports.still), undefined);
  strictEqual(await scene.page(ports.once), undefined);
  // Going down is no drift, and neither is being started again.
  strictEqual(await alerts(scene), "drift once\n");
  const told = await scene.registry((database) =>
    database.prepare("SELECT service FROM alerts").all().map((row) => row["service"])
  );
  deepStrictEqual(told, ["once"]);
}

/** What doctor has to say against the node, but for what the machine cannot have. */
function wrong(findings: readonly Record<"id" | "level" | "what", string>[]): string[] {
  return findings
    .filter(({ id, level }) => ["error", "warning"].includes(level) && !lacking.includes(id))
    .map(({ id, what }) => `${id}: ${what}`);
}

/** What programs of the system leave of their own: copies of account files, an empty folder. */
function isOfOthers(difference: string): boolean {
  return /^\+ \/etc\/(passwd|group|shadow|gshadow|subuid|subgid)-$/.test(difference) ||
    difference === "+ /var/lib/systemd/timers";
}

async function alerts(scene: Scene): Promise<string> {
  return await Deno.readTextFile(scene.machine.disk("/srv/mcp/alerts")).catch(() => "");
}

async function integrity(scene: Scene): Promise<unknown> {
  return await scene.registry((database) =>
    database.prepare("PRAGMA integrity_check").get()?.["integrity_check"]
  );
}

function tell(line: string): void {
  // deno-lint-ignore no-console -- facts for people, beside the report of the tests
  console.error(line);
}
