/**
 * Facts about the machine: disk, memory, CPU, since when it is up.
 *
 * @module
 */

import { statfs } from "node:fs/promises";
import { cpus } from "node:os";

/** What the machine is like right now. */
interface NodeFacts {
  readonly diskTotalBytes: number;
  readonly diskFreeBytes: number;
  readonly memoryTotalBytes: number;
  readonly memoryFreeBytes: number;
  /** 0 to 100, over all cores, since the previous question (the first: since boot). */
  readonly cpuUsagePercent: number;
  readonly upSince: Date;
}

interface CpuTimes {
  readonly busyMs: number;
  readonly totalMs: number;
}

/** Answers questions about the machine; remembers the last CPU times between two. */
export class NodeProbe {
  readonly #folder: string;
  #last: CpuTimes = { busyMs: 0, totalMs: 0 };

  /** @param folder Whose file system's space is told. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  async facts(now: Date): Promise<NodeFacts> {
    const disk = await statfs(this.#folder);
    const memory = Deno.systemMemoryInfo();
    const times = cpuTimes();
    const totalMs = times.totalMs - this.#last.totalMs;
    const busyMs = times.busyMs - this.#last.busyMs;
    this.#last = times;
    return {
      diskTotalBytes: disk.blocks * disk.bsize,
      diskFreeBytes: disk.bavail * disk.bsize,
      memoryTotalBytes: memory.total,
      memoryFreeBytes: memory.available,
      cpuUsagePercent: totalMs <= 0 ? 0 : Math.min(100, Math.max(0, 100 * busyMs / totalMs)),
      upSince: new Date(now.getTime() - Deno.osUptime() * 1000),
    };
  }
}

function cpuTimes(): CpuTimes {
  let busyMs = 0;
  let totalMs = 0;
  for (const { times } of cpus()) {
    const busy = times.user + times.nice + times.sys + times.irq;
    busyMs += busy;
    totalMs += busy + times.idle;
  }
  return { busyMs, totalMs };
}
