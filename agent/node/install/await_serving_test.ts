import { deepStrictEqual } from "node:assert/strict";
import { dialled } from "./await_serving.ts";

for (
  const [address, hostname] of [
    ["100.95.252.120:9444", "100.95.252.120"],
    ["[fd7a::1]:9444", "fd7a::1"],
    ["0.0.0.0:9444", "127.0.0.1"],
    ["[::]:9444", "::1"],
  ] as const
) {
  Deno.test({
    name: `dialled() given ${address}`,
    permissions: "none",
    fn: () => deepStrictEqual(dialled(address), { hostname, port: 9444 }),
  });
}
