import { deepStrictEqual, match, ok, strictEqual, throws } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { createToken } from "../../agent/door/auth/local.ts";
import { appendAlert, lastAlert } from "../../agent/registry/alerts.ts";
import { forgetOlder } from "../../agent/registry/by_time.ts";
import { recentAudit } from "../../agent/registry/audit.ts";
import {
  appendEvent,
  countTransitions,
  lastEventId,
  recentEvents,
} from "../../agent/registry/events.ts";
import { migrations } from "../../agent/registry/migrations/index.ts";
import { Registry } from "../../agent/registry/registry.ts";
import {
  beginRevision,
  finishComponent,
  finishRevision,
  listDeployments,
  markInterrupted,
} from "../../agent/registry/revisions.ts";
import {
  countServices,
  declareDiscovery,
  declareService,
  forgetComponent,
  getService,
  listServices,
  ownerOfContainer,
  recordSighting,
  recordVersion,
  wantComponent,
  wantService,
} from "../../agent/registry/services.ts";
import { listTokens, revokeToken } from "../../agent/registry/tokens.ts";
import { componentDefaults, type ComponentSpec } from "../../lib/domain/component_spec.ts";
import type { ServiceSpec } from "../../lib/domain/service_spec.ts";
import { McpError } from "../../lib/errors.ts";
import { ThrowAwayFolder } from "../support/throw_away_folder.ts";

const noon = new Date("2030-01-01T12:00:00.123Z");
const later = new Date("2030-01-01T12:00:05.000Z");

function component(name: string, change: Partial<ComponentSpec> = {}): ComponentSpec {
  return {
    ...componentDefaults,
    name,
    image: `registry.example/shop-${name}:v1`,
    network: "mcpnet",
    user: "0:0",
    restart: "unless-stopped",
    ports: ["127.0.0.1:18443:8443", "53:53/udp"],
    volumes: ["/srv/shop:/srv/shop", "cache:/cache:ro"],
    cmd: ["serve", "", "two words", "serve"],
    kind: "service",
    entrypoint: ["/bin/tini", "--"],
    env: { TZ: "UTC", "with.dot": 'a "b"\nc' },
    secrets: [{ name: "password", target: "/run/secrets/password", mode: 0o440, uid: 5, gid: 6 }],
    workdir: "/srv/metacrypt",
    hostname: "crypt",
    labels: { "org.example/team": "ops" },
    healthcheck: {
      probe: { kind: "https", port: 8443, path: "/healthz?full=1" },
      intervalMs: 10_000,
      timeoutMs: 1_500,
      retries: 5,
      startPeriodMs: 0,
    },
    memory: "512m",
    cpus: 1.5,
    pids: 100,
    ulimits: { nofile: "1024:2048" },
    capAdd: ["NET_BIND_SERVICE"],
    capDrop: ["ALL"],
    readOnly: true,
    tmpfs: ["/tmp:size=64m"],
    devices: ["/dev/fuse"],
    dependsOn: ["web"],
    stopSignal: "SIGQUIT",
    stopTimeoutMs: 90_000,
    pull: "missing",
    privileged: true,
    hostNamespaces: ["pid", "ipc"],
    ...change,
  };
}

function service(...components: readonly ComponentSpec[]): ServiceSpec {
  return { name: "shop", active: true, components };
}

async function inFolder(
  test: (folder: ThrowAwayFolder, path: string) => void | Promise<void>,
): Promise<void> {
  await using folder = await ThrowAwayFolder.make();
  await test(folder, folder.at("mcp.db"));
}

function declare(registry: Registry, spec: ServiceSpec, now = noon): void {
  registry.transaction(() => declareService(registry, spec, now));
}

