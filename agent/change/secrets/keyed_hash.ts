/**
 * A hash that tells equal values from others, and nothing else to whoever has no key.
 *
 * The key is a file of the node's own beside the registry, and in none of its snapshots: without it
 * a short password cannot be found by trying. When it is lost, every value counts as another one,
 * and each secret gets a new version once.
 *
 * @module
 */

import { createHmac } from "node:crypto";
import { McpError } from "../../../lib/errors.ts";
import type { Files } from "../../../lib/system/files.ts";

const keyBytes = 32;

/** The key in a file, which is made when there is none. */
export class HashKey {
  readonly #files: Pick<Files, "readText" | "writeText">;
  readonly #path: string;
  #key: Promise<Uint8Array> | undefined;

  constructor(files: Pick<Files, "readText" | "writeText">, path: string) {
    this.#files = files;
    this.#path = path;
  }

  /**
   * The hash of a value, in hexadecimal. Equal values of two secrets have different ones.
   *
   * @throws {McpError} `unavailable` when the key cannot be read or made.
   */
  async hash(service: string, secret: string, value: Uint8Array): Promise<string> {
    this.#key ??= this.#load();
    let key: Uint8Array;
    try {
      key = await this.#key;
    } catch (error) {
      this.#key = undefined;
      throw error;
    }
    return createHmac("sha256", key).update(`${service}\0${secret}\0`).update(value).digest("hex");
  }

  async #load(): Promise<Uint8Array> {
    const text = await this.#files.readText(this.#path);
    if (text === undefined) {
      const key = crypto.getRandomValues(new Uint8Array(keyBytes));
      await this.#files.writeText(this.#path, `${key.toHex()}\n`, { mode: 0o600 });
      return key;
    }
    if (!/^[0-9a-f]{64}\n?$/.test(text)) {
      throw new McpError(
        "unavailable",
        `Cannot use the key of secrets ${this.#path}: it is damaged`,
        {
          hint: `Remove it: then every secret counts as changed once`,
        },
      );
    }
    return Uint8Array.fromHex(text.trimEnd());
  }
}
