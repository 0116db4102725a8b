/**
 * The units against the design that they come from, and against systemd itself.
 *
 * @module
 */

import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { findProgram } from "../../deploy/sandbox/packages.ts";
import { ThrowAwayFolder } from "../support/throw_away_folder.ts";

const folder = fileURLToPath(new URL("../../deploy/node", import.meta.url));

/** What the design asks of the agent's unit; the last thirteen are its hardening. */
const designed = `Description=MCP Agent
Wants=network-online.target
Type=simple
ExecStart=/usr/local/bin/mcp-agent server --config /srv/mcp/mcp-agent.toml
Restart=on-failure
RestartSec=5
User=mcp
Group=mcp
WantedBy=multi-user.target
NoNewPrivileges=true
ProtectSystem=strict
ProtectHome=true
PrivateTmp=true
PrivateDevices=true
ProtectKernelTunables=true
ProtectKernelModules=true
ProtectControlGroups=true
RestrictSUIDSGID=true
RestrictNamespaces=true
LockPersonality=true
MemoryDenyWriteExecute=true
RestrictRealtime=true
ReadWritePaths=/srv`.split("\n");

const units = new Map<string, string>();
for await (const { name } of Deno.readDir(`${folder}/systemd`)) {
  units.set(name, await Deno.readTextFile(`${folder}/systemd/${name}`));
}

function textOf(name: string): string {
  const text = units.get(name);
  if (text === undefined) throw new Error(`There is no ${name}`);
  return text;
}

/** The directives of a unit, without sections and comments. */
function directives(text: string): string[] {
  return text.split("\n").filter((line) => /^[A-Z]\w*=/.test(line));
}

Deno.test({
  name: "mcp-agent.service has every directive of the design, unchanged",
  permissions: "none",
  fn: () => {
    const lines = directives(textOf("mcp-agent.service"));
    deepStrictEqual(designed.filter((line) => !lines.includes(line)), []);
    // Said twice, the second one would count.
    const once = designed.slice(-13).map((line) => line.split("=")[0]);
    const keys = lines.map((line) => line.split("=")[0] ?? "");
    deepStrictEqual(once.filter((key) => keys.filter((other) => other === key).length !== 1), []);
    match(textOf("mcp-agent.service"), /^After=network-online\.target /m);
  },
});

Deno.test({
  name: "each directive of mcp-agent.service that is not in the design is told why",
  permissions: "none",
  fn: () => {
    const lines = textOf("mcp-agent.service").split("\n");
    const untold = lines.filter((line, at) =>
      /^[A-Z]\w*=/.test(line) && !designed.includes(line) && !lines[at - 1]?.startsWith("# ")
    );
    deepStrictEqual(untold, []);
  },
});

Deno.test({
  name: "the backup is at least as confined as the agent, and has no network",
  permissions: "none",
  fn: () => {
    const agent = directives(textOf("mcp-agent.service"));
    const backup = directives(textOf("mcp-agent-backup.service"));
    const confining = agent.slice(agent.indexOf("NoNewPrivileges=true"))
      .filter((line) => !/^(ReadWritePaths|RestrictAddressFamilies|UMask|WantedBy)=/.test(line))
      // What the agent is given back.
      .filter((line) => line !== "SystemCallFilter=@chown setrlimit");
    deepStrictEqual(confining.filter((line) => !backup.includes(line)), []);
    // Told otherwise, V8 would have Deno forget what it has compiled for the agent.
    const v8 = agent.filter((line) => line.startsWith("Environment=DENO_V8_FLAGS="));
    deepStrictEqual(backup.filter((line) => line.startsWith("Environment=DENO_V8_FLAGS=")), v8);
    for (const line of ["PrivateNetwork=true", "RestrictAddressFamilies=none", "UMask=0077"]) {
      ok(backup.includes(line), line);
    }
  },
});

Deno.test({
  name: "what podman needs to let containers outlive it is there",
  permissions: "none",
  fn: () => {
    const lines = directives(textOf("mcp-podman.service"));
    for (const line of ["KillMode=process", "ExecStartPre=/usr/bin/podman ps -q"]) {
      ok(lines.includes(line), line);
    }
    // It implies what stops newuidmap, and so do all filters of system calls.
    const filters = /^(NoNewPrivileges|PrivateTmp|Restrict|SystemCall|MemoryDeny|Lock|PrivateDev)/;
    deepStrictEqual(lines.filter((line) => filters.test(line)), []);
  },
});

Deno.test({
  name: "at shutdown the agent ends before the containers, and they before podman",
  permissions: "none",
  fn: () => {
    const after = (name: string) => /^After=(.*)$/m.exec(textOf(name))?.[1]?.split(" ") ?? [];
    ok(after("mcp-agent.service").includes("mcp-containers.service"));
    ok(after("mcp-containers.service").includes("mcp-podman.service"));
    ok(after("mcp-podman.service").includes("user@@UID@.service"));
  },
});

