/**
 * An image registry on loopback, and images put into it, without any network.
 *
 * Runs Debian's docker-registry beside the programs that use it, inside the sandbox. It speaks
 * plain HTTP, so podman is told to accept that for this one address, in a drop-in file that goes
 * away with the registry. A podman that was started earlier (an API service) has read its
 * configuration already and does not know: start the registry first.
 *
 * @module
 */

import { demandCommand } from "./command.ts";
import { freePort } from "./free_port.ts";

/** A running registry. Disposing of it stops it and forgets its images. */
export interface ImageRegistry extends AsyncDisposable {
  /** `HOST:PORT`, the first part of the names of its images. */
  readonly address: string;
}

/** What an image is made of. */
export interface ImageSource {
  readonly name: string;
  readonly tag: string;
  /** Files of the build context by name. `busybox`, statically linked, is always among them. */
  readonly files: Readonly<Record<string, string>>;
  readonly containerfile: string;
}

const answerWithinMs = 120_000;
const stopWithinMs = 30_000;
const podmanTimeoutMs = 600_000;

/**
 * Starts a registry on the loopback, which podman of this user may speak to.
 *
 * @param address "127.0.0.1:port"; a free port when left out.
 * @param images The folder of its images, which stays; one that is gone with it when left out.
 */
export async function startImageRegistry(
  { address: wanted = `127.0.0.1:${freePort()}`, images }: {
    readonly address?: string;
    readonly images?: string;
  } = {},
): Promise<ImageRegistry> {
  await using undo = new AsyncDisposableStack();
  const { address } = undo.use(await serveImages(wanted, { images }));
  const dropIn = await acceptPlainHttp(address);
  undo.defer(() => Deno.remove(dropIn));

  const started = undo.move();
  return { address, [Symbol.asyncDispose]: () => started.disposeAsync() };
}

/**
 * Starts a registry on an address and waits until it answers.
 *
 * @param program The path of `docker-registry`, where it is not on the PATH.
 * @param images The folder of its images, which stays; one that is gone with it when left out.
 */
export async function serveImages(
  address: string,
  { program = "docker-registry", images }: {
    readonly program?: string;
    readonly images?: string | undefined;
  } = {},
): Promise<ImageRegistry> {
  const directory = await Deno.makeTempDir({ prefix: "image-registry-" });
  const configFile = `${directory}/registry.yml`;
  await Deno.writeTextFile(configFile, registryConfig(address, images ?? `${directory}/images`));

  await using undo = new AsyncDisposableStack();
  undo.defer(() => Deno.remove(directory, { recursive: true }));
  const log = `${directory}/log`;
  const child = startProgram(program, configFile, log);
  undo.defer(() => stopProgram(child));
  await waitUntilItAnswers(address, child, log);

  const started = undo.move();
  return { address, [Symbol.asyncDispose]: () => started.disposeAsync() };
}

/**
 * Builds an image and pushes it. Gives its full name.
 *
 * The local copy is removed afterwards, so that whoever wants the image has to pull it.
 */
export async function publishImage(registry: ImageRegistry, source: ImageSource): Promise<string> {
  const image = `${registry.address}/${source.name}:${source.tag}`;
  const context = await Deno.makeTempDir({ prefix: "image-" });
  try {
    await Deno.copyFile("/bin/busybox", `${context}/busybox`);
    for (const [name, text] of Object.entries(source.files)) {
      await Deno.writeTextFile(`${context}/${name}`, text);
    }
    await Deno.writeTextFile(`${context}/Containerfile`, source.containerfile);
    await podman(`build ${image}`, ["build", "--quiet", "--network=none", "--tag", image, context]);
    await podman(`push ${image}`, ["push", "--quiet", image]);
    await podman(`remove the local ${image}`, ["rmi", image]);
  } finally {
    await Deno.remove(context, { recursive: true });
  }
  return image;
}

async function podman(purpose: string, args: readonly string[]): Promise<void> {
  await demandCommand(purpose, ["podman", ...args], { timeoutMs: podmanTimeoutMs });
}

function registryConfig(address: string, imagesDirectory: string): string {
  // JSON is YAML, and needs no thought about quoting.
  return JSON.stringify({
    version: 0.1,
    log: { level: "warn", accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: imagesDirectory }, delete: { enabled: true } },
    http: { addr: address },
  });
}

function startProgram(program: string, configFile: string, log: string): Deno.ChildProcess {
  const output = { stdin: "null", stdout: "null", stderr: "piped" } as const;
  // It must not outlive this process, even if that is killed.
  const args = ["--pdeathsig=KILL", "--", program, "serve", configFile];
  const child = new Deno.Command("setpriv", { args, ...output }).spawn();
  // Kept in a file: nobody reads it unless the start fails, and a full pipe would block it.
  child.stderr.pipeTo(Deno.openSync(log, { create: true, write: true }).writable);
  return child;
}

async function waitUntilItAnswers(
  address: string,
  child: Deno.ChildProcess,
  log: string,
): Promise<void> {
  let hasEnded = false;
  child.status.then(() => hasEnded = true);
  const giveUpAt = Date.now() + answerWithinMs;
  while (Date.now() < giveUpAt && !hasEnded) {
    try {
      const response = await fetch(`http://${address}/v2/`, {
        signal: AbortSignal.timeout(10_000),
      });
      await response.body?.cancel();
      if (response.ok) return;
    } catch {
      // Not listening yet, which is what is being waited for.
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const why = hasEnded ? "it ended" : `no answer within ${answerWithinMs / 1000} s`;
  throw new Error(
    `Cannot start an image registry on ${address}: ${why}. It said: ` +
      `${(await Deno.readTextFile(log)).trim() || "nothing"}`,
  );
}

async function stopProgram(child: Deno.ChildProcess): Promise<void> {
  const timer = setTimeout(() => child.kill("SIGKILL"), stopWithinMs);
  try {
    child.kill("SIGTERM");
  } catch {
    // It has ended by itself.
  }
  await child.status;
  clearTimeout(timer);
}

/** Gives the path of the drop-in; a file of our own, as the user may have a registries.conf. */
async function acceptPlainHttp(address: string): Promise<string> {
  const home = Deno.env.get("HOME");
  if (home === undefined) throw new Error("Cannot configure podman: HOME is not set");
  const folder = `${home}/.config/containers/registries.conf.d`;
  await Deno.mkdir(folder, { recursive: true });
  const path = `${folder}/mcp-${address.replaceAll(/[.:]/g, "-")}.conf`;
  await Deno.writeTextFile(path, `[[registry]]\nlocation = "${address}"\ninsecure = true\n`);
  return path;
}
