/** What `mcp service export` writes, played by podman and read by its generator of units. */

import fc from "fast-check";
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { runArgv } from "../../agent/runtime/podman/argv.ts";
import { exportService } from "../../cli/export/export.ts";
import type { ExportedFile } from "../../cli/export/exported.ts";
import { unitWords } from "../../cli/import/quadlet/unit_file.ts";
import { freePort } from "../../deploy/sandbox/free_port.ts";
import { componentDefaults, type ComponentSpec } from "../../lib/domain/component_spec.ts";
import { healthCheckDefaults } from "../../lib/domain/health_check.ts";
import { complaintsAbout, type ServiceSpec } from "../../lib/domain/service_spec.ts";
import { realExec } from "../../lib/system/exec.ts";
import { eventually } from "../support/eventually.ts";
import { exportCases, exportedSpec } from "../support/export_cases.ts";
import {
  openPodmanPlace,
  podman,
  type PodmanPlace,
  TrialService,
} from "../support/podman_trial.ts";
import { anyRunnableSpec } from "../support/runnable_specs.ts";
import { ThrowAwayFolder } from "../support/throw_away_folder.ts";

let place: PodmanPlace;
Deno.test.beforeAll(async () => {
  place = await openPodmanPlace();
});
Deno.test.afterAll(async () => await place[Symbol.asyncDispose]());

/** An exported file that podman plays, until it is disposed of. */
class Played implements AsyncDisposable {
  readonly #file: string;

  private constructor(file: string) {
    this.#file = file;
  }

