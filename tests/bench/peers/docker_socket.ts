/**
 * Questions to dockerd through its socket, without a client's process.
 *
 * @module
 */

import { request } from "node:http";
import type { DockerPeer } from "../measure.ts";

const timeoutMs = 10_000;

/** What dockerd answers to a GET, decoded; its own API says what that is. */
export async function askDocker({ socket }: DockerPeer, path: string): Promise<unknown> {
  const text = await new Promise<string>((resolve, reject) => {
    const asked = request({ socketPath: socket, path, timeout: timeoutMs }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part) => text += part);
      response.on("end", () => resolve(text));
      response.on("error", reject);
    });
    asked.on("timeout", () => asked.destroy(new Error(`dockerd did not answer ${path}`)));
    asked.on("error", reject);
    asked.end();
  });
  return JSON.parse(text);
}
