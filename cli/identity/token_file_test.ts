import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { realFiles } from "../../lib/system/files.ts";
import { readToken, writeToken } from "./token_file.ts";

const expiresAt = new Date("2026-03-01T13:00:00Z");
const issuedAt = new Date("2026-03-01T12:00:00Z");

/** Files that hold this text, with this mode, whatever they are called. */
function filesWith(text: string, mode = 0o600) {
  return { ...realFiles, mode: () => Promise.resolve(mode), readText: () => Promise.resolve(text) };
}

for (
  const [given, text, stored] of [
    ["a token pasted in", "abc\n", { token: "abc" }],
    ["a token without a line feed", "abc", { token: "abc" }],
    ["a file of an earlier version", `abc\n${expiresAt.toISOString()}\n`, {
      token: "abc",
      expiresAt,
    }],
    [
      "everything",
      `abc\n${expiresAt.toISOString()}\nissued_at ${issuedAt.toISOString()}
issuer https://mcias.example\nrefresh_token xyz\n`,
      {
        token: "abc",
        expiresAt,
        issuedAt,
        issuer: "https://mcias.example",
        refreshToken: "xyz",
      },
    ],
    ["lines of a later version", "abc\n\nmood good\n\nissuer https://a\n", {
      token: "abc",
      issuer: "https://a",
    }],
  ] as const
) {
  Deno.test({
    name: `readToken() given ${given}`,
    permissions: "none",
    fn: async () => {
      const nothing = { expiresAt: undefined, issuedAt: undefined, issuer: undefined };
      deepStrictEqual(await readToken(filesWith(text), "/token"), {
        ...nothing,
        refreshToken: undefined,
        ...stored,
      });
    },
  });
}

for (
  const [given, text, mode, message] of [
    ["that others may read", "abc\n", 0o640, "Others may read the token in /token (mode 0640)"],
    [
      "with a second line that is no instant",
      "abc\nsoon\n",
      0o600,
      "The second line of /token is no instant",
    ],
    ["without a token", "\n", 0o600, /^\/token holds no token/],
    ["of two words", "a b\n", 0o600, /^\/token holds no token/],
  ] as const
) {
  Deno.test({
    name: `readToken() refuses a file ${given}`,
    permissions: "none",
    fn: () => rejects(readToken(filesWith(text, mode), "/token"), { kind: "invalid", message }),
  });
}

for (
  const stored of [
    { token: "abc" },
    { token: "abc", expiresAt },
    { token: "abc", issuedAt, issuer: "https://a" },
    { token: "abc", expiresAt, issuedAt, issuer: "https://a", refreshToken: "xyz" },
  ]
) {
  Deno.test({
    name: `writeToken() writes what readToken() reads: ${Object.keys(stored).join(", ")}`,
    permissions: "none",
    fn: async () => {
      let written = "";
      let mode = 0;
      const files = {
        ...realFiles,
        writeText: (_path: string, text: string, options: { readonly mode: number }) => {
          written = text;
          mode = options.mode;
          return Promise.resolve();
        },
      };
      await writeToken(files, "/token", stored);
      strictEqual(mode, 0o600);
      const read = await readToken(filesWith(written), "/token");
      deepStrictEqual(JSON.parse(JSON.stringify(read)), JSON.parse(JSON.stringify(stored)));
    },
  });
}
