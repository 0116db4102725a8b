/**
 * Processes that outlive the tests that started them.
 *
 * Every process of a part has a mark in its environment, which whatever it starts inherits: so they are
 * found whoever their parents are by then. What a sandbox has is not looked for: it ends with it.
 *
 * @module
 */

/** The variable that holds the mark. */
export const markName = "MCP_TEST_PART";

/** A process that is still there. */
export interface LeftBehind {
  readonly pid: number;
  readonly argv: readonly string[];
}

/** How long what was told to end may take for it. */
const graceMs = 10_000;
const intervalMs = 200;

/**
 * What is left of a part that has ended, once what is just ending has had time for it.
 *
 * @param mark A mark, or what many begin with.
 */
export async function findLeftBehind(
  mark: string,
  { withinMs = graceMs }: { readonly withinMs?: number } = {},
): Promise<LeftBehind[]> {
  for (const giveUpAt = Date.now() + withinMs;;) {
    const found = await findMarked(mark);
    if (found.length === 0 || Date.now() > giveUpAt) return found;
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
  }
}

/** Ends them. */
export function endLeftBehind(processes: readonly LeftBehind[]): void {
  for (const { pid } of processes) {
    try {
      Deno.kill(pid, "SIGKILL");
    } catch (error) {
      // It has ended by itself in the meantime.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

async function findMarked(mark: string): Promise<LeftBehind[]> {
  const found: LeftBehind[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === Deno.pid) continue;
    const environment = await readProcess(name, "environ");
    if (!environment.some((each) => each.startsWith(`${markName}=${mark}`))) continue;
    const argv = await readProcess(name, "cmdline");
    if (!isPause(argv)) found.push({ pid: Number(name), argv });
  }
  return found;
}

/** Rootless podman keeps one for its user, whoever asked it first; it is not a test's. */
function isPause([program = "", flag]: readonly string[]): boolean {
  return /(^|\/)(catatonit|podman)$/.test(program) && (flag === "-P" || flag === "pause");
}

async function readProcess(pid: string, file: "environ" | "cmdline"): Promise<string[]> {
  try {
    const text = await Deno.readTextFile(`/proc/${pid}/${file}`);
    return text.split("\0").filter((each) => each !== "");
  } catch {
    // It has just ended, or is somebody else's.
    return [];
  }
}
