import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { parseAddress } from "./address.ts";

for (
  const [text, host, port] of [
    ["rift:9443", "rift", 9443],
    ["rift.example.com:9443", "rift.example.com", 9443],
    ["127.0.0.1:9443", "127.0.0.1", 9443],
    ["[::1]:9443", "::1", 9443],
    ["[2001:db8::7]:1", "2001:db8::7", 1],
    ["[::ffff:192.0.2.1]:9443", "::ffff:192.0.2.1", 9443],
    ["node_1:65535", "node_1", 65535],
    ["127.0.0.1:0", "127.0.0.1", 0],
  ] as const
) {
  Deno.test({
    name: `parseAddress() takes ${text} apart`,
    permissions: "none",
    fn: () => deepStrictEqual(parseAddress(text), { host, port }),
  });
}

for (
  const text of [
    "",
    "rift",
    "rift:",
    ":9443",
    "rift:65536",
    "rift:http",
    "rift:-1",
    "::1:9443",
    "[::1]",
    "[::1]:",
    "[rift]:9443",
    "[1.2.3.4]:9443",
    "[::zz]:9443",
    "https://rift:9443",
    "dns:rift:9443",
    "unix:/run/x:1",
    "rift/x:9443",
    "user@rift:9443",
    " rift:9443",
    "rift:9443\n",
  ]
) {
  Deno.test({
    name: `parseAddress() refuses ${JSON.stringify(text)}`,
    permissions: "none",
    fn: () => strictEqual(parseAddress(text), undefined),
  });
}