  static async play(
    folder: string,
    spec: ServiceSpec,
    options: readonly string[] = [],
  ): Promise<Played> {
    const [file] = exportService(spec, "kube").files;
    ok(file !== undefined);
    const path = `${folder}/${file.name}`;
    await Deno.writeTextFile(path, file.text);
    const played = new Played(path);
    await podman("kube", "play", "--quiet", ...options, path);
    return played;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await podman("kube", "down", this.#file);
  }
}

/** Makes a Secret with these keys, as `kubectl create secret … --dry-run=client -o yaml` writes it. */
async function playSecret(
  folder: ThrowAwayFolder,
  name: string,
  keys: readonly string[] = ["pw"],
): Promise<AsyncDisposable> {
  const file = folder.at(`${name}.yaml`);
  const data = keys.map((key) => `  ${key}: ${btoa("hush")}\n`).join("");
  await Deno.writeTextFile(
    file,
    `apiVersion: v1\nkind: Secret\nmetadata:\n  name: ${name}\ndata:\n${data}`,
  );
  await podman("kube", "play", file);
  return {
    async [Symbol.asyncDispose]() {
      await podman("volume", "rm", "--force", name);
      await podman("secret", "rm", name);
    },
  };
}

/** Whether this podman is one that the exports are written around. */
async function isOld(): Promise<boolean> {
  return (await podman("version", "--format={{.Client.Version}}")).startsWith("4.3.");
}

/** The container of a component: podmans differ in what they call those of a Deployment. */
async function containerOf(service: string, component: string): Promise<string> {
  const names = await podman(
    "ps",
    "--all",
    "--format={{.Names}}",
    `--filter=label=app.kubernetes.io/part-of=${service}`,
    `--filter=label=app.kubernetes.io/name=${component}`,
  );
  const found = names.split("\n").filter((name) => name.endsWith(`-${component}`));
  strictEqual(found.length, 1, names);
  return found[0] ?? "";
}

/** An example of ours with images, ports and folders that this machine has. */
async function example(name: string, service: TrialService, folder: string): Promise<ServiceSpec> {
  const each = exportCases.find(({ service }) => service === name);
  ok(each !== undefined);
  const spec = await exportedSpec(each);
  const job = await place.scripts.publish("done", "v1", "true\n");
  return {
    ...spec,
    name: service.name,
    components: spec.components.map((component): ComponentSpec => ({
      ...component,
      image: component.kind === "job"
        ? job
        : component.name === "clock"
        ? place.clock
        : place.web.v1,
      ports: component.ports.map((text) =>
        `127.0.0.1:${component.name === "web" ? service.port : freePort()}:${
          text.split(":").at(-1)
        }`
      ),
      volumes: component.volumes.map((text) => text.replace(/^[^:]*/, folder)),
      entrypoint: [],
      cmd: [],
      // Without a control group, which nobody has in a sandbox, podman 5 cannot end what shares the processes.
      hostNamespaces: component.hostNamespaces.filter((namespace) => namespace !== "pid"),
    })),
  };
}

Deno.test("podman plays the export of the example hello: the pods answer, and share their folder", async () => {
  await using service = new TrialService();
  await using folder = await ThrowAwayFolder.make();
  const spec = await example("hello", service, folder.path);
  {
    await using _played = await Played.play(folder.path, spec);
    match(await service.page(), /Hello from hello-web v1/);
    await eventually(
      "the clock has written",
      async () => /\d/.test(await service.page("/data/clock.txt")) || undefined,
    );
  }
  const left = await podman("ps", "--all", "--format={{.Names}}", `--filter=name=${service.name}`);
  strictEqual(left, "");
});

Deno.test("podman plays the export of the example shop: all run, and the job has ended", async () => {
  await using service = new TrialService();
  await using folder = await ThrowAwayFolder.make();
  const spec = await example("shop", service, folder.path);
  await using undo = new AsyncDisposableStack();
  for (const { name, secrets } of spec.components) {
    if (secrets.length === 0) continue;
    // Keys are called like the files.
    const keys = secrets.map(({ target }) => target.split("/").at(-1) ?? "");
    undo.use(await playSecret(folder, `${service.name}-${name}-secrets`, keys));
  }
  undo.use(await Played.play(folder.path, spec));
  for (const { name, kind } of spec.components) {
    const container = await containerOf(service.name, name);
    await eventually(`${name} is as it should be`, async () => {
      const state = await service.inspect(container, "{{.State.Status}} {{.State.ExitCode}}");
      return state === (kind === "job" ? "exited 0" : "running 0") || undefined;
    });
  }
  const web = await containerOf(service.name, "web");
  strictEqual(await podman("exec", web, "id", "-u"), "1000\n");
  strictEqual(
    await podman("exec", web, "/bin/sh", "-c", "echo $TZ $LOG_LEVEL; pwd"),
    "UTC info\n/data\n",
  );
});

const nasty = {
  HOME: "/root",
  PERCENT: "100% %h",
  LINES: 'two\nlines: "x"\n---\n',
  NUMBER: "1e3",
  NO: "no",
  EMPTY: "",
  DOLLAR: "$HOME $(date)",
};

Deno.test("podman plays an export with all that a component may ask for", async () => {
  await using service = new TrialService();
  await using folder = await ThrowAwayFolder.make();
  const show = await place.scripts.publish(
    "exported",
    "v1",
    [
      `for name in ${Object.keys(nasty).join(" ")}; do`,
      `  eval "value=\\$$name"; echo "$name=$(echo "$value" | base64 -w 0)"; done`,
      `for argument; do echo "argument=$argument"; done`,
      "exec sleep 1000",
      "",
    ].join("\n"),
  );
  const job = await place.scripts.publish(
    "exported-job",
    "v1",
    'echo "ran as $(id -u):$(id -g)"\n',
  );
  await Deno.mkdir(`${folder.path}/data`);
  await Deno.writeTextFile(`${folder.path}/data/file`, "from the node");
  const components: ComponentSpec[] = [
    {
      ...componentDefaults,
      name: "web",
      image: show,
      dependsOn: ["setup"],
      cmd: ["two words", "no", "--- #", "$(date) $1"],
      env: nasty,
      ports: [`127.0.0.1:${service.port}:8080`],
      volumes: [`${folder.path}/data:/data:ro`, `${service.name}-kept:/kept`],
      workdir: "/data",
      hostname: "box",
      user: "0:7",
      labels: { team: "ops" },
      memory: "64m",
      capAdd: ["NET_BIND_SERVICE"],
      capDrop: ["ALL"],
      readOnly: true,
      tmpfs: ["/scratch:size=1m"],
      stopTimeoutMs: 1_000,
      healthcheck: { ...healthCheckDefaults, probe: { kind: "exec", command: ["true"] } },
      secrets: [{ name: "pw", target: "/run/secrets/pw", mode: 0o400, uid: 0, gid: 0 }],
    },
    {
      ...componentDefaults,
      name: "setup",
      image: job,
      kind: "job",
      restart: "no",
      user: "5:6",
    },
  ];
  const spec = { name: service.name, active: true, components };
  await using undo = new AsyncDisposableStack();
  undo.defer(async () => {
    await podman("volume", "rm", "--force", `${service.name}-kept`);
  });
  undo.use(await playSecret(folder, `${service.name}-web-secrets`));
  undo.use(await Played.play(folder.path, spec));

  const web = await containerOf(service.name, "web");
  const printed = await eventually("the component has started", async () => {
    const log = await podman("logs", web);
    return log.includes("argument=$(date) $1\n") ? log : undefined;
  });
  const read = Object.fromEntries(
    [...printed.matchAll(/^([A-Z]+)=(.*)$/gm)].map(([_, name = "", value = ""]) => [
      name,
      // The shell's own line end.
      new TextDecoder().decode(Uint8Array.fromBase64(value)).replace(/\n$/, ""),
    ]),
  );
  deepStrictEqual(read, nasty);
  deepStrictEqual(printed.match(/^argument=.*$/gm), [
    "argument=two words",
    "argument=no",
    "argument=--- #",
    "argument=$(date) $1",
  ]);
  const inside = (...command: readonly string[]) => podman("exec", web, ...command);
  // podman 4.3 hands out what stands in the Secret, as the export says.
  strictEqual(await inside("cat", "/run/secrets/pw"), await isOld() ? btoa("hush") : "hush");
  strictEqual(await inside("cat", "file"), "from the node");
  strictEqual(await inside("hostname"), "box\n");
  strictEqual(await inside("id", "-g"), "7\n");
  await inside("touch", "/kept/a", "/scratch/a", "/tmp/a", "/run/a", "/var/tmp/a");
  for (const path of ["/data/b", "/bin/b"]) {
    const { code } = await realExec(["podman", "exec", web, "touch", path], { timeoutMs: 300_000 });
    strictEqual(code, 1, path);
  }
  strictEqual(
    await service.inspect(
      web,
      '{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.Memory}} {{index .Config.Labels "team"}}',
    ),
    `true ${64 * 1024 ** 2} ops`,
  );
  match(await inside("grep", "CapBnd", "/proc/1/status"), /0000000000000400/);
  const setup = await containerOf(service.name, "setup");
  strictEqual(await podman("logs", setup), "ran as 5:6\n");
  strictEqual(await service.inspect(setup, "{{.State.ExitCode}}"), "0");
});

Deno.test("podman starts nothing of an export of a service that is stopped", async () => {
  await using service = new TrialService();
  await using folder = await ThrowAwayFolder.make();
  const spec = await example("hello", service, folder.path);
  // podman 5 plays one pod of a Deployment without replicas, unless it is told not to, as the export says.
  const options = await isOld() ? [] : ["--start=false"];
  await using _played = await Played.play(folder.path, { ...spec, active: false }, options);
  strictEqual(
    await podman("ps", "--format={{.Names}}", `--filter=name=${service.name}`),
    "",
  );
});

// --- Quadlets -----------------------------------------------------------------------------

/** podman's generator, where there is one: 4.4 and later. */
const generator = await firstOf([
  "/usr/libexec/podman/quadlet",
  "/usr/lib/podman/quadlet",
  "/usr/lib/systemd/user-generators/podman-user-generator",
]);
const skipped = generator === undefined
  ? " (skipped: no quadlet generator, podman is too old)"
  : "";

async function firstOf(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    const isThere = await Deno.stat(path).then(({ isFile }) => isFile, () => false);
    if (isThere) return path;
  }
  return undefined;
}

