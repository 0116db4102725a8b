/**
 * The section of the README that people type to put a node on a server: found, typed, compared.
 *
 * Both are typed for real, the node's lines as root on a machine, the workstation's beside it. What
 * differs from place to place has an example in the README: addresses, numbers, sizes, times.
 *
 * @module
 */

import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { countFindings, isLevel, well } from "../../lib/domain/finding.ts";
import { comparable } from "../support/transcript.ts";
import type { Scene } from "./scene.ts";

/** Whose prompt it is. */
export type Seat = "node" | "workstation";

/** One line that is typed, and what is shown after it. */
export interface Typed {
  readonly seat: Seat;
  readonly line: string;
  readonly output: string;
}

/** How a line is typed. */
export interface TypeOptions {
  /** Types the line before once more, and compares nothing. */
  readonly again?: boolean;
  /** The exit codes it may end with; 0 unless said. */
  readonly codes?: readonly number[];
  /** Findings of doctor that are not compared, by their ids: what a server has and a machine not. */
  readonly without?: readonly string[];
}

/** What stands in the README for the node, the image registry beside it, and the operator's home. */
export const examples = {
  node: "203.0.113.7",
  registry: "203.0.113.1:5000",
  home: "/home/operator",
} as const;

const block =
  /(?<before><!-- server -->\s*```console\n)(?<text>[^]*?)(?<after>```\s*<!-- \/server -->)/;

const prompts = { node: "node#", workstation: "workstation$" } as const;

/** The lines between the README's `<!-- server -->` and `<!-- /server -->`, in their order. */
export function typedIn(readme: string): Typed[] {
  const text = block.exec(readme)?.groups?.["text"] ?? "";
  return text.split(/^(?=(?:node#|workstation\$) )/m).flatMap((part) => {
    const [first = "", ...rest] = part.split("\n");
    const { seat, line } = /^(?<seat>node|workstation)[#$] (?<line>.*)$/.exec(first)?.groups ?? {};
    if ((seat !== "node" && seat !== "workstation") || line === undefined) return [];
    return [{ seat, line, output: rest.join("\n").trimEnd() }];
  });
}

/** The README with other lines in their place. */
export function showTyped(readme: string, typed: readonly Typed[]): string {
  const text = typed
    .map(({ seat, line, output }) =>
      `${prompts[seat]} ${line}\n${output.trim() === "" ? "" : `${output.trimEnd()}\n`}`
    )
    .join("\n");
  return readme.replace(block, (_all, before, _text, after) => `${before}${text}${after}`);
}

/** What is shown, without what differs from place to place; `without` names findings to leave out. */
export function comparableOutput(text: string, without: readonly string[] = []): string[][] {
  return comparable(
    withoutFindings(text, without)
      .replaceAll(/\b[0-9a-f]{32}\b/g, "HASH")
      .replaceAll(/\bpodman( +)\d+\.\d+\.\d+\b/g, "podman$1VERSION")
      .replaceAll(/\b(number|uid|user|holds|from) \d+\b/g, "$1 N")
      .replaceAll(/\b\d{5,}-\d{5,}\b/g, "RANGE")
      .replaceAll(/\b[\d.]+ [KMG]iB\b/g, "N GiB")
      .replaceAll(/\(\d+ %\)/g, "(N %)")
      .replaceAll(/\b[\d.]+ s\b/g, "N s")
      .replaceAll(/± [^)]+\)/g, "± TIME)")
      .replaceAll(/\b\d+ days\b/g, "N days"),
  );
}

/** A report of doctor without some of its findings, and then without the counts of them. */
function withoutFindings(text: string, ids: readonly string[]): string {
  return ids.length === 0
    ? text
    : withoutLines(text, ids).filter((line) => !isCount(line)).join("\n");
}

/** A report of doctor as it is on a machine without some findings: the rest is counted anew. */
export function recounted(text: string, ids: readonly string[]): string {
  const lines = withoutLines(text, ids);
  const left = lines.flatMap((line) => {
    const { id, level } = finding.exec(line)?.groups ?? {};
    return id !== undefined && level !== undefined && isLevel(level)
      ? [{ ...well(id, ""), level }]
      : [];
  });
  return lines
    .map((line) => isCount(line) ? line.replace(/\S+ \S+(, \d+ \w+)*$/, countFindings(left)) : line)
    .join("\n");
}