Deno.test("a registry survives reopening with all that was remembered", () =>
  inFolder((_, path) => {
    const spec = service(component("web"), component("api", { ports: [], volumes: [], cmd: [] }));
    const before = (() => {
      using registry = Registry.open(path);
      declare(registry, spec);
      registry.transaction(() => {
        const revision = beginRevision(registry, {
          service: "shop",
          component: undefined,
          components: spec.components,
          actor: "ada",
          origin: "deploy",
          now: noon,
        });
        finishComponent(registry, {
          service: "shop",
          revision,
          component: "web",
          outcome: "succeeded",
          imageId: "abc",
          error: "",
          now: later,
        });
        recordSighting(registry, {
          service: "shop",
          component: "web",
          observed: "running",
          startedAt: noon,
          exitCode: undefined,
        }, later);
      });
      return getService(registry, "shop");
    })();
    using registry = Registry.open(path);
    deepStrictEqual(getService(registry, "shop"), before);
    deepStrictEqual(before, {
      name: "shop",
      active: true,
      components: [
        {
          service: "shop",
          spec: spec.components[0],
          container: "shop-web",
          desired: "running",
          observed: "running",
          observedAt: later,
          stateSince: later,
          startedAt: noon,
          exitCode: undefined,
          health: "",
          lastProbe: "",
          version: "v1",
          deployment: {
            revision: 1,
            origin: "deploy",
            spec: spec.components[0],
            imageId: "abc",
            imageDigest: "",
            secrets: {},
            deployedAt: later,
          },
        },
        {
          service: "shop",
          spec: spec.components[1],
          container: "shop-api",
          desired: "running",
          observed: "unknown",
          observedAt: undefined,
          stateSince: undefined,
          startedAt: undefined,
          exitCode: undefined,
          health: "",
          lastProbe: "",
          version: "v1",
          deployment: undefined,
        },
      ],
    });
  }));

Deno.test("a transaction that fails is rolled back whole, and the next one works", () =>
  inFolder((_, path) => {
    using registry = Registry.open(path);
    declare(registry, service(component("web")));
    throws(() =>
      registry.transaction(() => {
        declareService(registry, service(component("web", { cmd: ["other"] })), later);
        wantService(registry, "shop", "stopped", later);
        appendEvent(registry, {
          service: "shop",
          component: "web",
          previous: "unknown",
          next: "running",
          at: later,
          cause: "",
          actor: "",
        });
        throw new Error("in the middle");
      }), /in the middle/);
    const [web] = getService(registry, "shop")?.components ?? [];
    deepStrictEqual([web?.spec.cmd, web?.desired], [component("web").cmd, "running"]);
    deepStrictEqual(recentEvents(registry, { limit: 10 }), []);
    registry.transaction(() => wantService(registry, "shop", "stopped", later));
    strictEqual(getService(registry, "shop")?.active, false);
  }));

Deno.test("a new registry has every migration applied, and opening it again applies none", () =>
  inFolder((_, path) => {
    const schemaOf = (registry: Registry) =>
      registry.all("SELECT type, name, sql FROM sqlite_schema ORDER BY name");
    using first = Registry.open(path);
    strictEqual(first.get("PRAGMA user_version")?.["user_version"], migrations.length);
    using second = Registry.open(path);
    deepStrictEqual(schemaOf(second), schemaOf(first));
  }));

/** A registry as the first release wrote it, with something in every table. */
function writeVersion1(path: string): void {
  using database = new DatabaseSync(path);
  database.exec(migrations[0] ?? "");
  database.exec(`
    PRAGMA user_version = 1;
    INSERT INTO services (name, active) VALUES ('shop', 1);
    INSERT INTO components (name, service, image, container, observed_state, observed_at, version)
      VALUES ('web', 'shop', 'registry.example/web:v1', 'shop-web', 'running',
              '2030-01-01 12:00:00.000', 'v1');
    INSERT INTO component_ports VALUES ('shop', 'web', 0, '80:80');
    INSERT INTO component_volumes VALUES ('shop', 'web', 0, '/srv/shop:/data');
    INSERT INTO component_cmd VALUES ('shop', 'web', 0, 'serve');
    INSERT INTO events (service, component, prev_state, new_state, timestamp, cause)
      VALUES ('shop', 'web', 'unknown', 'running', '2030-01-01 12:00:00.000', 'deploy by ada');
    INSERT INTO revisions (service, number, actor, started_at, outcome)
      VALUES ('shop', 1, 'ada', '2030-01-01 11:59:00.000', 'succeeded');
    INSERT INTO revision_components (service, revision, component, spec, image_id, outcome)
      VALUES ('shop', 1, 'web', '${JSON.stringify(oldFields)}', 'abc', 'succeeded');
    INSERT INTO deployments VALUES ('shop', 'web', 1, '2030-01-01 12:00:00.000');
    INSERT INTO tokens VALUES ('id', 'ada', 'admin', 'hash', '2030-01-01 00:00:00.000',
                               '2031-01-01 00:00:00.000', NULL);
  `);
}

