/**
 * Remembers the files that are pushed, and finds those that were changed behind MCP's back.
 *
 * A file whose times, size and mode are still the same is not read. Of those that are not, only
 * few are read at one look, and what was found out is kept: the rest has its turn at the next one.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { errorChain, McpError } from "../../../lib/errors.ts";
import {
  acceptPushedFile,
  listPushedFiles,
  type PushedFile,
  recordSameFile,
  rememberPushedFile,
} from "../../registry/pushed_files.ts";
import type { Registry } from "../../registry/registry.ts";
import { requireServicePath, type ServicePath } from "./resolve.ts";
import {
  type FileFacts,
  lookAtFile,
  pullFile,
  pushFile,
  type TransferOptions,
  type TransferredFile,
} from "./transfer.ts";

/** A file that is not as it was pushed. */
interface ChangedFile {
  readonly service: string;
  readonly path: string;
  /** What is the matter, for people. */
  readonly text: string;
}

/** How many files are read at one look. */
const mostRead = 16;

/** Pushes, pulls, and compares. */
export class PushedFiles {
  readonly #registry: Registry;
  readonly #options: TransferOptions;
  /** Of files that were read and differ, by service and path: what they looked like then. */
  readonly #different = new Map<string, FileFacts>();

  constructor(registry: Registry, options: TransferOptions) {
    this.#registry = registry;
    this.#options = options;
  }

  /** {@link pushFile}, and remembers it. */
  async push(target: ServicePath, file: TransferredFile): Promise<void> {
    const facts = await pushFile(target, file, this.#options);
    const now = this.#options.clock.now();
    this.#registry.transaction(() =>
      rememberPushedFile(this.#registry, remembered(target, file.content, facts), now)
    );
  }

  /** {@link pullFile}; a file that was pushed once is taken for what it is now. */
  async pull(target: ServicePath): Promise<TransferredFile> {
    const { facts, ...file } = await pullFile(target, this.#options);
    const now = this.#options.clock.now();
    this.#registry.transaction(() =>
      acceptPushedFile(this.#registry, remembered(target, file.content, facts), now)
    );
    return file;
  }

  /**
   * The files that are not as they were pushed, or as they were last pulled.
   *
   * @param service The only service that is meant; undefined = all.
   */
  async changed(service: string | undefined): Promise<ChangedFile[]> {
    let toRead = mostRead;
    const changed: ChangedFile[] = [];
    const files = listPushedFiles(this.#registry, service);
    if (service === undefined) this.#forgetAllBut(files);
    for (const file of files) {
      const since = `since ${file.at.toISOString().slice(0, 19).replace("T", " ")}Z`;
      const tell = (text: string) => changed.push({ service: file.service, path: file.path, text });
      try {
        const target = requireServicePath(file.service, file.path);
        const facts = await lookAtFile(target, this.#options);
        if (facts === undefined) {
          tell("gone");
          continue;
        }
        const isSettled = this.#isAsBefore(file, facts);
        const verdict = isSettled ??
          (toRead-- > 0 ? await this.#compare(file, target, facts) : "same");
        if (verdict === "different") tell(`changed ${since}`);
        else if (facts.mode !== file.mode) {
          tell(`mode ${octal(facts.mode)}, was ${octal(file.mode)} ${since}`);
        }
      } catch (error) {
        if (!(error instanceof McpError)) throw error;
        tell(errorChain(error));
      }
    }
    return changed;
  }

  /** Nobody asks any more about files of services that were removed. */
  #forgetAllBut(files: readonly PushedFile[]): void {
    if (this.#different.size === 0) return;
    const keys = new Set(files.map(keyOf));
    for (const key of this.#different.keys()) if (!keys.has(key)) this.#different.delete(key);
  }

  /** What can be said without reading; undefined = nothing. */
  #isAsBefore(file: PushedFile, facts: FileFacts): "same" | "different" | undefined {
    if (isSame({ ...file, mode: facts.mode }, facts)) return "same";
    if (facts.size !== file.size) return "different";
    const different = this.#different.get(keyOf(file));
    return different !== undefined && isSame(different, facts) ? "different" : undefined;
  }

  async #compare(
    file: PushedFile,
    target: ServicePath,
    facts: FileFacts,
  ): Promise<"same" | "different"> {
    let content: Uint8Array;
    try {
      ({ content } = await pullFile(target, this.#options));
    } catch (error) {
      const isTold = error instanceof McpError && ["conflict", "unavailable"].includes(error.kind);
      if (!isTold) throw error;
      // What cannot be read now is not known to differ: the next look tries again.
      return "same";
    }
    if (hashOf(content) === file.sha256) {
      this.#registry.transaction(() => recordSameFile(this.#registry, { ...file, ...facts }));
      return "same";
    }
    this.#different.set(keyOf(file), facts);
    return "different";
  }
}

function remembered(target: ServicePath, content: Uint8Array, facts: FileFacts): PushedFile {
  return {
    ...facts,
    service: target.service,
    path: target.parts.join("/"),
    sha256: hashOf(content),
  };
}

function keyOf({ service, path }: PushedFile): string {
  return `${service}:${path}`;
}

function isSame(one: FileFacts, other: FileFacts): boolean {
  return one.size === other.size && one.mode === other.mode &&
    one.modifiedMs === other.modifiedMs && one.changedMs === other.changedMs;
}

function hashOf(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

function octal(mode: number): string {
  return `0${mode.toString(8).padStart(3, "0")}`;
}
