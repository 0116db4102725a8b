/**
 * podman-compose: a file with as many services as there are ports.
 *
 * @module
 */

import { ThrowAwayFolder } from "../../support/throw_away_folder.ts";
import { webPort } from "../place/bench_image.ts";
import { wholeProcess } from "../place/whole_process.ts";

/** A project that is up; `await using` takes it down. */
export interface ComposeProject extends AsyncDisposable {
  /** Makes every container anew. */
  recreate(): Promise<void>;
}

/** Brings one up. */
export async function composeProject(
  image: string,
  ports: readonly number[],
): Promise<ComposeProject> {
  await using undo = new AsyncDisposableStack();
  const folder = undo.use(await ThrowAwayFolder.make());
  const services = ports.map((port, index) => [`web-${index + 1}`, {
    image,
    restart: "unless-stopped",
    ports: [`127.0.0.1:${port}:${webPort}`],
  }]);
  const file = folder.at("compose.yml");
  // JSON is YAML, and needs no thought about quoting.
  await Deno.writeTextFile(file, JSON.stringify({ services: Object.fromEntries(services) }));
  const told = async (...args: readonly string[]) => {
    await wholeProcess(["podman-compose", "--file", file, ...args], { cwd: folder.path });
  };
  undo.defer(() => told("down"));
  await told("up", "--detach");
  const open = undo.move();
  return {
    recreate: () => told("up", "--detach", "--force-recreate"),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}