/** All that a spec could say then. */
const oldFields = {
  name: "web",
  image: "registry.example/web:v1",
  network: "",
  user: "",
  restart: "unless-stopped",
  ports: ["80:80"],
  volumes: ["/srv/shop:/data"],
  cmd: ["serve"],
};
const oldSpec: ComponentSpec = { ...componentDefaults, ...oldFields };

Deno.test("a registry of the first release is brought up to date with all that is in it", () =>
  inFolder((_, path) => {
    writeVersion1(path);
    using registry = Registry.open(path);
    strictEqual(registry.get("PRAGMA user_version")?.["user_version"], migrations.length);
    const at = new Date("2030-01-01T12:00:00Z");
    deepStrictEqual(getService(registry, "shop"), {
      name: "shop",
      active: true,
      components: [{
        service: "shop",
        spec: oldSpec,
        container: "shop-web",
        desired: "running",
        observed: "running",
        observedAt: at,
        // Nobody wrote that down then.
        stateSince: undefined,
        startedAt: undefined,
        exitCode: undefined,
        health: "",
        lastProbe: "",
        version: "v1",
        deployment: {
          revision: 1,
          origin: "deploy",
          spec: oldSpec,
          imageId: "abc",
          imageDigest: "",
          secrets: {},
          deployedAt: at,
        },
      }],
    });
    deepStrictEqual(recentEvents(registry, { limit: 10 }), [{
      id: 1,
      service: "shop",
      component: "web",
      previous: "unknown",
      next: "running",
      at,
      cause: "deploy by ada",
      actor: "",
    }]);
    strictEqual(listTokens(registry)[0]?.subject, "ada");
    // What the first release had no table for can be remembered now.
    appendAlert(registry, { service: "shop", component: "web", kind: "drift", at });
    strictEqual(lastAlert(registry, "shop", "web")?.kind, "drift");
    deepStrictEqual(recentAudit(registry, { limit: 10 }), []);
  }));

Deno.test("a migration that fails leaves the registry as the older agent wrote it", () =>
  inFolder((_, path) => {
    writeVersion1(path);
    {
      using database = new DatabaseSync(path);
      // In the way of a later step of the same migration.
      database.exec("CREATE TABLE audit (x)");
    }
    throws(() => Registry.open(path), { kind: "unavailable" });
    using database = new DatabaseSync(path);
    strictEqual(database.prepare("PRAGMA user_version").get()?.["user_version"], 1);
    const columns = database.prepare("SELECT name FROM pragma_table_info('events')").all();
    strictEqual(columns.some(({ name }) => name === "actor"), false);
  }));

Deno.test("an alert that is the latest of a component is that of no other", () =>
  inFolder((_, path) => {
    using registry = Registry.open(path);
    const alert = { service: "shop", component: "web", kind: "drift", at: noon } as const;
    strictEqual(lastAlert(registry, "shop", "web"), undefined);
    appendAlert(registry, alert);
    appendAlert(registry, { ...alert, kind: "flapping", at: later });
    appendAlert(registry, { ...alert, component: "api" });
    deepStrictEqual(lastAlert(registry, "shop", "web"), { ...alert, kind: "flapping", at: later });
    strictEqual(forgetOlder(registry, "alerts", later, 10), 2);
    strictEqual(lastAlert(registry, "shop", "api"), undefined);
  }));

Deno.test("transitions are counted by component, window and cause", () =>
  inFolder((_, path) => {
    using registry = Registry.open(path);
    const event = {
      service: "shop",
      component: "web",
      previous: "running",
      next: "exited",
    } as const;
    for (
      const [at, actor, component] of [
        [noon, "", "web"],
        [later, "", "web"],
        [later, "ada", "web"],
        [later, "", "api"],
      ] as const
    ) {
      appendEvent(registry, { ...event, component, at, actor, cause: "" });
    }
    const count = (since: Date, until = new Date(later.getTime() + 1)) =>
      countTransitions(registry, "shop", "web", { since, until });
    deepStrictEqual([count(noon), count(later), count(new Date(later.getTime() + 1))], [2, 1, 0]);
    // What was recorded before the clock was set back lies in the future, and counts for nothing.
    strictEqual(count(noon, noon), 1);
  }));

