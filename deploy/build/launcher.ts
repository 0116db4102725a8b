/**
 * The shell text that a self-contained executable begins with.
 *
 * Pure. What is put into the templates is quoted here, so that no word of ours can become shell.
 *
 * @module
 */

/** A subcommand with permissions of its own. */
export interface Subcommand {
  readonly path: readonly [string] | readonly [string, string];
  readonly grants: readonly string[];
}

/** What a launcher is made of. */
export interface LauncherFacts {
  readonly program: string;
  /** What `--version` prints, without the name. */
  readonly version: string;
  /** Names the folder that the payload is unpacked into. */
  readonly hash: string;
  /** What is unpacked takes this much. */
  readonly bytes: number;
  /** The part that puts flags and file in front of the arguments. */
  readonly arguments: string;
}

/** Flags without which a program would ask for permissions, or fail to be loaded. */
const noGrants: readonly string[] = [
  "--no-prompt",
  // Variables that nobody granted read as unset: packages ask for some when they are loaded.
  "--ignore-env",
];

/**
 * The launcher, ready to have its payload appended.
 *
 * @param template `launcher.sh`
 */
export function renderLauncher(template: string, facts: LauncherFacts): string {
  const text = fill(template, {
    PROGRAM: plain(facts.program),
    VERSION: plain(facts.version),
    HASH: plain(facts.hash),
    MEGABYTES: String(Math.ceil(facts.bytes / 1_000_000)),
    ARGUMENTS: facts.arguments,
  });
  // Filling in the number changes no number of lines.
  return fill(text, { PAYLOAD_LINE: String(text.split("\n").length) });
}

/** The arguments part of a program that always has the same permissions. */
export function fixedArguments(grants: readonly string[]): string {
  return setArguments(grants);
}

/**
 * The arguments part of `mcp-agent`: permissions by subcommand, and those of `server` by its config.
 *
 * @param template `agent_arguments.sh`
 */
export function agentArguments(template: string, subcommands: readonly Subcommand[]): string {
  const permissions = subcommands.find(({ path }) => path[0] === "permissions");
  if (permissions === undefined) throw new Error("No subcommand tells the server's permissions");
  const cases = subcommands
    .filter(({ path: [word] }) => word !== "server")
    .map(({ path: [first, second], grants }) =>
      // The second word is only looked at where it is part of the name.
      `    ${quote(`${first} ${second ?? ""}`)}${second === undefined ? "*" : ""}) ${
        setArguments(grants)
      } ;;`
    );
  return fill(template, {
    NO_GRANTS: words(noGrants),
    PERMISSIONS_GRANTS: words([...noGrants, ...permissions.grants]),
    SUBCOMMANDS: cases.join("\n"),
  });
}

function setArguments(grants: readonly string[]): string {
  return `set -- ${words([...noGrants, ...grants])} "$main" "$@"`;
}

function words(flags: readonly string[]): string {
  return flags.map(quote).join(" ");
}

/** One word of sh, whatever is in it. */
function quote(text: string): string {
  return /^[\w./:=,@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** What stands in comments and messages, where nothing is quoted. */
function plain(text: string): string {
  if (/^[\w .,()-]+$/.test(text)) return text;
  throw new Error(`Cannot write ${JSON.stringify(text)} into a launcher`);
}

/** Every placeholder that is named must be there. */
function fill(template: string, values: Readonly<Record<string, string>>): string {
  return Object.entries(values).reduce((text, [name, value]) => {
    if (!text.includes(`@${name}@`)) throw new Error(`The template has no @${name}@`);
    return text.replaceAll(`@${name}@`, () => value);
  }, template);
}
