/**
 * On what a run was made: the machine, and the versions of what was measured.
 *
 * @module
 */

import { runCommand } from "../../deploy/sandbox/command.ts";

const timeoutMs = 10_000;

/** The machine, by what its kernel says of it. */
export async function machineFacts(): Promise<Record<string, string>> {
  const cpus = await Deno.readTextFile("/proc/cpuinfo");
  const model = /^model name\s*:\s*(.*)$/m.exec(cpus)?.[1] ?? "unknown processor";
  const { total } = Deno.systemMemoryInfo();
  return {
    processor: `${model}, ${navigator.hardwareConcurrency} cores`,
    memory: `${(total / 2 ** 30).toFixed(0)} GiB`,
    kernel: Deno.osRelease(),
  };
}

/** Versions by the programs' own words. */
export async function versions(
  dockerd: readonly string[] | undefined,
): Promise<Record<string, string>> {
  const asked: Record<string, readonly string[] | undefined> = {
    podman: ["podman", "--version"],
    crun: ["crun", "--version"],
    "podman-compose": ["dpkg-query", "--show", "--showformat=${Version}", "podman-compose"],
    docker: dockerd,
  };
  const answers = await Promise.all(
    Object.entries(asked).map(async ([name, argv]) => {
      const result = argv && await runCommand(argv, { timeoutMs });
      const said = result?.success ? result.stdout : "";
      return [name, /\d+\.[\w.+~-]*/.exec(said)?.[0] ?? "not there"];
    }),
  );
  return { deno: Deno.version.deno, ...Object.fromEntries(answers) };
}
