/**
 * The values of a definition's secrets, read from where it says. They go to the node with a deploy
 * or a plan, and nowhere else.
 *
 * A file is taken as it is, byte by byte. Of what a command prints one line end at its end is cut:
 * programs end their last line, and no password ends in one.
 *
 * @module
 */

import { dirname, resolve } from "node:path";
import { maxSecretBytes } from "../../lib/domain/secret_mount.ts";
import { errorChain, McpError } from "../../lib/errors.ts";
import type { Exec } from "../../lib/system/exec.ts";
import type { FileContents } from "../../lib/system/files.ts";
import type { SecretOrigin, SecretSource, Sources } from "./sources.ts";

/** What reading them needs. */
interface SecretValuesDeps {
  readonly files: Pick<FileContents, "readFile">;
  readonly exec: Exec;
  /** Trips on Ctrl-C. */
  readonly interrupted: AbortSignal;
  readonly warn: (text: string) => void;
}

/** A value as it is sent. */
export interface SecretValue {
  readonly name: string;
  readonly value: Uint8Array<ArrayBuffer>;
}

/** How long a command may take: somebody may have to unlock a key first. */
const commandTimeoutMs = 30_000;
/** Permission bits that let others read a file. */
const othersMask = 0o044;
/** Lines of what a command wrote to standard error that are shown when it failed. */
const shownLines = 3;

/**
 * Reads the values of the secrets that have a source, one after the other: a command may ask the
 * operator something.
 *
 * @param component Only the secrets that this one mounts; undefined = all.
 * @throws {McpError} `invalid` with every secret that has no usable value.
 */
export async function readSecretValues(
  deps: SecretValuesDeps,
  sources: Sources | undefined,
  component: string | undefined,
): Promise<SecretValue[]> {
  if (sources === undefined) return [];
  const values: SecretValue[] = [];
  const mistakes: string[] = [];
  for (const source of wanted(sources.secrets, component)) {
    try {
      const value = await read(deps, source.from, dirname(sources.file));
      requireUsable(value);
      values.push({ name: source.name, value });
    } catch (error) {
      if (!(error instanceof McpError) || deps.interrupted.aborted) throw error;
      const where = `${sources.file}:${source.line}`;
      mistakes.push(`${where}: secret "${source.name}": ${errorChain(error)}`, ...error.details);
    }
  }
  if (mistakes.length === 0) return values;
  throw new McpError("invalid", `Cannot read the secrets of ${sources.file}`, {
    details: mistakes,
  });
}

type KnownSource = SecretSource & { readonly from: SecretOrigin };

/** Each secret once: a definition has one place for it, wherever that is written. */
function wanted(
  secrets: readonly SecretSource[],
  component: string | undefined,
): KnownSource[] {
  const names = new Set(
    secrets.filter((secret) => component === undefined || secret.component === component)
      .map(({ name }) => name),
  );
  const known = secrets.filter((secret): secret is KnownSource => secret.from !== undefined);
  return [...names].flatMap((name) => known.find((source) => source.name === name) ?? []);
}

async function read(
  deps: SecretValuesDeps,
  origin: SecretOrigin,
  folder: string,
): Promise<Uint8Array<ArrayBuffer>> {
  return "file" in origin
    ? await readFile(deps, resolve(folder, origin.file))
    : await runCommand(deps, origin.command, folder);
}

async function readFile(
  { files, warn }: SecretValuesDeps,
  path: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const file = await files.readFile(path, { maxBytes: maxSecretBytes });
  if (file === undefined) throw new McpError("not_found", `there is no file ${path}`);
  if ((file.mode & othersMask) !== 0) {
    warn(`others can read the secret ${path}; \`chmod 600 ${path}\` keeps them out`);
  }
  return new Uint8Array(file.content);
}

async function runCommand(
  { exec, interrupted }: SecretValuesDeps,
  [program = "", ...args]: readonly string[],
  folder: string,
): Promise<Uint8Array<ArrayBuffer>> {
  // A path is one beside the definition; a bare name is looked up as always.
  const path = program.includes("/") ? resolve(folder, program) : program;
  const { code, stdout, stderr } = await exec([path, ...args], {
    timeoutMs: commandTimeoutMs,
    signal: interrupted,
    // One line end more than is kept.
    maxOutputBytes: maxSecretBytes + 2,
  });
  if (code !== 0) {
    const said = stderr.trim().split("\n").slice(-shownLines).filter((line) => line !== "");
    throw new McpError("unavailable", `${program} ended with exit code ${code}`, {
      details: said.map((line) => `  ${line}`),
    });
  }
  if (stdout.includes("\ufffd")) {
    throw new McpError("invalid", `what ${program} printed is no text in UTF-8; use a file`);
  }
  return new TextEncoder().encode(stdout.replace(/\r?\n$/, ""));
}

function requireUsable(value: Uint8Array): void {
  if (value.byteLength === 0) throw new McpError("invalid", "it is empty");
  if (value.byteLength <= maxSecretBytes) return;
  throw new McpError(
    "invalid",
    `it holds ${value.byteLength} bytes, and ${maxSecretBytes} are the limit`,
  );
}
