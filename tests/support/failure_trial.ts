/**
 * Deploys as an operator makes them, by the real `mcp` against a node with real podman, and what
 * they leave behind.
 *
 * @module
 */

import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { realClock } from "../../lib/system/clock.ts";
import { eventually } from "./eventually.ts";
import { podman, type PodmanPlace } from "./podman_trial.ts";
import { ample, type NodeClient, TestNode } from "./test_node.ts";
import { type Outcome, type RunOptions, Workstation } from "./workstation.ts";

/** A component as a definition writes it. */
export type Written = { readonly name: string } & Readonly<Record<string, unknown>>;

/** What became of a container that was there before, or was to be there afterwards. */
export type Fate =
  /** The very same, and it was never stopped. */
  | "untouched"
  /** The very same, which was stopped and serves again. */
  | "back"
  /** The very same, which was stopped and does not run any more. */
  | "down"
  /** Another one, of the image that was asked for. */
  | "new"
  /** None. */
  | "gone";

/** A container as podman knows it. */
interface Seen {
  readonly id: string;
  readonly startedAt: string;
  readonly status: string;
  readonly image: string;
}

/** One node, and a workstation that knows it. */
export class Stage implements AsyncDisposable {
  readonly node: TestNode<never, typeof realClock>;
  readonly home: Workstation;

  private constructor(node: TestNode<never, typeof realClock>, home: Workstation) {
    this.node = node;
    this.home = home;
  }

  /** @param config TOML to be added to the agent's config. */
  static async open(config: string, agentConfig = ""): Promise<Stage> {
    const node = await TestNode.start<never, typeof realClock>({
      usesPodman: true,
      clock: realClock,
      config,
      agentConfig,
    });
    const home = new Workstation();
    await home.know({ name: "rift", address: node.address, token: node.adminToken });
    await home.write("ca.pem", node.ca);
    return new Stage(node, home);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.node[Symbol.asyncDispose]();
    await this.home[Symbol.asyncDispose]();
  }
}

/** A service that no other trial has, seen from a workstation. */
export class DeployTrial implements AsyncDisposable {
  readonly service = `trial-${crypto.randomUUID().slice(0, 8)}`;
  /** A port of the loopback that was free a moment ago. */
  readonly port: number;
  readonly place: PodmanPlace;
  /** Whatever a trial opened besides. */
  readonly besides = new AsyncDisposableStack();
  readonly #home: Workstation;
  readonly #client: NodeClient | undefined;
  readonly #serviceRoot: string;

  constructor(
    place: PodmanPlace,
    around: {
      readonly home: Workstation;
      readonly client?: NodeClient;
      readonly serviceRoot: string;
    },
  ) {
    this.place = place;
    this.#home = around.home;
    this.#client = around.client;
    this.#serviceRoot = around.serviceRoot;
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.port = listener.addr.port;
  }

  /** The service's folder on the node. */
  get folder(): string {
    return `${this.#serviceRoot}/${this.service}`;
  }

  /** The file of its definition. */
  get definition(): string {
    return `${this.#home.folder}/services/${this.service}.toml`;
  }

  /** A web server that names its version, published on {@link port}. */
  web(version: "v1" | "v2", change: Readonly<Record<string, unknown>> = {}): Written {
    return {
      name: "web",
      image: this.place.web[version],
      ports: [`127.0.0.1:${this.port}:8080`],
      ...change,
    };
  }

  /** A component "web" on {@link port} that does what a shell script says. */
  script(script: string, change: Readonly<Record<string, unknown>> = {}): Written {
    return this.web("v2", { entrypoint: ["/bin/sh", "-c"], cmd: [script], ...change });
  }

  /** One without a port, called "worker". */
  worker(script: string, change: Readonly<Record<string, unknown>> = {}): Written {
    return this.script(script, { name: "worker", ports: [], ...change });
  }

  /** Writes the definition. */
  async define(...components: readonly Written[]): Promise<void> {
    const text = [
      `name = "${this.service}"`,
      `node = "rift"`,
      ...components.flatMap((component) => [
        "",
        "[[components]]",
        ...Object.entries(component).map(([key, value]) => `${key} = ${toToml(value)}`),
      ]),
      "",
    ].join("\n");
    await this.#home.write(`services/${this.service}.toml`, text);
  }

