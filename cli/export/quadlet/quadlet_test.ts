import { deepStrictEqual, ok } from "node:assert/strict";
import { componentDefaults, type ComponentSpec } from "../../../lib/domain/component_spec.ts";
import { healthCheckDefaults } from "../../../lib/domain/health_check.ts";
import { toQuadlet } from "./quadlet.ts";

const web: ComponentSpec = { ...componentDefaults, name: "web", image: "registry.example/web:v1" };

/** The lines of the unit that are not there for every component. */
function lines(change: Partial<ComponentSpec>, others: readonly ComponentSpec[] = []): string[] {
  const { files } = toQuadlet({
    name: "shop",
    active: true,
    components: [{ ...web, ...change }, ...others],
  });
  const usual = new Set(
    toQuadlet({ name: "shop", active: true, components: [web] }).files[0]?.text.split("\n"),
  );
  return files[0]?.text.split("\n").filter((line) => !line.startsWith("#") && !usual.has(line)) ??
    [];
}

const exec = (...command: string[]) => ({
  healthcheck: { ...healthCheckDefaults, probe: { kind: "exec" as const, command } },
});

/** Given what the component says, the lines of its unit that say it. */
const cases: readonly [given: string, change: Partial<ComponentSpec>, expected: string[]][] = [
  ["nothing", {}, []],
  ["that it stays stopped", { restart: "no" }, ["Restart=no"]],
  ["that it is brought back so many times", { restart: "on-failure:3" }, ["Restart=on-failure"]],
  ["a job", { kind: "job", restart: "no" }, [
    "Type=oneshot",
    "RemainAfterExit=yes",
    "Restart=no",
  ]],
  ["a network that somebody makes", { network: "shop" }, ["Network=shop.network"]],
  ["the node's network", { network: "host", ports: ["80:80"] }, ["Network=host"]],
  ["a user and a group", { user: "app:1000" }, ["User=app", "Group=1000"]],
  ["specifiers and variables", { cmd: ["%h", "$HOME", "${HOME}", "100%"] }, [
    'Exec=%%h $$HOME "$${HOME}" 100%%',
  ]],
  ["spaces, quotes and line ends", { cmd: ["two words", `"'\\`, "a\nb\t\u0001\u202e"] }, [
    'Exec="two words" "\\"\'\\\\" "a\\nb\\t\\x01\\u202e"',
  ]],
  ["an empty argument", { cmd: ["a", ""] }, ["Exec=a"]],
  ["an empty argument behind an entrypoint", { entrypoint: ["sh"], cmd: ["a", "", ";"] }, [
    'Entrypoint=["sh","a","",";"]',
  ]],
  ["variables", { env: { A: "", B: "1 2", C: "50%", D: '"' } }, [
    "Environment=A=",
    'Environment="B=1 2"',
    "Environment=C=50%%",
    'Environment="D=\\""',
  ]],
  ["a path with spaces at its end", { workdir: "/a " }, ['PodmanArgs="--workdir=/a "']],
  ["a volume that is called like a unit", { volumes: ["a.volume:/a", "/srv/a.volume:/b:ro"] }, [
    "PodmanArgs=--volume=a.volume:/a",
    "Volume=/srv/a.volume:/b:ro",
  ]],
  ["a secret", {
    secrets: [{ name: "pw", target: "/run/secrets/pw", mode: 0o400, uid: 0, gid: 33 }],
  }, ["Secret=shop-pw,type=mount,target=/run/secrets/pw,mode=0400,gid=33"]],
  ["a check", exec("sh", "-c", "echo $A 5%"), [
    'HealthCmd=["sh","-c","echo $$A 5%%"]',
    "HealthInterval=30s",
    "HealthTimeout=5s",
    "HealthRetries=3",
    "HealthStartPeriod=0s",
  ]],
  ["a check that podman takes for another", exec("cmd", "x"), []],
  ["a check that a shell would read", exec("a;b"), []],
  ["how long it may take to stop", { stopTimeoutMs: 1_500 }, [
    "StopTimeout=2",
    "TimeoutStopSec=32",
  ]],
];

for (const [given, change, expected] of cases) {
  Deno.test({
    name: `toQuadlet() given ${given}`,
    permissions: "none",
    fn: () => deepStrictEqual(lines(change), expected),
  });
}

Deno.test({
  name: "toQuadlet() has a unit wait for those it depends on, and those say when they are healthy",
  permissions: "none",
  fn() {
    const db: ComponentSpec = { ...web, name: "db", ...exec("pg_isready", "-q") };
    deepStrictEqual(lines({ dependsOn: ["db"] }, [db]), [
      "Requires=shop-db.service",
      "After=shop-db.service",
    ]);
    const { files, notes } = toQuadlet({
      name: "shop",
      active: true,
      components: [{ ...web, dependsOn: ["db"] }, db],
    });
    ok(files[1]?.text.includes("\nNotify=healthy\n"));
    deepStrictEqual(notes.filter(({ key }) => key === "depends_on"), []);
  },
});

Deno.test({
  name: "toQuadlet() writes each network once, with the name that it has",
  permissions: "none",
  fn() {
    const components = ["web", "db"].map((name) => ({ ...web, name, network: "shop" }));
    const { files } = toQuadlet({ name: "shop", active: true, components });
    deepStrictEqual(files.map(({ name }) => name), [
      "shop-web.container",
      "shop-db.container",
      "shop.network",
    ]);
    ok(files[2]?.text.endsWith("\n\n[Network]\nNetworkName=shop\n"));
  },
});

Deno.test({
  name: "toQuadlet() starts at boot what is to run, and nothing else",
  permissions: "none",
  fn() {
    const isStarted = (active: boolean, change: Partial<ComponentSpec>) =>
      toQuadlet({ name: "shop", active, components: [{ ...web, ...change }] })
        .files[0]?.text.includes("[Install]\nWantedBy=default.target\n");
    deepStrictEqual(
      [isStarted(true, {}), isStarted(false, {}), isStarted(true, { kind: "job", restart: "no" })],
      [true, false, false],
    );
  },
});
