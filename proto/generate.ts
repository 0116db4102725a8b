/**
 * `deno task generate` — TypeScript from the contract; with `--check`, whether it is up to date.
 *
 * buf and its plugin come from npm, at the versions below: they are tools of
 * development, and no program of ours loads them.
 *
 * Needs to run `npx`, and to read and write this folder.
 *
 * @module
 */

const tools = ["-p", "@bufbuild/buf@1.75.0", "-p", "@bufbuild/protoc-gen-es@2.17.0"];
const here = new URL(".", import.meta.url).pathname;
const generated = "gen/mcp/v1/mcp_pb.ts";
/** The contract as it was first given: clients made from it work for ever. */
const firstContract = new URL("../tests/fixtures/seed", import.meta.url).pathname;

/** The command line that runs buf at its version. */
export function bufArgv(...args: readonly string[]): string[] {
  return ["npx", "--yes", ...tools, "--", "buf", ...args];
}

/** What makes buf compare the contract in its working folder with the first one. */
export const breakingArgs: readonly string[] = ["breaking", "--against", firstContract];

/** The first run fetches it. */
const bufMs = 900_000;

/** Runs buf; true when it succeeded. What it has to say, it says on this terminal. */
async function buf(...args: readonly string[]): Promise<boolean> {
  const [program = "", ...rest] = bufArgv(...args);
  const signal = AbortSignal.timeout(bufMs);
  const child = new Deno.Command(program, { args: rest, cwd: here, signal });
  const { success } = await child.spawn().status;
  if (signal.aborted) {
    throw new Error(`buf ${args[0]} did not end within ${bufMs / 60_000} minutes`);
  }
  return success;
}

async function check(): Promise<string | undefined> {
  if (!await buf("lint")) return "mcp.proto breaks a rule of buf.yaml";
  if (!await buf("format", "--diff", "--exit-code")) {
    return "mcp.proto is not formatted: run `deno task generate`";
  }
  if (!await buf(...breakingArgs)) return "mcp.proto breaks clients of the contract as first given";
  const folder = await Deno.makeTempDir({ prefix: "mcp-generate-" });
  try {
    if (!await buf("generate", "-o", folder)) return "buf generate failed";
    const fresh = await Deno.readTextFile(`${folder}/${generated}`);
    const committed = await Deno.readTextFile(`${here}/${generated}`);
    return fresh === committed
      ? undefined
      : `proto/${generated} is not what mcp.proto makes: run \`deno task generate\``;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function generate(): Promise<string | undefined> {
  if (!await buf("format", "--write")) return "buf format failed";
  if (!await buf("lint")) return "mcp.proto breaks a rule of buf.yaml";
  return await buf("generate") ? undefined : "buf generate failed";
}

if (import.meta.main) {
  const failure = Deno.args.includes("--check") ? await check() : await generate();
  if (failure !== undefined) {
    // deno-lint-ignore no-console -- an entry: failures are said on stderr
    console.error(failure);
    Deno.exitCode = 1;
  }
}