  /** Runs `mcp`; SERVICE stands for the service. */
  async mcp(line: string, options: RunOptions = {}): Promise<Outcome> {
    const words = line.replaceAll("SERVICE", this.service);
    return await this.#home.run(words, { now: new Date(), ...options });
  }

  /** Deploys these, which must succeed. */
  async deploy(...components: readonly Written[]): Promise<void> {
    await this.define(...components);
    const { code, out, err } = await this.mcp("deploy SERVICE");
    strictEqual(code, 0, `${out}${err}`);
  }

  /** The service's containers, by their names without the service's. */
  async containers(): Promise<Map<string, Seen>> {
    const names = (await podman("ps", "--all", "--format={{.Names}}")).split("\n")
      .filter((name) => name.startsWith(`${this.service}-`)).sort();
    const seen = new Map<string, Seen>();
    for (const name of names) {
      const [id = "", startedAt = "", status = "", image = ""] = (await podman(
        "container",
        "inspect",
        "--format={{.Id}}|{{.State.StartedAt}}|{{.State.Status}}|{{.ImageName}}",
        name,
      )).trim().split("|");
      seen.set(name.slice(this.service.length + 1), { id, startedAt, status, image });
    }
    return seen;
  }

  /** Requires what became of the containers that were there before, and that there is no other. */
  async requireFates(
    before: ReadonlyMap<string, Seen>,
    fates: Readonly<Record<string, Fate>>,
    asked: readonly Written[],
  ): Promise<void> {
    const after = await this.containers();
    const kept = Object.entries(fates).filter(([_, fate]) => fate !== "gone");
    deepStrictEqual([...after.keys()].sort(), kept.map(([name]) => name).sort());
    for (const [name, fate] of kept) {
      const [was, is] = [before.get(name), after.get(name)];
      ok(is !== undefined);
      if (fate === "new") {
        ok(is.id !== was?.id, `${name} is another container`);
        strictEqual(is.image, asked.find((component) => component.name === name)?.["image"]);
        continue;
      }
      const status = fate === "down" ? "exited" : "running";
      deepStrictEqual([is.id, is.image, is.status], [was?.id, was?.image, status], name);
      strictEqual(is.startedAt === was?.startedAt, fate === "untouched", `${name} is ${fate}`);
    }
  }

  /** What the web server on the port calls itself. */
  async version(): Promise<string> {
    return await eventually(`port ${this.port} answers`, async () => {
      try {
        const answer = await fetch(`http://127.0.0.1:${this.port}/`);
        return /hello-web (v\d)/.exec(await answer.text())?.[1];
      } catch {
        // Nothing listens yet: a web server takes a moment to begin.
        return undefined;
      }
    });
  }

  /** What the node says is not as it should be. */
  async drift(): Promise<string[]> {
    if (this.#client === undefined) return [];
    const { drift } = await this.#client.getServiceStatus({ name: this.service }, ample);
    return drift.map(({ component, observedState }) => `${component} ${observedState}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.besides[Symbol.asyncDispose]();
    for (const name of (await this.containers()).keys()) {
      await podman("rm", "--force", "--time=0", `${this.service}-${name}`);
    }
  }
}

/** What `mcp deploy` printed of each component: its verdict, as people read it, and its sentence. */
export function verdictsIn(out: string, service: string): Record<string, [string, string]> {
  const rows = out.split("\n").filter((line) => line.startsWith(`${service}/`));
  return Object.fromEntries(rows.map((row) => {
    const [name = "", verdict = "", text = ""] = row.split(/ {2,}/);
    return [name.slice(service.length + 1), [verdict, text]];
  }));
}

/** Requires every one of these to be in a text. */
export function requireSaid(text: string, patterns: readonly RegExp[]): void {
  for (const pattern of patterns) match(text, pattern);
}

/** JSON, as far as TOML has other signs for the same. */
function toToml(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(toToml).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const pairs = Object.entries(value).map(([key, each]) =>
    `${JSON.stringify(key)} = ${toToml(each)}`
  );
  return `{ ${pairs.join(", ")} }`;
}
