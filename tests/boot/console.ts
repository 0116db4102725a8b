/**
 * The section of the README that people type to put a node on a server, typed.
 *
 * @module
 */

import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
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

/** The lines between the README's `<!-- server -->` and `<!-- /server -->`. */
export function typedIn(readme: string): Typed[] {
  const block = /<!-- server -->\s*```console\n(?<text>[^]*?)```\s*<!-- \/server -->/;
  const text = block.exec(readme)?.groups?.["text"] ?? "";
  return text.split(/^(?=(?:node#|workstation\$) )/m).flatMap((part) => {
    const [first = "", ...rest] = part.split("\n");
    const { seat, line } = /^(?<seat>node|workstation)[#$] (?<line>.*)$/.exec(first)?.groups ?? {};
    if ((seat !== "node" && seat !== "workstation") || line === undefined) return [];
    return [{ seat, line, output: rest.join("\n").trim() }];
  });
}

/** How a line is typed. */
export interface TypeOptions {
  /** Types the line before once more, and compares nothing. */
  readonly again?: boolean;
  /** The exit code it must end with; 0 unless said. */
  readonly code?: number;
  /** Findings of doctor that are not compared, by their ids: what a server has and this machine not. */
  readonly without?: readonly string[];
}

/** What stands for the node in the README, and nowhere else. */
const exampleAddress = "203.0.113.7";

/** Types one line after the other, and compares what is shown with what the README shows. */
export class ReadmeSection {
  readonly #scene: Scene;
  readonly #lines: Typed[];
  /** All that the node has printed so far: what is pasted at the workstation comes from there. */
  #printed = "";
  #last: Typed | undefined;

  private constructor(scene: Scene, lines: Typed[]) {
    this.#scene = scene;
    this.#lines = lines;
  }

  static async open(scene: Scene): Promise<ReadmeSection> {
    const readme = await Deno.readTextFile(new URL("../../README.md", import.meta.url));
    return new ReadmeSection(scene, typedIn(readme));
  }

  /** Types the next line of the README, which must be the expected one. */
  async type(seat: Seat, pattern: RegExp, options: TypeOptions = {}): Promise<string> {
    const typed = options.again ? this.#last : this.#lines.shift();
    ok(typed !== undefined, `the README has no line ${pattern}`);
    strictEqual(typed.seat, seat, typed.line);
    match(typed.line, pattern);
    this.#last = typed;
    const output = await this.#run(typed, options.code ?? 0);
    if (seat === "node") this.#printed += output;
    if (!options.again) {
      const shown = (text: string) => comparable(withoutFindings(text, options.without ?? []));
      deepStrictEqual(
        shown(this.#asInReadme(output)),
        shown(typed.output),
        `what is shown after: ${typed.line}`,
      );
    }
    return output;
  }

  /** A line of the README that was never typed would be one that nobody has tried. */
  requireAllTyped(): void {
    deepStrictEqual(this.#lines.map(({ line }) => line), []);
  }

  async #run({ seat, line }: Typed, code: number): Promise<string> {
    const { machine } = this.#scene;
    const [program, ...words] = line.split(" ");
    if (program === "scp") {
      // There is no SSH between them: the file is laid onto the node's disk.
      const [from = ""] = words;
      const name = from.split("/").at(-1) ?? "";
      await Deno.copyFile(this.#scene.built(name), machine.disk(`/root/${name}`));
      await Deno.chmod(machine.disk(`/root/${name}`), 0o755);
      return "";
    }
    if (seat === "node") return await this.#scene.node(this.#onSite(line), { code });
    const pasted = /mcp node add .*…/.test(line) ? this.#pasted() : this.#onSite(line);
    const token = /mcp_[\w-]{43}/.exec(this.#printed)?.[0] ?? "";
    return await this.#scene.workstation(pasted, { stdin: `${token}\n`, code });
  }

  /** The line as the node printed it; the README shortens its certificate. */
  #pasted(): string {
    const line = /^ *(mcp node add .*)$/m.exec(this.#printed)?.[1];
    ok(line !== undefined, "the node printed no line to paste");
    return line;
  }

  #onSite(text: string): string {
    return text.replaceAll(exampleAddress, this.#scene.machine.addresses.inside);
  }

  #asInReadme(text: string): string {
    return text.replaceAll(this.#scene.machine.addresses.inside, exampleAddress);
  }
}

/** A report of doctor without some of its findings, and without its counts when there are such. */
function withoutFindings(text: string, ids: readonly string[]): string {
  if (ids.length === 0) return text;
  let isLeftOut = false;
  return text.split("\n").filter((line) => {
    const id = /^ *(?:error|warning|unknown|ok) +(?<id>\w+)/.exec(line)?.groups?.["id"];
    if (id !== undefined) isLeftOut = ids.includes(id);
    // What belongs to a finding is indented further, and what belongs to none is not.
    else if (!line.startsWith("      ")) isLeftOut = /\d+ ok\b/.test(line);
    return !isLeftOut;
  }).join("\n");
}
