/**
 * Image registries that do not do what they are there for.
 *
 * @module
 */

import { strictEqual } from "node:assert/strict";
import { publishImage } from "../../deploy/sandbox/image_registry.ts";
import { podman, type PodmanPlace } from "./podman_trial.ts";

/** Addresses of registries, each "127.0.0.1:port", and images that are hard to come by. */
export interface Registries extends AsyncDisposable {
  /** Nobody listens. */
  readonly down: string;
  /** Answers what no registry says. */
  readonly rubbish: string;
  /** Listens, and says nothing. */
  readonly silent: string;
  /** Answers 401 to everybody. */
  readonly closed: string;
  /** Gives an image of the node another name there, which no registry knows. */
  putOnNode(image: string, name: string): Promise<void>;
  /** The name of an image in a registry that works. */
  publish(place: PodmanPlace, name: string, containerfile: string): Promise<string>;
  /** Has a registry forget an image, given as "registry/name:tag"; gives it by its digest. */
  forget(image: string): Promise<string>;
}

/** Opens them. */
export async function openRegistries(): Promise<Registries> {
  await using undo = new AsyncDisposableStack();
  const aside = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const down = addressOf(aside);
  aside.close();

  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const callers: Deno.Conn[] = [];
  const listening = (async () => {
    for await (const caller of listener) callers.push(caller);
  })();
  undo.defer(async () => {
    listener.close();
    await listening;
    for (const caller of callers) caller.close();
  });

  const serve = (answer: () => Response) => {
    const server = undo.use(
      Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, answer),
    );
    return `127.0.0.1:${server.addr.port}`;
  };
  const rubbish = serve(() => new Response("<html>It works!</html>"));
  const closed = serve(() =>
    new Response("", { status: 401, headers: { "www-authenticate": 'Basic realm="closed"' } })
  );
  const silent = addressOf(listener);
  for (const address of [down, rubbish, closed, silent]) {
    const file = await acceptPlainHttp(address);
    undo.defer(() => Deno.remove(file));
  }

  const kept = undo.move();
  return {
    down,
    rubbish,
    silent,
    closed,
    putOnNode: async (image, name) => {
      await podman("pull", "--quiet", image);
      await podman("tag", image, name);
    },
    publish: async ({ registry }, name, containerfile) =>
      await publishImage({ address: registry, [Symbol.asyncDispose]: async () => {} }, {
        name,
        tag: "v1",
        files: {},
        containerfile,
      }),
    forget,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

async function forget(image: string): Promise<string> {
  const [, registry, name, tag] = /^([^/]+)\/(.+):([^:]+)$/.exec(image) ?? [];
  const manifests = `http://${registry}/v2/${name}/manifests`;
  const accept = [
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
  ].join(", ");
  const found = await fetch(`${manifests}/${tag}`, { method: "HEAD", headers: { accept } });
  const digest = found.headers.get("docker-content-digest") ?? "";
  const gone = await fetch(`${manifests}/${digest}`, { method: "DELETE" });
  strictEqual(gone.status, 202);
  return `${registry}/${name}@${digest}`;
}

function addressOf({ addr: { port } }: Deno.TcpListener): string {
  return `127.0.0.1:${port}`;
}

/** Gives the path of the drop-in that tells podman not to ask for TLS. */
async function acceptPlainHttp(address: string): Promise<string> {
  const folder = `${Deno.env.get("HOME")}/.config/containers/registries.conf.d`;
  await Deno.mkdir(folder, { recursive: true });
  const path = `${folder}/mcp-${address.replaceAll(/[.:]/g, "-")}.conf`;
  await Deno.writeTextFile(path, `[[registry]]\nlocation = "${address}"\ninsecure = true\n`);
  return path;
}