Deno.test("events are forgotten by age, the oldest first and so many at once", () =>
  inFolder((_, path) => {
    using registry = Registry.open(path);
    const states = { previous: "running", next: "exited", cause: "", actor: "" } as const;
    for (let at = 0; at < 10; at++) {
      const time = new Date(noon.getTime() + at);
      appendEvent(registry, { service: "shop", component: `c${at}`, ...states, at: time });
    }
    const before = new Date(noon.getTime() + 8);
    deepStrictEqual(
      [5, 5, 5].map((limit) => forgetOlder(registry, "events", before, limit)),
      [5, 3, 0],
    );
    deepStrictEqual(
      recentEvents(registry, { limit: 10 }).map(({ component }) => component),
      ["c9", "c8"],
    );
    strictEqual(lastEventId(registry), 10);
    strictEqual(lastEventId(registry, noon), 8);
    strictEqual(lastEventId(registry, later), 10);
  }));

Deno.test("what was read is read anew when anything was written, by whomever, or was undone", () =>
  inFolder((_, path) => {
    using registry = Registry.open(path);
    using beside = Registry.open(path);
    const names = () =>
      registry.unlessWritten("names", () => {
        reads++;
        return registry.all("SELECT name FROM services").map(({ name }) => name);
      });
    let reads = 0;
    const add = (to: Registry, name: string) =>
      to.run("INSERT INTO services (name) VALUES (?)", name);
    deepStrictEqual([names(), names(), reads], [[], [], 1]);
    add(registry, "shop");
    deepStrictEqual([names(), names(), reads], [["shop"], ["shop"], 2]);
    add(beside, "mail");
    deepStrictEqual([names().length, names().length, reads], [2, 2, 3]);
    throws(() =>
      registry.transaction(() => {
        add(registry, "wiki");
        strictEqual(names().length, 3);
        throw new Error("undone");
      })
    );
    deepStrictEqual([names().length, reads], [2, 5]);
  }));

Deno.test("an empty file becomes a registry", () =>
  inFolder(async (_, path) => {
    await Deno.writeFile(path, new Uint8Array());
    using registry = Registry.open(path);
    deepStrictEqual(countServices(registry), { services: 0, components: 0 });
  }));

Deno.test("a registry loses nothing in a power cut and keeps its references whole", () =>
  inFolder((_, path) => {
    using registry = Registry.open(path);
    const pragma = (name: string) => Object.values(registry.get(`PRAGMA ${name}`) ?? {})[0];
    deepStrictEqual(
      ["journal_mode", "synchronous", "foreign_keys", "busy_timeout"].map(pragma),
      ["wal", 2, 1, 5000],
    );
    throws(
      () => registry.run("INSERT INTO component_cmd VALUES ('nobody', 'nothing', 0, 'x')"),
      /FOREIGN KEY/,
    );
  }));

Deno.test("a registry that a newer agent wrote is refused, and left as it is", () =>
  inFolder((_, path) => {
    const newer = migrations.length + 7;
    Registry.open(path)[Symbol.dispose]();
    const database = new DatabaseSync(path);
    database.exec(`PRAGMA user_version = ${newer}`);
    database.close();
    throws(() => Registry.open(path), (error) => {
      ok(error instanceof McpError);
      strictEqual(error.kind, "conflict");
      match(
        error.message,
        new RegExp(`schema ${newer} is newer than this agent's ${migrations.length}$`),
      );
      match(error.hint ?? "", /^Install the mcp-agent/);
      return true;
    });
    const after = new DatabaseSync(path);
    strictEqual(after.prepare("PRAGMA user_version").get()?.["user_version"], newer);
    after.close();
  }));

for (
  const [given, damage] of [
    ["text", () => new TextEncoder().encode("This is no database.\n".repeat(500))],
    [
      "a registry whose first bytes are gone",
      (whole: Uint8Array) => whole.map((byte, at) => at < 100 ? 0x55 : byte),
    ],
    [
      "a registry whose tables are gone",
      (whole: Uint8Array) => whole.map((byte, at) => at < 100 ? byte : 0x55),
    ],
  ] as const
) {
  Deno.test(`a registry that is damaged is refused with its name: ${given}`, () =>
    inFolder(async (_, path) => {
      Registry.open(path)[Symbol.dispose]();
      await Deno.writeFile(path, damage(await Deno.readFile(path)));
      throws(() => Registry.open(path), {
        kind: "unavailable",
        message: `Cannot use the registry ${path}: it is damaged`,
      });
    }));
}