const analyze = await findProgram("systemd-analyze");
const ignore = analyze === undefined;
if (ignore) {
  Deno.test.ignore("the units are not shown to systemd: systemd-analyze is missing", () => {});
}

async function run(args: readonly string[]): Promise<{ code: number; output: string }> {
  const { code, stdout, stderr } = await new Deno.Command(analyze ?? "", {
    args: [...args],
    env: { SYSTEMD_COLORS: "0", SYSTEMD_PAGER: "" },
  }).output();
  const decoder = new TextDecoder();
  return { code, output: decoder.decode(stdout) + decoder.decode(stderr) };
}

/** A system that has nothing but the units, and what they name. */
async function stubSystem(): Promise<ThrowAwayFolder> {
  const system = await ThrowAwayFolder.make();
  for (const path of ["etc/systemd/system", "usr/lib/systemd/system"]) {
    await Deno.mkdir(system.at(path), { recursive: true });
  }
  await Deno.symlink("usr/lib", system.at("lib"));
  for (const [name, text] of units) {
    await Deno.writeTextFile(
      system.at(`etc/systemd/system/${name}`),
      text.replaceAll("@UID@", "990"),
    );
  }
  const targets = ["basic", "multi-user", "network", "network-online", "shutdown", "sockets"];
  for (const name of [...targets, "sysinit", "timers"]) {
    await Deno.writeTextFile(
      system.at(`usr/lib/systemd/system/${name}.target`),
      "[Unit]\nDescription=A stub\n",
    );
  }
  const programs = [...units.values()].flatMap((text) =>
    [...text.matchAll(/^Exec\w+=(\/\S+)/gm)].map(([, program]) => program ?? "")
  );
  for (const program of new Set(programs)) {
    await Deno.mkdir(system.at(program.slice(1, program.lastIndexOf("/"))), { recursive: true });
    await Deno.writeTextFile(system.at(program.slice(1)), "#!/bin/sh\n", { mode: 0o755 });
  }
  return system;
}

for (const name of [...units.keys()].sort()) {
  Deno.test({
    name: `systemd understands every word of ${name}`,
    ignore,
    fn: async () => {
      await using system = await stubSystem();
      const { code, output } = await run(
        [`--root=${system.path}`, "verify", "--recursive-errors=yes", name],
      );
      deepStrictEqual([code, output.trim()], [0, ""]);
    },
  });
}

Deno.test({
  name: "systemd understands the example that trades protection for speed",
  ignore,
  fn: async () => {
    await using system = await stubSystem();
    const dropIns = system.at("etc/systemd/system/mcp-agent.service.d");
    await Deno.mkdir(dropIns);
    await Deno.copyFile(`${folder}/examples/20-jit.conf`, `${dropIns}/20-jit.conf`);
    const { code, output } = await run(
      [`--root=${system.path}`, "verify", "--recursive-errors=yes", "mcp-agent.service"],
    );
    deepStrictEqual([code, output.trim()], [0, ""]);
  },
});

Deno.test({
  name: "systemd would tell a word of a unit that it does not understand",
  ignore,
  fn: async () => {
    await using system = await stubSystem();
    const path = system.at("etc/systemd/system/mcp-agent.service");
    const text = await Deno.readTextFile(path);
    await Deno.writeTextFile(path, text.replace("ProtectClock=", "ProtectClocks="));
    const { code, output } = await run(
      [`--root=${system.path}`, "verify", "--recursive-errors=yes", "mcp-agent.service"],
    );
    strictEqual(code, 1);
    match(output, /ProtectClocks/);
  },
});

/** Ten times the exposure that systemd gives at most, and the most it may be. */
const exposures = [
  ["mcp-agent.service", 17],
  ["mcp-agent-backup.service", 8],
  // newuidmap is setuid: whatever implies NoNewPrivileges is out of the question.
  ["mcp-podman.service", 71],
  ["mcp-containers.service", 71],
] as const;
for (const [name, most] of exposures) {
  Deno.test({
    name: `the exposure of ${name} is ${most / 10} at most, and no better than is said`,
    ignore,
    fn: async () => {
      await using system = await stubSystem();
      const exposed = async (threshold: number) =>
        await run([
          "security",
          "--offline=true",
          "--no-pager",
          `--threshold=${threshold}`,
          system.at(`etc/systemd/system/${name}`),
        ]);
      const { code, output } = await exposed(most);
      strictEqual(code, 0, output);
      strictEqual((await exposed(most - 2)).code, 1, "it has become better: lower the figure");
    },
  });
}
