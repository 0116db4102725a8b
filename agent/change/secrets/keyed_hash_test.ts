import { match, notStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { McpError } from "../../../lib/errors.ts";
import { HashKey } from "./keyed_hash.ts";

/** Files in memory, with the modes they were written with. */
function files(texts: Record<string, string> = {}) {
  const modes: Record<string, number> = {};
  return {
    texts,
    modes,
    readText: (path: string) => Promise.resolve(texts[path]),
    writeText: (path: string, text: string, { mode }: { readonly mode: number }) => {
      texts[path] = text;
      modes[path] = mode;
      return Promise.resolve();
    },
  };
}

const value = new TextEncoder().encode("correct horse");

Deno.test({
  name: "HashKey makes a key that only its owner can read, and the next run has the same",
  permissions: "none",
  fn: async () => {
    const disk = files();
    const first = await new HashKey(disk, "/secrets.key").hash("shop", "key", value);
    match(disk.texts["/secrets.key"] ?? "", /^[0-9a-f]{64}\n$/);
    strictEqual(disk.modes["/secrets.key"], 0o600);
    strictEqual(await new HashKey(disk, "/secrets.key").hash("shop", "key", value), first);
    match(first, /^[0-9a-f]{64}$/);
  },
});

Deno.test({
  name: "HashKey tells nothing without its key, of another secret, or of another service",
  permissions: "none",
  fn: async () => {
    const key = new HashKey(files(), "/secrets.key");
    const hash = await key.hash("shop", "key", value);
    notStrictEqual(await key.hash("shop", "salt", value), hash);
    notStrictEqual(await key.hash("web", "key", value), hash);
    notStrictEqual(await key.hash("shop", "key", value.slice(1)), hash);
    notStrictEqual(await new HashKey(files(), "/secrets.key").hash("shop", "key", value), hash);
  },
});

Deno.test({
  name: "HashKey refuses a key that is damaged, and uses it when it is mended",
  permissions: "none",
  fn: async () => {
    const disk = files({ "/secrets.key": "short\n" });
    const key = new HashKey(disk, "/secrets.key");
    await rejects(
      key.hash("shop", "key", value),
      (error) => error instanceof McpError && /damaged/.test(error.message),
    );
    disk.texts["/secrets.key"] = `${"0a".repeat(32)}\n`;
    match(await key.hash("shop", "key", value), /^[0-9a-f]{64}$/);
  },
});
