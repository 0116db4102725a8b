/**
 * The cable between this system and a machine: two ends, an address each, nothing routed.
 *
 * @module
 */

import { demandCommand, runCommand } from "../../deploy/sandbox/command.ts";

/** The two ends of a cable. */
export interface Addresses {
  /** This system's end. */
  readonly outside: string;
  /** The machine's end. */
  readonly inside: string;
}

const timeoutMs = 120_000;

/** A network of two for each machine: 64 of them in 192.0.2.0/24, which is for examples only. */
const prefix = "192.0.2";
const bits = 30;

/** Chooses addresses that nobody here has; `slot` keeps machines of the same moment apart. */
export async function chooseAddresses(slot: number): Promise<Addresses> {
  const known = await demandCommand("list addresses", ["ip", "-json", "address"], { timeoutMs });
  const taken = new Set(
    [...known.matchAll(/"local":"192\.0\.2\.(\d+)"/g)].map(([, last]) =>
      Math.floor(Number(last) / 4)
    ),
  );
  const offsets = Array.from({ length: 64 }, (_, index) => (slot + index) % 64);
  const network = offsets.find((candidate) => !taken.has(candidate));
  if (network === undefined) throw new Error(`Cannot connect a machine: ${prefix}.0/24 is full`);
  return { outside: `${prefix}.${network * 4 + 1}`, inside: `${prefix}.${network * 4 + 2}` };
}

/** Plugs the cable in; its inner end is called eth0. `pid` is any process of the machine. */
export async function plugIn(name: string, addresses: Addresses, pid: number): Promise<void> {
  const within = ["nsenter", `--target=${pid}`, "--net", "--"];
  const commands = [
    ["ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", `${pid}`],
    ["ip", "address", "add", `${addresses.outside}/${bits}`, "dev", name],
    ["ip", "link", "set", name, "up"],
    [...within, "ip", "address", "add", `${addresses.inside}/${bits}`, "dev", "eth0"],
    [...within, "ip", "link", "set", "eth0", "up"],
  ];
  for (const argv of commands) await demandCommand("connect the machine", argv, { timeoutMs });
}

/** Pulls it out. The kernel does so by itself a moment after a machine has ended, which may be too late. */
export async function pullOut(name: string): Promise<void> {
  await runCommand(["ip", "link", "delete", name], { timeoutMs });
}
