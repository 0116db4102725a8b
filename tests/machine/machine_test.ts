import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { parentDirectory } from "../../deploy/sandbox/throw_away.ts";
import { eventually } from "../support/eventually.ts";
import { controlGroupsRoot } from "./control_group.ts";
import { Machine } from "./machine.ts";
import { whyNoMachine } from "./why_no_machine.ts";

const reason = await whyNoMachine();
const ignore = reason !== undefined;
if (ignore) Deno.test.ignore(`no machine here: ${reason}`, () => {});

/** What is left of a machine on this system, in words; others may have machines at the same time. */
async function traces(machine: string): Promise<string[]> {
  const found: string[] = [];
  for (const folder of [parentDirectory, await controlGroupsRoot() ?? "", "/sys/class/net"]) {
    for await (const { name } of Deno.readDir(folder)) {
      if (name === machine) found.push(`${folder}/${name}`);
    }
  }
  const mounts = await Deno.readTextFile("/proc/self/mounts");
  found.push(...mounts.split("\n").filter((line) => line.includes(machine)));
  for await (const { name } of Deno.readDir("/proc")) {
    const groups = /^\d+$/.test(name)
      ? await Deno.readTextFile(`/proc/${name}/cgroup`).catch(() => "")
      : "";
    if (groups.includes(`/${machine}/`)) found.push(`process ${name}`);
  }
  return found;
}

/** The name under which a machine has its folder, group and link, from where its disk is. */
function nameIn(text: string): string {
  return /mcp-[0-9a-f]{8}/.exec(text)?.[0] ?? "";
}

