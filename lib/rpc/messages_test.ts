import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { framed, maxMessageBytes, MessageReader } from "./messages.ts";
import { status } from "./status.ts";

/** What goes in front of a message of this length, and not a byte of it. */
function prefixOf(length: number): Uint8Array {
  const bytes = new Uint8Array(5);
  new DataView(bytes.buffer).setUint32(1, length);
  return bytes;
}

Deno.test({
  name: "MessageReader refuses a message that is too long by its length, before any of it has come",
  permissions: "none",
  fn: () => {
    deepStrictEqual(new MessageReader().read(prefixOf(maxMessageBytes)), []);
    for (const length of [maxMessageBytes + 1, 2 ** 32 - 1]) {
      const refusal = new MessageReader().read(prefixOf(length));
      ok("code" in refusal);
      strictEqual(refusal.code, status.RESOURCE_EXHAUSTED);
    }
  },
});

Deno.test({
  name: "MessageReader gives messages whole, however their bytes are cut",
  permissions: "none",
  fn: () => {
    const messages = ["", "one", "two and more"].map((text) => new TextEncoder().encode(text));
    const bytes = messages.flatMap((message) => [...framed(message)]);
    for (let size = 1; size <= bytes.length; size++) {
      const reader = new MessageReader();
      const read: Uint8Array[] = [];
      for (let at = 0; at < bytes.length; at += size) {
        const some = reader.read(Uint8Array.from(bytes.slice(at, at + size)));
        ok(!("code" in some));
        read.push(...some);
      }
      deepStrictEqual(read.map((each) => [...each]), messages.map((each) => [...each]));
      ok(reader.isWhole);
    }
  },
});
