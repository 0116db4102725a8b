/**
 * What is done by docker's own client, a process each time.
 *
 * @module
 */

import { ThrowAwayFolder } from "../../support/throw_away_folder.ts";
import type { DockerPeer } from "../measure.ts";
import { wholeProcess } from "../place/whole_process.ts";

/** Gives docker an image that podman has. */
export async function loadImage(docker: DockerPeer, image: string): Promise<void> {
  await using folder = await ThrowAwayFolder.make();
  const archive = folder.at("image.tar");
  await wholeProcess([
    "podman",
    "save",
    "--quiet",
    "--format=docker-archive",
    "-o",
    archive,
    image,
  ]);
  await docked(docker, "load", "--quiet", "--input", archive);
}

/** Starts as many containers, all alike, on no network; they end with their dockerd. */
export async function startMany(docker: DockerPeer, image: string, count: number): Promise<void> {
  await loadImage(docker, image);
  for (let number = 1; number <= count; number++) {
    await docked(docker, "run", "--detach", "--network=none", `--name=c${number}`, image);
  }
}

/** Runs the client. */
export async function docked(docker: DockerPeer, ...args: readonly string[]): Promise<void> {
  await wholeProcess([docker.program, `--host=unix://${docker.socket}`, ...args]);
}
