import { strictEqual } from "node:assert/strict";
import { isIP } from "node:net";
import { isIpAddress } from "./ip_address.ts";

const none = { permissions: "none" } as const;

/** Every text of these parts, up to a number of them. */
function* texts(parts: readonly string[], count: number): Generator<string> {
  yield "";
  if (count === 0) return;
  for (const rest of texts(parts, count - 1)) for (const part of parts) yield `${part}${rest}`;
}

Deno.test("isIpAddress() says of all that looks like one what Node says", none, () => {
  for (const parts of [["1", ":", ".", "f"], ["::", ":", "1", "ffff:", "1.2.3.4"]]) {
    for (const text of texts(parts, 7)) strictEqual(isIpAddress(text), isIP(text) !== 0, text);
  }
  for (const part of ["0", "9", "10", "99", "100", "199", "249", "250", "255", "256", "00", "01"]) {
    for (const text of [`${part}.1.1.1`, `1.1.1.${part}`]) {
      strictEqual(isIpAddress(text), isIP(text) === 4, text);
    }
  }
});

Deno.test("isIpAddress() refuses what a URL would take, and zones", none, () => {
  for (const text of ["1.2.3", "1.2.3.4.", "0x7f.1.1.1", "[::1]", "::1]/x[", "fe80::1%eth0"]) {
    strictEqual(isIpAddress(text), false, text);
  }
});
