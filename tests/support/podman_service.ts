/**
 * podman's API service, as a node has one, for as long as a test needs it.
 *
 * @module
 */

import { eventually } from "./eventually.ts";

/** A running service; `await using` ends it. */
export interface PodmanService extends AsyncDisposable {
  /** `unix://` URL of its socket. */
  readonly url: string;
  /** Path of its socket. */
  readonly socket: string;
  /** Kills it, as the kernel would; its containers stay. */
  kill(): Promise<void>;
  /** Starts it again on the same socket, as systemd would. */
  startAgain(): Promise<void>;
}

/**
 * Starts one. It reads podman's configuration now: image registries must be running already.
 *
 * @param options.ownStorage Whether it has images and containers of its own, as podman has on
 *   another machine; they stay where they are, in the sandbox that is thrown away.
 */
export async function startPodmanService(
  { ownStorage = false }: { readonly ownStorage?: boolean } = {},
): Promise<PodmanService> {
  const folder = await Deno.makeTempDir({ prefix: "podman-service-" });
  const socket = `${folder}/podman.sock`;
  const url = `unix://${socket}`;
  const storage = ownStorage ? await Deno.makeTempDir({ prefix: "podman-storage-" }) : "";
  const spawn = () =>
    new Deno.Command("podman", {
      args: [
        ...ownStorage
          ? [`--root=${storage}/root`, `--runroot=${storage}/run`, `--tmpdir=${storage}/tmp`]
          : [],
        ...["system", "service", "--time=0", url],
      ],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
  const answers = () =>
    eventually("podman's service answers", async () => {
      try {
        (await Deno.connect({ transport: "unix", path: socket })).close();
        return true;
      } catch {
        // Not listening yet, which is what is being waited for.
        return undefined;
      }
    });
  let child = spawn();
  await answers();
  return {
    url,
    socket,
    async kill() {
      child.kill("SIGKILL");
      await child.status;
    },
    async startAgain() {
      await Deno.remove(socket);
      child = spawn();
      await answers();
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.status;
      await Deno.remove(folder, { recursive: true });
    },
  };
}
