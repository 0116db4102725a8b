import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { tarEnd, tarEntry } from "./tar.ts";

const none = { permissions: "none" } as const;
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

Deno.test("tarEntry() fills whole blocks, and says path, mode and size", none, () => {
  const entry = tarEntry({
    path: "share/a.txt",
    mode: 0o644,
    content: new TextEncoder().encode("x".repeat(513)),
  });
  strictEqual(entry.byteLength, 512 + 1024);
  strictEqual(text(entry.subarray(0, 12)), "share/a.txt\0");
  strictEqual(text(entry.subarray(100, 108)), "0000644\0");
  strictEqual(text(entry.subarray(124, 136)), "00000001001\0");
  strictEqual(text(entry.subarray(512 + 512, 512 + 514)), "x\0");
});

Deno.test("tarEntry() adds up its header as readers do", none, () => {
  const entry = tarEntry({ path: "a", mode: 0o755, content: new Uint8Array() });
  const said = parseInt(text(entry.subarray(148, 154)), 8);
  const header = entry.slice(0, 512).fill(32, 148, 156);
  strictEqual(said, header.reduce((sum, byte) => sum + byte, 0));
});

Deno.test("tarEntry() refuses a path that does not fit", none, () => {
  throws(
    () => tarEntry({ path: "a".repeat(101), mode: 0o644, content: new Uint8Array() }),
    /does not fit/,
  );
});

Deno.test("tarEnd() is two empty blocks", none, () => {
  deepStrictEqual([...new Set(tarEnd())], [0]);
  strictEqual(tarEnd().byteLength, 1024);
});
