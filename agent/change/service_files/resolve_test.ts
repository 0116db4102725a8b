import fc from "fast-check";
import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { McpError } from "../../../lib/errors.ts";
import { requireServicePath } from "./resolve.ts";

for (
  const [path, parts] of [
    ["mcr.toml", ["mcr.toml"]],
    ["certs/mcr.pem", ["certs", "mcr.pem"]],
    ["a/b/c/d", ["a", "b", "c", "d"]],
    [".env", [".env"]],
    ["...", ["..."]],
    ["..a/b..", ["..a", "b.."]],
    ["with space/ü\u{1f511}", ["with space", "ü\u{1f511}"]],
    ["-rf", ["-rf"]],
    // Nothing is decoded: these are names, if odd ones.
    ["%2e%2e/passwd", ["%2e%2e", "passwd"]],
    ["..%2fpasswd", ["..%2fpasswd"]],
    ["%252e%252e", ["%252e%252e"]],
    ["..\\..\\passwd", ["..\\..\\passwd"]],
    ["C:\\passwd", ["C:\\passwd"]],
    ["\u2025/\uff0e\uff0e/passwd", ["\u2025", "\uff0e\uff0e", "passwd"]],
    ["..\u2215passwd", ["..\u2215passwd"]],
    [" ../x", [" ..", "x"]],
    ["~/x", ["~", "x"]],
    ["$HOME", ["$HOME"]],
    ["x".repeat(255), ["x".repeat(255)]],
  ] as const
) {
  Deno.test({
    name: `requireServicePath() takes ${JSON.stringify(path).slice(0, 40)} for what it says`,
    permissions: "none",
    fn: () => deepStrictEqual(requireServicePath("shop", path), { service: "shop", parts }),
  });
}

for (
  const [given, path, why] of [
    ["nothing", "", "it is empty"],
    ["a slash", "/", "it is absolute"],
    ["an absolute path", "/etc/passwd", "it is absolute"],
    ["two slashes", "//etc/passwd", "it is absolute"],
    ["the parent", "..", 'it has the part ".."'],
    ["the parent first", "../mail/mail.toml", 'it has the part ".."'],
    ["the parent in the middle", "certs/../../mail/x", 'it has the part ".."'],
    ["the parent last", "certs/..", 'it has the part ".."'],
    ["a parent that stays inside", "certs/../mcr.toml", 'it has the part ".."'],
    ["the folder itself", ".", 'it has the part "."'],
    ["the folder itself first", "./mcr.toml", 'it has the part "."'],
    ["a slash at the end", "certs/", "it has an empty part"],
    ["two slashes within", "certs//mcr.pem", "it has an empty part"],
    ["NUL", "mcr.toml\0", "it holds a NUL"],
    ["NUL before an ending", "passwd\0.pem", "it holds a NUL"],
    ["a part of 256 bytes", `a/${"x".repeat(256)}`, "a part is too long"],
    ["a part of 128 letters of two bytes", "ü".repeat(128), "a part is too long"],
    ["a path of 4097 bytes", `${"x/".repeat(2048)}x`, "it is too long"],
    ["a name of a push", ".mcp-push-1", "names with .mcp-push- are MCP's own"],
    ["a folder with a name of a push", ".mcp-push-1/x", "names with .mcp-push- are MCP's own"],
    ["half of a surrogate pair", "\ud800", "it is not well-formed text"],
  ] as const
) {
  Deno.test({
    name: `requireServicePath() refuses ${given}`,
    permissions: "none",
    fn: () =>
      throws(() => requireServicePath("shop", path), {
        kind: "invalid",
        message: `Cannot use the path ${JSON.stringify(path)}: ${why}`,
        hint: `Write it relative to the service's folder, e.g. "certs/shop.pem"`,
      }),
  });
}

for (const service of ["", ".", "..", "/", "../mail", "shop/..", "Shop", "shop\0", "-", "a b"]) {
  Deno.test({
    name: `requireServicePath() refuses ${JSON.stringify(service)} for a service`,
    permissions: "none",
    fn: () => throws(() => requireServicePath(service, "x"), { kind: "invalid" }),
  });
}

Deno.test({
  name: "requireServicePath() takes nothing that leaves the folder when it is put together",
  permissions: "none",
  fn: () => {
    const piece = fc.constantFrom("/", ".", "..", "a", "\0", "%2e", "\\", "//", "b", "\u2024");
    const path = fc.array(piece, { maxLength: 10 }).map((pieces) => pieces.join(""));
    fc.assert(
      fc.property(fc.oneof(path, fc.string({ unit: "binary" })), (text) => {
        let parts: readonly string[];
        try {
          ({ parts } = requireServicePath("shop", text));
        } catch (error) {
          ok(error instanceof McpError && error.kind === "invalid", String(error));
          return;
        }
        strictEqual(parts.join("/"), text);
        ok(parts.every((part) => !["", ".", ".."].includes(part) && !/[/\0]/.test(part)));
      }),
      { numRuns: 10_000 },
    );
  },
});
