/**
 * The root of a Debian 13, made once and kept in the cache folder.
 *
 * From where this system gets its own packages, which is asked at run time; nothing is installed on
 * this system but the program that makes it. It holds all that a sandbox, a machine and a node need.
 *
 * @module
 */

import { packages as nodePackages } from "../../agent/node/install/layout.ts";
import { demandCommand } from "../../deploy/sandbox/command.ts";
import { cacheDirectory, ensurePackages, sandboxPackages } from "../../deploy/sandbox/packages.ts";
import { machinePackages } from "../machine/packages.ts";
import { sourcesOf } from "./sources.ts";

const suite = "trixie";

/** What podman of Debian 13 gives a user's containers a network by, where nothing else is said. */
const ownPackages = ["passt"];

const makeTimeoutMs = 600_000;

/** The path of the root, which is made when it is not in the cache. About 310 MB, and 40 s. */
export async function debian13Root(tell: (line: string) => void): Promise<string> {
  const names = [
    ...new Set([
      ...Object.keys(sandboxPackages),
      ...Object.keys(machinePackages),
      ...Object.keys(nodePackages),
      ...ownPackages,
    ]),
  ].sort();
  const cache = `${cacheDirectory()}/mcp-dev`;
  const root = `${cache}/debian-${suite}-${await keyOf([suite, ...names].join(" "))}`;
  if (await Deno.stat(root).then(() => true, () => false)) return root;

  await ensurePackages(tell, { mmdebstrap: "mmdebstrap" });
  tell(`Making the root of a Debian 13 in ${root}`);
  await Deno.mkdir(cache, { recursive: true });
  // Made beside its final place and renamed, so that half a root is not found there the next time.
  const work = await Deno.makeTempDir({ dir: cache });
  try {
    const sources = `${work}/${suite}.sources`;
    await Deno.writeTextFile(sources, await sourcesHere());
    const made = `${work}/root`;
    const argv = [
      "mmdebstrap",
      "--quiet",
      "--mode=root",
      "--variant=minbase",
      "--format=directory",
    ];
    await demandCommand(
      "make the root of a Debian 13",
      [...argv, `--include=${names.join(",")}`, suite, made, sources],
      { timeoutMs: makeTimeoutMs },
    );
    // A folder of makeTempDir is closed to all others, and what is entered from in there may not be.
    await Deno.chmod(made, 0o755);
    await Deno.rename(made, root);
  } finally {
    await Deno.remove(work, { recursive: true });
  }
  return root;
}

/** Where this system's packages come from, asked for Debian 13's. */
async function sourcesHere(): Promise<string> {
  const release = await Deno.readTextFile("/etc/os-release");
  const codename = /^VERSION_CODENAME=(\w+)$/m.exec(release)?.[1];
  if (codename === undefined) {
    throw new Error("Cannot make a Debian 13: /etc/os-release names no VERSION_CODENAME");
  }
  const files = ["/etc/apt/sources.list"];
  for await (const { name } of Deno.readDir("/etc/apt/sources.list.d")) {
    if (/\.(list|sources)$/.test(name)) files.push(`/etc/apt/sources.list.d/${name}`);
  }
  const texts = await Promise.all(files.map((file) =>
    Deno.readTextFile(file).catch((error) => {
      // A newer Debian has no sources.list.
      if (error instanceof Deno.errors.NotFound) return "";
      throw error;
    })
  ));
  const sources = texts.map((text) => sourcesOf(text, codename, suite)).filter((it) => it !== "");
  if (sources.length > 0) return sources.join("\n");
  throw new Error(
    `Cannot make a Debian 13: none of ${files.join(", ")} has packages of ${codename}. ` +
      "Run this on a Debian",
  );
}

async function keyOf(text: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(hash).toHex().slice(0, 12);
}
