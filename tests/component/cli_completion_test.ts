/** Completion in real shells, and the manual in a real `man`; no node is there to be asked. */

import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { manPages } from "../../cli/man/pages.ts";
import { renderManPage } from "../../cli/man/roff.ts";
import { allCommands } from "../../cli/program.ts";
import { realFiles } from "../../lib/system/files.ts";
import { denoDir, processArgv, Workstation } from "../support/workstation.ts";

const program = await allCommands();

const definition = (...components: readonly string[]) =>
  components.map((name) => `[[components]]\nname = "${name}"\n`).join("\n");

/** A workstation that knows two nodes and two services, one of them with mistakes. */
async function furnished(): Promise<Workstation> {
  const home = new Workstation();
  await home.know(
    { name: "rift", address: "192.0.2.7:1", token: "t" },
    { name: "vade", address: "192.0.2.8:1", token: "t" },
  );
  await home.write("services/metacrypt.toml", definition("api", "web"));
  await home.write("services/mcr.toml", "name = ");
  await home.write("services/.mcr-12345678.toml", definition("hidden"));
  return home;
}

/** What completion suggests, options aside. */
async function suggestions(home: Workstation, ...words: readonly string[]): Promise<string[]> {
  const { out } = await home.run(["completion", "bash", ...words]);
  return out.split("\n").filter((line) => line !== "" && !line.startsWith("-"));
}

Deno.test("completion knows services, components and nodes from the files, and asks no node", async () => {
  await using home = await furnished();
  deepStrictEqual(await suggestions(home, "stop", "m"), ["mcr", "metacrypt"]);
  deepStrictEqual(await suggestions(home, "deploy", "me"), ["metacrypt"]);
  deepStrictEqual(await suggestions(home, "deploy", "metacrypt/"), [
    "metacrypt/api",
    "metacrypt/web",
  ]);
  deepStrictEqual(await suggestions(home, "deploy", "mcr/"), [], "it has mistakes");
  deepStrictEqual(await suggestions(home, "node", "remove", ""), ["rift", "vade"]);
  deepStrictEqual(await suggestions(home, "sync", "--node", "v"), ["vade"]);
  const { out } = await home.run(["completion", "bash", "sync", "--node=r"]);
  strictEqual(out, "--node=rift\n");
  deepStrictEqual(await suggestions(home, "deploy", "mcr", "-f", ""), ["__FILE__:file:toml::0"]);
  for (const shell of ["fish", "nu", "pwsh", "zsh"]) {
    match((await home.run(["completion", shell, "stop", "me"])).out, /^metacrypt\W/, shell);
  }
});

Deno.test("completion without a config, or with a broken one, suggests commands all the same", async () => {
  await using home = new Workstation();
  deepStrictEqual(await suggestions(home, "sto"), ["stop"]);
  deepStrictEqual(await suggestions(home, "stop", "m"), []);
  await home.write("mcp.toml", "nodes = 1");
  const { code, err } = await home.run(["completion", "bash", "stop", "m"]);
  deepStrictEqual([code, err], [0, ""]);
});

Deno.test("completion reads the config that the line names", async () => {
  await using home = await furnished();
  const other = await home.write(
    "other/mcp.toml",
    '[[nodes]]\nname = "orion"\naddress = "192.0.2.9:1"\n',
  );
  deepStrictEqual(await suggestions(home, "--config", other, "sync", "--node", ""), ["orion"]);
});

// --- Real shells --------------------------------------------------------------------

async function isThere(program: string): Promise<boolean> {
  try {
    return (await new Deno.Command(program, { args: ["--version"] }).output()).success;
  } catch {
    // There is no such program.
    return false;
  }
}

interface ShellTest {
  readonly shell: string;
  /**
   * A program for the shell: it loads the completion from $1, presses Tab at the end of $2 and
   * prints what there is to choose from, or the line as it is then. $3 is what is expected.
   */
  readonly script: string;
}

