import { strictEqual } from "node:assert/strict";
import { sourcesOf } from "./sources.ts";

const signed = "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n";
const plain = (suites: string) =>
  `Types: deb\nURIs: http://mirror.example/debian\nSuites: ${suites}\nComponents: main\n`;

for (
  const [given, text, expected] of [
    [
      "stanzas",
      `# of a mirror\n${plain("bookworm bookworm-updates")}${signed}\n${
        plain("bookworm-security")
      }${signed}`,
      `${plain("trixie trixie-updates")}${signed}\n${plain("trixie-security")}${signed}`,
    ],
    [
      "lines",
      "deb http://mirror.example/debian bookworm main\n" +
      "# deb http://mirror.example/debian bookworm-updates main\n" +
      "deb-src http://mirror.example/debian bookworm main\n",
      plain("trixie"),
    ],
    [
      "a line with options",
      "deb [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] " +
      "http://mirror.example/debian bookworm-security main\n",
      `${plain("trixie-security")}${signed}`,
    ],
    ["somebody else's", "deb https://tools.example/apt tools-bookworm main\n", ""],
    ["somebody else's stanza", plain("nodistro"), ""],
    ["sources alone", plain("bookworm").replace("deb", "deb-src"), ""],
    ["backports, which nobody asks for", plain("bookworm-backports"), ""],
    ["nothing", "", ""],
  ] as const
) {
  Deno.test({
    name: `sourcesOf() given ${given}`,
    permissions: "none",
    fn: () => strictEqual(sourcesOf(text, "bookworm", "trixie"), expected),
  });
}