Deno.test("a registry in a folder that does not exist is refused with its name", () =>
  inFolder((folder) => {
    const path = folder.at("missing/mcp.db");
    throws(() => Registry.open(path), {
      kind: "unavailable",
      message: `Cannot open the registry ${path}`,
    });
  }));

Deno.test({
  name: "a registry in a folder that may not be written is refused with its name",
  permissions: { read: true, write: false },
  fn: () => {
    throws(() => Registry.open("/srv/mcp.db"), {
      kind: "unavailable",
      message: "Cannot open the registry /srv/mcp.db",
    });
  },
});

Deno.test("a registry and its journal can be read by nobody else", () =>
  inFolder(async (folder, path) => {
    using registry = Registry.open(path);
    declare(registry, service(component("web")));
    const modes: Record<string, number> = {};
    for await (const { name } of Deno.readDir(folder.path)) {
      modes[name] = ((await Deno.stat(folder.at(name))).mode ?? 0) & 0o777;
    }
    deepStrictEqual(modes, { "mcp.db": 0o600, "mcp.db-wal": 0o600, "mcp.db-shm": 0o600 });
  }));

Deno.test("declaring a service again changes its spec and keeps what is wanted and was seen", () =>
  inFolder((_, path) => {
    using registry = Registry.open(path);
    declare(registry, service(component("web"), component("api")));
    registry.transaction(() => {
      wantComponent(registry, "shop", "web", "stopped", noon);
      recordSighting(registry, {
        service: "shop",
        component: "web",
        observed: "exited",
        startedAt: undefined,
        exitCode: 137,
      }, noon);
    });
    const changed = component("web", {
      image: "registry.example/shop-web:v2",
      ports: ["80:80"],
      volumes: [],
      cmd: ["other"],
    });
    declare(registry, service(changed), later);
    const [web, api] = getService(registry, "shop")?.components ?? [];
    deepStrictEqual(web?.spec, changed);
    deepStrictEqual([web.desired, web.observed, web.exitCode], ["stopped", "exited", 137]);
    // What runs is still the old version, and what the spec no longer lists still exists.
    strictEqual(web.version, "v1");
    deepStrictEqual(api?.spec, component("api"));
  }));

Deno.test("components of an inactive service are wanted stopped when they are new", () =>
  inFolder((_, path) => {
    using registry = Registry.open(path);
    declare(registry, { ...service(component("web")), active: false });
    const record = getService(registry, "shop");
    deepStrictEqual([record?.active, record?.components[0]?.desired], [false, "stopped"]);
  }));

Deno.test("wanting a service stopped leaves what is ignored alone", () =>
  inFolder((_, path) => {
    using registry = Registry.open(path);
    declare(registry, service(component("web"), component("api")));
    registry.transaction(() => {
      declareDiscovery(registry, {
        service: "shop",
        component: "shop",
        container: "shop",
        image: "registry.example/x:v1",
      }, noon);
      wantService(registry, "shop", "stopped", later);
    });
    const record = getService(registry, "shop");
    strictEqual(record?.active, false);
    deepStrictEqual(
      record.components.map(({ container, desired }) => `${container} ${desired}`),
      ["shop-web stopped", "shop-api stopped", "shop ignore"],
    );
    deepStrictEqual(ownerOfContainer(registry, "shop"), {
      service: "shop",
      component: "shop",
      desired: "ignore",
    });
    strictEqual(ownerOfContainer(registry, "nobody"), undefined);
  }));

Deno.test("a sighting replaces all of the one before", () =>
  inFolder((_, path) => {
    using registry = Registry.open(path);
    declare(registry, service(component("web")));
    const see = (observed: "running" | "exited", startedAt?: Date, exitCode?: number) =>
      recordSighting(
        registry,
        { service: "shop", component: "web", observed, startedAt, exitCode },
        later,
      );
    const seen = () => {
      const [web] = getService(registry, "shop")?.components ?? [];
      return [web?.observed, web?.startedAt, web?.exitCode, web?.observedAt];
    };
    see("exited", undefined, 3);
    deepStrictEqual(seen(), ["exited", undefined, 3, later]);
    see("running", noon);
    deepStrictEqual(seen(), ["running", noon, undefined, later]);
  }));

