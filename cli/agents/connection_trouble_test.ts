import { match, strictEqual } from "node:assert/strict";
import { type ErrorKind, McpError } from "../../lib/errors.ts";
import { connectionFinding } from "./connection_trouble.ts";

const named = { name: "rift", address: "rift.example:9444", caCert: undefined };
const numbered = { name: "rift", address: "[fd00::7]:9444", caCert: undefined };

function failure(kind: ErrorKind, cause: string | undefined, hint?: string): McpError {
  return new McpError(kind, 'Node "rift" did not answer', {
    cause: cause === undefined ? undefined : new McpError(kind, cause),
    hint,
  });
}

for (
  const [given, node, error, what, fix] of [
    [
      "a name that nobody knows",
      named,
      failure(
        "unavailable",
        "Cannot reach rift.example:9444: Name resolution failed for target dns",
      ),
      /^tried rift\.example:9444: name failed: Name resolution failed/,
      "getent hosts rift.example",
    ],
    [
      "a connection that is refused",
      named,
      failure("unavailable", "Cannot reach rift.example:9444: connection refused"),
      /^tried rift\.example:9444: name ok, connection failed: connection refused$/,
      "systemctl restart mcp-agent && mcp-agent doctor",
    ],
    [
      "a connection to a number that is refused",
      numbered,
      failure("unavailable", "Cannot reach [fd00::7]:9444: connection refused"),
      /^tried \[fd00::7\]:9444: connection failed: connection refused$/,
      "systemctl restart mcp-agent && mcp-agent doctor",
    ],
    [
      "a certificate that has expired",
      numbered,
      failure(
        "unavailable",
        "Cannot reach [fd00::7]:9444: its certificate expired at 2030-01-01T00:00:00.000Z",
        "On the node, put a new certificate in place",
      ),
      /^tried \S+: connection ok, TLS failed: its certificate expired at 2030/,
      "systemctl restart mcp-agent && mcp-agent doctor",
    ],
    [
      "silence",
      named,
      failure("unavailable", "No answer from rift.example:9444 within 30 s"),
      /^tried rift\.example:9444: answer failed: No answer/,
      "systemctl restart mcp-agent && mcp-agent doctor",
    ],
    [
      "a token that is refused",
      named,
      failure("unauthenticated", "The token is not valid", "Run `mcp login --all`"),
      /^tried rift\.example:9444: name ok, connection ok, TLS ok, token failed: The token/,
      "mcp login --all",
    ],
    [
      "no token at all",
      named,
      failure("unauthenticated", undefined),
      /token failed: Node "rift" did not answer$/,
      "mcp login rift",
    ],
    [
      "no CA file",
      named,
      failure(
        "not_found",
        undefined,
        "Run `mcp node remove rift`, then `mcp node add` with its CA",
      ),
      /connection ok, TLS failed/,
      "mcp node remove rift",
    ],
    [
      "an agent that does not know the question",
      named,
      failure("unimplemented", "unknown method Diagnose"),
      /token ok, answer failed: unknown method Diagnose$/,
      "mcp-agent doctor",
    ],
  ] as const
) {
  Deno.test({
    name: `connectionFinding() given ${given}`,
    permissions: "none",
    fn: () => {
      const finding = connectionFinding(node, error);
      strictEqual(finding.level, "error");
      match(finding.what, what);
      strictEqual(finding.fix, fix);
    },
  });
}