const shells: readonly ShellTest[] = [
  {
    shell: "bash",
    script: `source "$1"
COMP_LINE="$2" COMP_POINT=\${#2}
read -ra COMP_WORDS <<< "$2"
[[ "$2" == *" " ]] && COMP_WORDS+=("")
COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 ))
_mcp mcp "\${COMP_WORDS[COMP_CWORD]}"
printf '%s\\n' "\${COMPREPLY[@]}"`,
  },
  { shell: "fish", script: `source $argv[1]; complete -C $argv[2]` },
  {
    // Only a shell that has a terminal completes: it is given one.
    shell: "zsh",
    script: `zmodload zsh/zpty
zpty terminal zsh -f -i
zpty -w terminal "PS1=; autoload -Uz compinit; compinit -u -D; source $1; print rea''dy"
zpty -r terminal seen '*ready*'
zpty -w -n terminal "$2"$'\\t'
zpty -r terminal seen "*$3*" && print -r -- "$seen"
zpty -d terminal`,
  },
];

for (const { shell, script } of shells) {
  const there = await isThere(shell);
  Deno.test({
    name: `completion works in ${shell}${there ? "" : ` (SKIPPED: there is no ${shell} here)`}`,
    ignore: !there,
    async fn() {
      await using home = await furnished();
      const env = {
        HOME: home.home,
        DENO_DIR: await denoDir(),
        PATH: `${home.folder}:${Deno.env.get("PATH")}`,
        TERM: "dumb",
      };
      const argv = processArgv().map((word) => `'${word}'`).join(" ");
      await home.write("mcp", `#!/bin/sh\nexec ${argv} "$@"\n`, 0o755);
      const { out } = await home.run(["completion", shell]);
      const completion = await home.write("completion", out);
      const runner = await home.write("runner", script);
      const press = async (line: string, expected: string) => {
        const { stdout, stderr } = await new Deno.Command(shell, {
          args: [...(shell === "zsh" ? ["-f"] : []), runner, completion, line, expected],
          env,
          cwd: home.folder,
          stdin: "null",
          signal: AbortSignal.timeout(600_000),
        }).output();
        const decoder = new TextDecoder();
        const text = decoder.decode(stdout);
        ok(text.includes(expected), `${line}: ${text}\n${decoder.decode(stderr)}`);
      };
      await press("mcp sto", "stop");
      await press("mcp stop met", "metacrypt");
      await press("mcp deploy metacrypt/w", "metacrypt/web");
      await press("mcp sync --node r", "rift");
      await press("mcp deploy mcr -f mcp.t", "mcp.toml");
    },
  });
}

// --- The manual ---------------------------------------------------------------------

Deno.test({
  name: "the manual has a page for mcp and one for each command, with its examples",
  permissions: "none",
  fn() {
    const pages = manPages();
    deepStrictEqual(
      pages.map(({ name }) => name),
      ["mcp", ...program.map(({ path }) => `mcp-${path.join("-")}`)],
    );
    for (const { path, examples } of program) {
      const page = pages.find(({ name }) => name === `mcp-${path.join("-")}`);
      const text = page === undefined ? "" : renderManPage(page).replaceAll("\\-", "-");
      for (const { line } of examples) ok(text.includes(line), line);
      match(text, /--json/);
    }
  },
});

const manIsThere = await isThere("man");
Deno.test({
  name: `the manual is without mistakes${manIsThere ? "" : " (SKIPPED: there is no man here)"}`,
  ignore: !manIsThere,
  async fn() {
    await using home = new Workstation();
    for (const page of manPages()) {
      const file = join(home.home, `${page.name}.1`);
      await realFiles.writeText(file, renderManPage(page), { mode: 0o644 });
      const { success, stdout, stderr } = await new Deno.Command("man", {
        args: ["--warnings", "-l", file],
        env: { LC_ALL: "C.UTF-8", MANPAGER: "cat", MANWIDTH: "80" },
        stdin: "null",
      }).output();
      const decoder = new TextDecoder();
      strictEqual(decoder.decode(stderr), "", page.name);
      ok(success);
      match(decoder.decode(stdout), new RegExp(`^NAME\\n +${page.name} - `, "m"));
    }
  },
});
