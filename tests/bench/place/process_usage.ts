/**
 * What processes cost, from /proc: memory, time of the processor, how often they woke up.
 *
 * Reads as the kernel tells it (proc(5)); needs `--allow-all`, which Deno asks for below /proc.
 *
 * @module
 */

/** One process, or several added up. */
export interface ProcessUsage {
  readonly processes: number;
  /** Resident memory now; pages that processes share are counted for each. In bytes. */
  readonly rssBytes: number;
  /** The most it ever was, in bytes. */
  readonly peakRssBytes: number;
  /** Time on a processor, of the process alone and not of its children, in ms. */
  readonly cpuMs: number;
  /** How often each of its threads has begun to wait, and so wakes up; by its id. */
  readonly waits: Readonly<Record<string, number>>;
}

/** USER_HZ, which is 100 on every Linux that people run. */
const msPerTick = 10;

/** @throws {Deno.errors.NotFound} When there is no such process. */
export async function processUsage(pid: number): Promise<ProcessUsage> {
  const [status, stat] = await Promise.all(
    ["status", "stat"].map((file) => Deno.readTextFile(`/proc/${pid}/${file}`)),
  );
  const threads: Record<string, string> = {};
  for await (const { name } of Deno.readDir(`/proc/${pid}/task`)) {
    // A thread may end while they are listed; it wakes up no more.
    threads[name] = await Deno.readTextFile(`/proc/${pid}/task/${name}/status`).catch(() => "");
  }
  return decodeUsage(status ?? "", stat ?? "", threads);
}

/** Of several processes; those that have ended meanwhile count nothing. */
export async function usageOf(pids: readonly number[]): Promise<ProcessUsage> {
  const each = await Promise.all(pids.map((pid) => processUsage(pid).catch(() => nothing)));
  return each.reduce(addUsage, nothing);
}

/** The texts of `status` and `stat` of a process, and of `status` of each of its threads by id. */
export function decodeUsage(
  status: string,
  stat: string,
  threads: Readonly<Record<string, string>>,
): ProcessUsage {
  // The second field is a name in brackets, with anything in it; what follows is plain.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [user = 0, system = 0] = [fields[11], fields[12]].map(Number);
  return {
    processes: 1,
    rssBytes: numberOf(status, "VmRSS") * 1024,
    peakRssBytes: numberOf(status, "VmHWM") * 1024,
    cpuMs: (user + system) * msPerTick,
    waits: Object.fromEntries(
      Object.entries(threads).map(([id, text]) => [id, numberOf(text, "voluntary_ctxt_switches")]),
    ),
  };
}

const nothing: ProcessUsage = { processes: 0, rssBytes: 0, peakRssBytes: 0, cpuMs: 0, waits: {} };

function addUsage(one: ProcessUsage, other: ProcessUsage): ProcessUsage {
  return {
    processes: one.processes + other.processes,
    rssBytes: one.rssBytes + other.rssBytes,
    peakRssBytes: one.peakRssBytes + other.peakRssBytes,
    cpuMs: one.cpuMs + other.cpuMs,
    waits: { ...one.waits, ...other.waits },
  };
}

/**
 * How often processes woke up between the first look and the last. Threads come and go, and take their
 * counts along: what one that has ended did after the last look at it is not known.
 */
export function wakeUps(looks: readonly ProcessUsage[]): number {
  let sum = 0;
  for (const [index, { waits }] of looks.entries()) {
    const before = looks[index - 1]?.waits;
    if (before === undefined) continue;
    for (const [id, count] of Object.entries(waits)) sum += Math.max(0, count - (before[id] ?? 0));
  }
  return sum;
}

function numberOf(status: string, key: string): number {
  return Number(new RegExp(`^${key}:\\s*(\\d+)`, "m").exec(status)?.[1] ?? 0);
}

/**
 * The processes whose command line contains each of these texts, but this one.
 *
 * Arguments are joined by spaces.
 */
export async function findProcesses(...texts: readonly string[]): Promise<number[]> {
  const found: number[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === Deno.pid) continue;
    const line = await Deno.readTextFile(`/proc/${pid}/cmdline`).catch(() => "");
    const text = line.replaceAll("\0", " ");
    if (texts.every((part) => text.includes(part))) found.push(pid);
  }
  return found;
}

/** Makes the kernel forget what the peak of a process was, so that the next one is what comes now. */
export async function forgetPeak(pid: number): Promise<void> {
  await Deno.writeTextFile(`/proc/${pid}/clear_refs`, "5");
}

/**
 * The most memory of a process that will end, in bytes: asked until it does.
 *
 * What it takes within its last interval is not seen.
 */
export async function watchPeak(pid: number, ended: Promise<unknown>): Promise<number> {
  let peak = 0;
  let isOver = false;
  ended.finally(() => isOver = true);
  while (!isOver) {
    peak = await processUsage(pid).then(
      ({ peakRssBytes }) => Math.max(peak, peakRssBytes),
      () => peak,
    );
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return peak;
}