/** What the generator makes of the files: a unit it refuses is not among them. */
async function generated(folder: ThrowAwayFolder, files: readonly ExportedFile[]): Promise<string> {
  for (const { name, text } of files) await Deno.writeTextFile(folder.at(name), text);
  const { code, stdout, stderr } = await realExec([generator ?? "", "-dryrun", "-user"], {
    timeoutMs: 300_000,
    env: { QUADLET_UNIT_DIRS: folder.path },
  });
  strictEqual(code, 0, stderr);
  return stdout;
}

for (const each of exportCases) {
  Deno.test({
    name: `podman's generator takes the quadlets of ${each.service}${skipped}`,
    ignore: generator === undefined,
    async fn() {
      await using folder = await ThrowAwayFolder.make();
      const { files } = exportService(await exportedSpec(each), "quadlet");
      const units = await generated(folder, files);
      for (const { name } of files) {
        const unit = name.endsWith(".network")
          ? `${name.replace(/\.network$/, "")}-network.service`
          : name.replace(/\.container$/, ".service");
        ok(units.includes(`---${unit}---`), unit);
      }
    },
  });
}

/** podman's flags in a command of a unit, each with its value behind "=", and what follows the image. */
function argumentsIn(command: string, image: string) {
  // As systemd reads it.
  const words = (unitWords(command) ?? []).map((word) =>
    word.replaceAll("%%", "%").replaceAll("$$", "$")
  );
  const at = words.indexOf(image);
  const flags = new Set<string>();
  for (let next = 2; next < at; next++) {
    const flag = (words[next] ?? "").replace(/^-v$/, "--volume");
    const hasValue = /^--[a-z-]+$/.test(flag) && !words[next + 1]?.startsWith("-") &&
      next + 1 < at;
    flags.add(hasValue ? `${flag}=${words[++next]}` : flag);
  }
  return { flags, command: words.slice(at + 1) };
}