Deno.test({ name: "a machine", ignore }, async (t) => {
  let name = "";
  {
    await using machine = await Machine.boot({ hostname: "trial", plainRegistryPorts: [5000] });
    name = nameIn(machine.disk("/"));

    await t.step("is a Debian that has just been installed", async () => {
      strictEqual(await machine.demand(["systemctl", "is-system-running"]), "running\n");
      strictEqual(await machine.demand(["hostname"]), "trial\n");
      strictEqual((await machine.run(["id", "mcp"])).code, 1);
      const found = await machine.demand(
        ["find", "/srv", "/home", "/root", "/usr/local", "/etc/systemd/system", "-type", "f"],
      );
      strictEqual(found.replaceAll(/\/root\/\..*\n/g, ""), "");
      const leaks = await machine.demand(
        ["find", "/etc", "/var", "/opt", "-name", "*mcp*"],
      );
      strictEqual(leaks, "");
      match(await machine.demand(["podman", "--version"]), /^podman version/);
    });

    await t.step("has an uptime of its own", async () => {
      const [uptime] = (await machine.demand(["cat", "/proc/uptime"])).split(" ");
      ok(Number(uptime) < 60, `it is up for ${uptime} s`);
    });

    await t.step("runs programs as a user, with input, and gives their exit code", async () => {
      const outcome = await machine.run(["sh", "-c", "id -un; cat; echo no >&2; exit 3"], {
        user: "nobody",
        stdin: "words",
      });
      deepStrictEqual(outcome, { code: 3, stdout: "nobody\nwords", stderr: "no\n" });
    });

    await t.step("ends a program that takes too long", async () => {
      await rejects(machine.run(["sleep", "1234"], { timeoutMs: 200 }), /did not end within 0.2 s/);
      await eventually("the program has ended in there too", async () => {
        return (await machine.run(["pgrep", "-f", "sleep 1234"])).code === 1 || undefined;
      });
    });

    await t.step("is connected with this system, and with nothing else", async () => {
      const { inside, outside } = machine.addresses;
      using listener = Deno.listen({ hostname: outside, port: 0 });
      const caller = machine.demand(["busybox", "nc", outside, `${listener.addr.port}`]);
      using connection = await listener.accept();
      strictEqual((connection.remoteAddr as Deno.NetAddr).hostname, inside);
      await connection.write(new TextEncoder().encode("hello"));
      connection.closeWrite();
      strictEqual(await caller, "hello");
      strictEqual(await machine.demand(["ip", "route", "show", "default"]), "");
    });

    await t.step(
      "runs containers of a user without privileges, in groups of their own",
      async () => {
        const home = "/home/trial";
        await machine.demand(["useradd", "--create-home", "--home-dir", home, "trial"]);
        await machine.demand(["loginctl", "enable-linger", "trial"]);
        // What is said for the whole machine holds beside what the user has said.
        await machine.demand(["mkdir", "-p", `${home}/.config/containers`, `${home}/box`]);
        await machine.demand(["cp", "/bin/busybox", `${home}/box/busybox`]);
        await machine.demand(["tee", `${home}/.config/containers/containers.conf`], {
          stdin: `[containers]\nlog_driver = "k8s-file"\n[engine]\nevents_logger = "file"\n`,
        });
        await machine.demand(["chown", "-R", "trial:trial", home]);
        const id = (await machine.demand(["id", "-u", "trial"])).trim();
        const env = {
          HOME: home,
          XDG_RUNTIME_DIR: `/run/user/${id}`,
          DBUS_SESSION_BUS_ADDRESS: `unix:path=/run/user/${id}/bus`,
        };
        await eventually("the user's manager is up", async () => {
          const { stdout } = await machine.run(["systemctl", "is-active", `user@${id}.service`]);
          return stdout === "active\n" || undefined;
        });
        const podman = (...args: string[]) =>
          machine.demand(["podman", ...args], { user: "trial", env });
        const box = ["--name=box", "--rootfs", `${home}/box`];
        await podman("run", "--detach", ...box, "/busybox", "sleep", "1234");
        const groups = ["find", "/sys/fs/cgroup/user.slice", "-name", "libpod-conmon-*.scope"];
        match(await machine.demand(groups), /user@\d+\.service/);
        const manners = await podman(
          "info",
          "--format={{.Host.LogDriver}} {{.Host.CgroupManager}}",
        );
        strictEqual(manners, "k8s-file systemd\n");
        // Neither it nor what holds the user's namespaces hears SIGTERM: switching off would wait.
        await podman("rm", "--force", "--time=0", "box");
        await podman("system", "migrate");
      },
    );

    const kept = ["/etc/kept", "/usr/local/kept", "/usr/lib/kept", "/srv/kept", "/var/lib/kept"];
    await t.step("keeps its disk when it is switched off, and boots again", async () => {
      await machine.demand(["tee", "/run/forgotten", ...kept], { stdin: "before" });
      strictEqual(await Deno.readTextFile(machine.disk("/usr/local/kept")), "before");
      await machine.off();
      strictEqual(await Deno.readTextFile(machine.disk("/srv/kept")), "before");
      await machine.on();
      strictEqual(await machine.demand(["cat", ...kept]), "before".repeat(kept.length));
      strictEqual((await machine.run(["cat", "/run/forgotten"])).code, 1);
      strictEqual((await machine.run(["id", "trial"])).code, 0);
      const [uptime] = (await machine.demand(["cat", "/proc/uptime"])).split(" ");
      ok(Number(uptime) < 30, `it is up for ${uptime} s`);
    });

    await t.step("keeps its disk when its power is cut, and stops nothing before", async () => {
      await machine.demand(["tee", "/etc/systemd/system/told.service"], {
        stdin: "[Service]\nExecStart=/bin/sleep infinity\nExecStop=/bin/touch /srv/told\n",
      });
      await machine.demand(["systemctl", "start", "told.service"]);
      await machine.demand(["tee", ...kept], { stdin: "after" });
      await machine.cut();
      await machine.on();
      strictEqual(await machine.demand(["cat", ...kept]), "after".repeat(kept.length));
      strictEqual((await machine.run(["ls", "/srv/told"])).code, 2);
      await machine.demand(["systemctl", "start", "told.service"]);
      await machine.off();
      strictEqual((await Deno.stat(machine.disk("/srv/told"))).isFile, true);
      await machine.on();
    });
  }
  await t.step("leaves nothing on this system", async () => {
    match(name, /^mcp-/);
    deepStrictEqual(await traces(name), []);
  });
});

Deno.test({
  name: "a machine whose maker is killed ends at once, and the next one cleans up",
  ignore,
}, async () => {
  const enter = new URL("./enter.ts", import.meta.url).pathname;
  const maker = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-check", "--allow-all", enter, "sh", "-c", "echo up; sleep 9999"],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const reader = maker.stdout.getReader();
  strictEqual(new TextDecoder().decode((await reader.read()).value), "up\n");
  maker.kill("SIGKILL");
  await maker.status;
  const name = nameIn(await new Response(maker.stderr).text());
  match(name, /^mcp-/);
  // The program in there held the other end until it was gone.
  strictEqual((await reader.read()).done, true);
  await eventually("its processes have ended", async () => {
    return (await traces(name)).every((trace) => !trace.startsWith("process")) || undefined;
  });
  ok((await traces(name)).length > 0, "it has left its folder");
  {
    await using _next = await Machine.boot();
  }
  deepStrictEqual(await traces(name), []);
});
