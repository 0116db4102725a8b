/**
 * What tests with real podman share: an image registry, images, and a service of their own each.
 *
 * @module
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import { ok, strictEqual } from "node:assert/strict";
import { parseListing } from "../../agent/runtime/podman/output.ts";
import { helloClock, helloWeb } from "../../deploy/sandbox/demo_images.ts";
import {
  type ImageRegistry,
  publishImage,
  startImageRegistry,
} from "../../deploy/sandbox/image_registry.ts";
import { realExec } from "../../lib/system/exec.ts";
import type {
  ComponentResult,
  ComponentSpecSchema,
  DeployRequestSchema,
} from "../../proto/gen/mcp/v1/mcp_pb.ts";
import { eventually } from "./eventually.ts";
import { keepImages, keptImagesFolder, lastingPort, readKeptImages } from "./kept_images.ts";
import { ScriptImages } from "./script_images.ts";
import { ample, type NodeClient } from "./test_node.ts";

/** A component as it is sent; only its name and its image must be said. */
export type ComponentInit = MessageInitShape<typeof ComponentSpecSchema>;

/** A registry with the images of the demo, as long as a test module runs. */
export interface PodmanPlace extends AsyncDisposable {
  /** "127.0.0.1:port" of the image registry. */
  readonly registry: string;
  /** A web server on port 8080 that names its version, in two of them. */
  readonly web: { readonly v1: string; readonly v2: string };
  /** Writes /data/clock.txt every second. */
  readonly clock: string;
  readonly scripts: ScriptImages;
}

/** Makes it ready; where images are kept, they are made by the first test module only. */
export async function openPodmanPlace(): Promise<PodmanPlace> {
  const folder = keptImagesFolder();
  const kept = folder === undefined ? undefined : await readKeptImages(folder);
  await using undo = new AsyncDisposableStack();
  const registry = undo.use(
    await startImageRegistry(
      folder === undefined ? {} : {
        address: kept?.address ?? `127.0.0.1:${lastingPort()}`,
        images: `${folder}/images`,
      },
    ),
  );
  const scripts = kept === undefined
    ? await ScriptImages.start(registry)
    : ScriptImages.on(registry, kept.base);
  const { web, clock } = kept ?? await publishDemo(registry);
  if (kept !== undefined) {
    // Whoever wants them has to pull them, as when they have just been made.
    await podman("rmi", "--ignore", web.v1, web.v2, clock);
  } else if (folder !== undefined) {
    await keepImages(folder, { address: registry.address, base: scripts.base, web, clock });
  }
  const opened = undo.move();
  return {
    registry: registry.address,
    web,
    clock,
    scripts,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

async function publishDemo(registry: ImageRegistry): Promise<Pick<PodmanPlace, "web" | "clock">> {
  return {
    web: {
      v1: await publishImage(registry, helloWeb("v1")),
      v2: await publishImage(registry, helloWeb("v2")),
    },
    clock: await publishImage(registry, helloClock()),
  };
}

/** A service that no other test has, and its containers, which are gone at the end. */
export class TrialService implements AsyncDisposable {
  readonly name: string;
  /** A port of the loopback that was free a moment ago. */
  readonly port: number;

  readonly #podman: readonly string[];

  /** @param podmanUrl Where its containers are, when they are another podman's. */
  constructor(podmanUrl?: string) {
    this.#podman = podmanUrl === undefined ? [] : ["--remote", `--url=${podmanUrl}`];
    this.name = `trial-${crypto.randomUUID().slice(0, 8)}`;
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.port = listener.addr.port;
  }

  /** The only component, `<service>`, published on {@link port}. */
  web(image: string, change: ComponentInit = {}): ComponentInit {
    return { name: this.name, image, ports: [`127.0.0.1:${this.port}:8080`], ...change };
  }

  request(...components: readonly ComponentInit[]): MessageInitShape<typeof DeployRequestSchema> {
    return { service: { name: this.name, active: true, components: [...components] } };
  }

  /** Deploys all of the service, and requires that all of it succeeds. */
  async deploy(client: NodeClient, ...components: readonly ComponentInit[]): Promise<void> {
    const { results } = await client.deploy(this.request(...components), ample);
    for (const { name, error } of results) strictEqual(error, "", name);
  }

  /** Deploys the only component, which must fail; what was told about it. */
  async failToDeploy(client: NodeClient, component: ComponentInit): Promise<ComponentResult> {
    const { results } = await client.deploy(this.request(component), ample);
    const [result] = results;
    ok(result !== undefined && results.length === 1);
    strictEqual(result.success, false);
    return result;
  }

  /** What the service answers on its port, when it does. */
  async page(path = "/"): Promise<string> {
    return await eventually(`port ${this.port} answers`, async () => {
      try {
        const response = await fetch(`http://127.0.0.1:${this.port}${path}`);
        return await response.text();
      } catch {
        // Nothing listens yet: a web server takes a moment to begin.
        return undefined;
      }
    });
  }

  /** The version that the web server on the port names. */
  async version(): Promise<string> {
    return /hello-web (v\d)/.exec(await this.page())?.[1] ?? "none";
  }

  /** The service's containers by name and state, e.g. "web running", sorted. */
  async containers(): Promise<string[]> {
    const listing = parseListing(
      await podman(...this.#podman, "ps", "--all", "--format=json"),
    );
    return listing.filter(({ name }) => name.startsWith(this.name))
      .map(({ name, status }) => `${name} ${status}`).sort();
  }

  /** A value of a container, e.g. "{{.Id}} {{.State.StartedAt}}". */
  async inspect(container: string, format: string): Promise<string> {
    return (await podman(...this.#podman, "container", "inspect", `--format=${format}`, container))
      .trim();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const row of await this.containers()) {
      await discard(row.split(" ")[0] ?? "", this.#podman);
    }
  }
}

/**
 * Removes a container, whatever it is like. podman 5 takes two tries for one whose conmon was killed:
 * the first fails, and finds out that it has ended.
 */
export async function discard(container: string, options: readonly string[] = []): Promise<void> {
  const argv = ["podman", ...options, "rm", "--force", "--time=0", container];
  const { code } = await realExec(argv, { timeoutMs: 60_000 });
  if (code !== 0) await podman(...argv.slice(1));
}

/** Runs podman as an operator would beside MCP, and requires that it succeeds. */
export async function podman(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await realExec(["podman", ...args], ample);
  strictEqual(code, 0, `podman ${args.join(" ")}: ${stderr}`);
  return stdout;
}