/** What the generator adds to every container. */
const ofGenerator = /^(--replace|--rm|-d|--(cidfile|cgroups|sdnotify)=.*)$/;

Deno.test({
  name: `podman's generator makes of quadlets what the agent would tell podman${skipped}`,
  ignore: generator === undefined,
  async fn() {
    const anySpec = anyRunnableSpec({
      images: ["registry.example/web:v1"],
      folder: "/srv/shop",
      network: "shop_net",
      prefix: "shop",
    }).map((spec) => ({ ...spec, cmd: spec.cmd.filter((word) => word !== "") }));
    await fc.assert(
      fc.asyncProperty(anySpec, async (spec) => {
        fc.pre(!["host", "none"].includes(spec.network) || spec.ports.length === 0);
        const service = { name: "shop", active: true, components: [spec] };
        fc.pre(complaintsAbout(service).length === 0);
        await using folder = await ThrowAwayFolder.make();
        const units = await generated(folder, exportService(service, "quadlet").files);
        const [, unit = ""] = units.split("---shop-web.service---");
        const made = argumentsIn(/^ExecStart=(.*)$/m.exec(unit)?.[1] ?? "", spec.image);
        const argv = runArgv({ name: "shop-web", spec, labels: {}, pull: "missing" });
        const at = argv.indexOf(spec.image);
        const flags = argv.slice(2, at)
          // systemd restarts, and a start is no deploy.
          .filter((flag) => !/^--(restart|pull)=/.test(flag))
          // The generator writes them so.
          .map((flag) => flag.startsWith("--cap-") ? flag.toLowerCase() : flag);
        deepStrictEqual(
          [...made.flags].filter((flag) => !ofGenerator.test(flag)).sort(),
          [...new Set(flags)].sort(),
        );
        deepStrictEqual(made.command, argv.slice(at + 1));
      }),
      { numRuns: 50 },
    );
  },
});