const finding = /^ *(?<level>error|warning|unknown|ok) +(?<id>\w+)/;

function isCount(line: string): boolean {
  return /\b\d+ ok$/.test(line);
}

/** What belongs to a finding is indented further than the finding. */
function withoutLines(text: string, ids: readonly string[]): string[] {
  let isLeftOut = false;
  return text.split("\n").filter((line) => {
    const id = finding.exec(line)?.groups?.["id"];
    if (id !== undefined) isLeftOut = ids.includes(id);
    else if (!line.startsWith("      ")) isLeftOut = false;
    return !isLeftOut;
  });
}

/** Types one line of the README after the other. */
export class ReadmeSection {
  readonly #scene: Scene;
  readonly #lines: Typed[];
  /** All that the node has printed so far: what is pasted at the workstation comes from there. */
  #printed = "";
  #last: Typed | undefined;

  constructor(scene: Scene, readme: string) {
    this.#scene = scene;
    this.#lines = typedIn(readme);
  }

  /** Types the next line, which must be the expected one; what is shown must be what is printed. */
  async type(seat: Seat, pattern: RegExp, options: TypeOptions = {}): Promise<string> {
    const typed = options.again ? this.#last : this.#lines.shift();
    ok(typed !== undefined, `the README has no line ${pattern}`);
    strictEqual(typed.seat, seat, typed.line);
    match(typed.line, pattern);
    this.#last = typed;
    const output = await this.run(typed, options.codes);
    if (!options.again) {
      deepStrictEqual(
        comparableOutput(output, options.without),
        comparableOutput(typed.output, options.without),
        `what is shown after: ${typed.line}`,
      );
    }
    return output;
  }

  /** A line of the README that was never typed would be one that nobody has tried. */
  requireAllTyped(): void {
    deepStrictEqual(this.#lines.map(({ line }) => line), []);
  }

  /** Types a line and gives what it prints, as the README would show it. */
  async run({ seat, line }: Typed, codes: readonly number[] = [0]): Promise<string> {
    const { machine } = this.#scene;
    const [program, from = ""] = line.split(" ");
    if (program === "scp") {
      // There is no SSH between them: the file is laid onto the node's disk.
      const name = from.split("/").at(-1) ?? "";
      await Deno.copyFile(this.#scene.built(name), machine.disk(`/root/${name}`));
      await Deno.chmod(machine.disk(`/root/${name}`), 0o755);
      return "";
    }
    if (seat === "node") {
      const output = await this.#scene.node(this.#onSite(line), { codes });
      this.#printed += output;
      return this.#asInReadme(output);
    }
    const isPasted = /mcp node add .*…/.test(line);
    const token = /mcp_[\w-]{43}/.exec(this.#printed)?.[0] ?? "";
    return this.#asInReadme(
      await this.#scene.workstation(isPasted ? this.#pasted() : this.#onSite(line), {
        stdin: `${token}\n`,
        codes,
      }),
    );
  }

  /** The line as the node printed it; the README shortens its certificate. */
  #pasted(): string {
    const line = /^ *(mcp node add .*)$/m.exec(this.#printed)?.[1];
    ok(line !== undefined, "the node printed no line to paste");
    return line;
  }

  #onSite(text: string): string {
    return text
      .replaceAll(examples.node, this.#scene.machine.addresses.inside)
      .replaceAll(examples.registry, this.#scene.registryAddress);
  }

  #asInReadme(text: string): string {
    return text
      .replaceAll(this.#scene.registryAddress, examples.registry)
      .replaceAll(this.#scene.machine.addresses.inside, examples.node)
      .replaceAll(this.#scene.home, examples.home)
      .replaceAll(/--ca-data \S+/g, "--ca-data MIIB…")
      .replaceAll(/mcp_[\w-]{43}/g, "mcp_…");
  }
}
