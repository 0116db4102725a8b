import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { GoawayFilter } from "./goaway.ts";

const preface = new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const goaway = 0x7;

function frame(type: number, content: Uint8Array): number[] {
  const { byteLength: length } = content;
  return [length >> 16, (length >> 8) & 0xff, length & 0xff, type, 0, 0, 0, 0, 1, ...content];
}

/** What is left of bytes that come in chunks of this size. */
function passed(bytes: readonly number[], size: number): number[] {
  const filter = new GoawayFilter();
  const left: number[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    left.push(...filter.pass(Uint8Array.from(bytes.slice(at, at + size))));
  }
  return left;
}

Deno.test({
  name: "GoawayFilter passes everything but GOAWAY on, however it is cut into chunks",
  permissions: "none",
  fn: () => {
    const text = new Uint8Array(300).map((_, at) => at);
    const kept = [frame(4, text.subarray(0, 6)), frame(1, text), frame(0, new Uint8Array(0))];
    const last = frame(6, text.subarray(0, 8));
    const said = [
      ...preface,
      ...kept.flat(),
      ...frame(goaway, text.subarray(0, 8)),
      ...frame(goaway, text),
      ...frame(goaway, new Uint8Array(0)),
      ...last,
    ];
    const expected = [...preface, ...kept.flat(), ...last];
    for (let size = 1; size <= said.length; size++) {
      deepStrictEqual(passed(said, size), expected, `in chunks of ${size}`);
    }
  },
});

Deno.test({
  name: "GoawayFilter takes frames for what they are, whatever they hold",
  permissions: "none",
  fn: () => {
    const inside = Uint8Array.from(frame(goaway, new Uint8Array(70_000)));
    const said = [...preface, ...frame(0, inside), ...frame(goaway, inside)];
    strictEqual(passed(said, 16_384).length, preface.length + 9 + inside.byteLength);
  },
});
