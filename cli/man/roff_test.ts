import { strictEqual } from "node:assert/strict";
import { renderManPage } from "./roff.ts";

Deno.test({
  name: "renderManPage() lets no text of ours act on its reader",
  permissions: "none",
  fn: () =>
    strictEqual(
      renderManPage({
        name: "mcp-sync",
        summary: "Tell every node",
        source: "mcp 0.1.0",
        sections: [{
          title: "Parts",
          parts: [
            { text: ".so /etc/passwd" },
            { terms: [["--node NODE", "'br a \\n b"]] },
            { lines: ["mcp sync", ""] },
          ],
        }],
      }),
      `.TH "MCP\\-SYNC" 1 "" "mcp 0.1.0" "User Commands"
.ad l
.SH NAME
mcp\\-sync \\- tell every node
.SH PARTS
.PP
\\&.so /etc/passwd
.TP
\\fB\\-\\-node NODE\\fR
\\&'br a \\en b
.PP
.nf
mcp sync

.fi
`,
    ),
});