Deno.test("services are listed by name, their components as they were declared", () =>
  inFolder((_, path) => {
    using registry = Registry.open(path);
    declare(registry, { name: "shop", active: true, components: [component("web")] });
    declare(registry, {
      name: "mail",
      active: true,
      components: [component("z"), component("a"), component("m")],
    });
    declare(registry, { name: "mail", active: true, components: [component("a")] });
    deepStrictEqual(
      listServices(registry).map(({ name, components }) => [
        name,
        components.map(({ spec }) => spec.name).join(" "),
      ]),
      [["mail", "z a m"], ["shop", "web"]],
    );
    deepStrictEqual(countServices(registry), { services: 2, components: 4 });
  }));

Deno.test("a deployment stays that of the last success, whatever is declared or fails later", () =>
  inFolder((_, path) => {
    using registry = Registry.open(path);
    const deploy = (spec: ComponentSpec, outcome: "succeeded" | "failed", now: Date) =>
      registry.transaction(() => {
        declareService(registry, service(spec), now);
        const revision = beginRevision(registry, {
          service: "shop",
          component: "web",
          components: [spec],
          actor: "ada",
          origin: "deploy",
          now,
        });
        finishComponent(registry, {
          service: "shop",
          revision,
          component: "web",
          outcome,
          imageId: `id of ${revision}`,
          error: outcome === "failed" ? "it broke" : "",
          now,
        });
        finishRevision(registry, "shop", revision, outcome, now);
        return revision;
      });
    const first = component("web");
    const second = component("web", { image: "registry.example/shop-web:v2" });
    const third = component("web", { image: "registry.example/shop-web:v3" });
    deepStrictEqual(
      [deploy(first, "succeeded", noon), deploy(second, "failed", later)],
      [1, 2],
    );
    deepStrictEqual(listDeployments(registry, "shop").get("shop/web"), {
      revision: 1,
      origin: "deploy",
      spec: first,
      imageId: "id of 1",
      imageDigest: "",
      secrets: {},
      deployedAt: noon,
    });
    strictEqual(deploy(third, "succeeded", later), 3);
    strictEqual(listDeployments(registry).get("shop/web")?.revision, 3);
    deepStrictEqual(listDeployments(registry, "mail"), new Map());
  }));

Deno.test("revisions are counted per service, and go on when a service was forgotten", () =>
  inFolder((_, path) => {
    using registry = Registry.open(path);
    const begin = (name: string) =>
      beginRevision(registry, {
        service: name,
        component: undefined,
        components: [],
        actor: "ada",
        origin: "deploy",
        now: noon,
      });
    declare(registry, service(component("web")));
    deepStrictEqual([begin("shop"), begin("shop"), begin("mail")], [1, 2, 1]);
    registry.transaction(() => forgetComponent(registry, "shop", "web"));
    strictEqual(getService(registry, "shop"), undefined);
    strictEqual(begin("shop"), 3);
  }));

Deno.test("forgetting a component keeps its siblings, its events and its revisions", () =>
  inFolder((_, path) => {
    using registry = Registry.open(path);
    declare(registry, service(component("web"), component("api")));
    registry.transaction(() => {
      const revision = beginRevision(registry, {
        service: "shop",
        component: undefined,
        components: [component("web")],
        actor: "ada",
        origin: "deploy",
        now: noon,
      });
      finishComponent(registry, {
        service: "shop",
        revision,
        component: "web",
        outcome: "succeeded",
        imageId: "",
        error: "",
        now: noon,
      });
      appendEvent(registry, {
        service: "shop",
        component: "web",
        previous: "running",
        next: "removed",
        at: noon,
        cause: "deploy by ada",
        actor: "",
      });
      forgetComponent(registry, "shop", "web");
    });
    const record = getService(registry, "shop");
    deepStrictEqual(record?.components.map(({ spec }) => spec), [component("api")]);
    strictEqual(recentEvents(registry, { service: "shop", limit: 10 }).length, 1);
    strictEqual(registry.all("SELECT * FROM revision_components").length, 1);
    strictEqual(registry.all("SELECT * FROM component_cmd WHERE component = 'web'").length, 0);
  }));

Deno.test("revisions that never ended are found once, and then are interrupted", () =>
  inFolder((_, path) => {
    {
      using registry = Registry.open(path);
      declare(registry, service(component("web")));
      registry.transaction(() => {
        for (const outcome of ["succeeded", undefined] as const) {
          const revision = beginRevision(registry, {
            service: "shop",
            component: undefined,
            components: [component("web")],
            actor: "ada",
            origin: "deploy",
            now: noon,
          });
          if (outcome !== undefined) finishRevision(registry, "shop", revision, outcome, later);
        }
      });
    }
    using registry = Registry.open(path);
    deepStrictEqual(markInterrupted(registry, later), [
      { service: "shop", revision: 2, actor: "ada", startedAt: noon },
    ]);
    deepStrictEqual(markInterrupted(registry, later), []);
    deepStrictEqual(
      registry.all("SELECT number, outcome, finished_at FROM revisions ORDER BY number")
        .map((row) => Object.values(row)),
      [
        [1, "succeeded", "2030-01-01 12:00:05.000"],
        [2, "interrupted", "2030-01-01 12:00:05.000"],
      ],
    );
  }));

Deno.test("events come newest first, those of one service when it is named", () =>
  inFolder((_, path) => {
    using registry = Registry.open(path);
    const append = (name: string, cause: string) =>
      appendEvent(registry, {
        service: name,
        component: "web",
        previous: "running",
        next: "exited",
        at: noon,
        cause,
        actor: "",
      });
    for (const cause of ["1", "2", "3"]) append("shop", cause);
    append("mail", "4");
    const causes = (name: string | undefined, limit: number) =>
      recentEvents(registry, { service: name, limit }).map(({ cause }) => cause).join("");
    deepStrictEqual(
      [causes(undefined, 10), causes(undefined, 2), causes("shop", 2), causes("nobody", 2)],
      ["4321", "43", "32", ""],
    );
    deepStrictEqual(recentEvents(registry, { limit: 1 })[0]?.at, noon);
  }));

Deno.test("the version of a component is what was recorded last", () =>
  inFolder((_, path) => {
    using registry = Registry.open(path);
    declare(registry, service(component("web")));
    recordVersion(registry, "shop", "web", "v9");
    strictEqual(getService(registry, "shop")?.components[0]?.version, "v9");
  }));

Deno.test("a state that no agent writes is a defect, not a guess", () =>
  inFolder((_, path) => {
    using registry = Registry.open(path);
    declare(registry, service(component("web")));
    registry.run("UPDATE components SET observed_state = 'levitating'");
    throws(() => listServices(registry), /observed_state holds "levitating"/);
  }));

Deno.test("tokens are made and revoked beside a registry that is open and in use", () =>
  inFolder((_, path) => {
    using server = Registry.open(path);
    declare(server, service(component("web")));
    using beside = Registry.open(path);
    const make = (subject: string) =>
      createToken(beside, { subject, role: "admin", lifetimeMs: 60_000, now: noon }).record;
    const { id } = make("ada");
    declare(server, service(component("web"), component("api")), later);
    make("bob");
    strictEqual(revokeToken(beside, id, later), true);
    strictEqual(revokeToken(beside, id, later), false);
    deepStrictEqual(
      listTokens(server).map(({ subject, revokedAt }) => [subject, revokedAt]).sort(),
      [["ada", later], ["bob", undefined]],
    );
    strictEqual(getService(beside, "shop")?.components.length, 2);
  }));

Deno.test("processes that write at the same time wait for each other, from the first moment on", () =>
  inFolder(async (folder, path) => {
    const script = `
      import { Registry } from ${
      JSON.stringify(import.meta.resolve("../../agent/registry/registry.ts"))
    };
      import { createToken } from ${
      JSON.stringify(import.meta.resolve("../../agent/door/auth/local.ts"))
    };
      using registry = Registry.open(${JSON.stringify(path)});
      for (let at = 0; at < 20; at++) {
        createToken(registry, { subject: "p" + Deno.pid, role: "admin", lifetimeMs: 1, now: new Date() });
      }
    `;
    await Deno.writeTextFile(folder.at("write.ts"), script);
    const config = new URL("../../deno.json", import.meta.url).pathname;
    const runs = Array.from({ length: 4 }, () =>
      new Deno.Command(Deno.execPath(), {
        args: ["run", "--quiet", "--no-check", "--cached-only", "--allow-all", `--config=${config}`]
          .concat(folder.at("write.ts")),
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      }).output());
    for (const { code, stderr } of await Promise.all(runs)) {
      strictEqual(code, 0, new TextDecoder().decode(stderr));
    }
    using registry = Registry.open(path);
    const tokens = listTokens(registry);
    strictEqual(tokens.length, 80);
    strictEqual(new Set(tokens.map(({ subject }) => subject)).size, 4);
  }));
