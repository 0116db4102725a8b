/**
 * How far the way to a node goes: its name, the connection, TLS, the token, the answer.
 *
 * @module
 */

import { isIP } from "node:net";
import type { Finding } from "../../lib/domain/finding.ts";
import { errorChain, type McpError } from "../../lib/errors.ts";
import type { Node } from "../settings/config.ts";

/** The steps of the way, in their order. */
const steps = ["name", "connection", "TLS", "token", "answer"] as const;
type Step = (typeof steps)[number];

/** What a failure says of the way, by the words of whoever failed. */
interface Trouble {
  readonly step: Step;
  readonly why: string;
  /** What to run next. */
  readonly fix: (node: Node, error: McpError) => string;
}

const onNode = () => "systemctl restart mcp-agent && mcp-agent doctor";

const troubles: readonly (Trouble & { readonly words: RegExp })[] = [
  {
    words: /Name resolution failed/,
    step: "name",
    why: "No name server that this workstation asks knows the name.",
    fix: ({ address }) => `getent hosts ${hostOf(address)}`,
  },
  {
    words: /certificate|altnames|self.signed|unable to verify|unknown ?ca|issuer/i,
    step: "TLS",
    why: "Whoever answers there cannot prove to be this node, or its certificate has ended.",
    fix: (_node, { hint }) => commandIn(hint) ?? onNode(),
  },
  {
    words: /No answer from/,
    step: "answer",
    why: "Packets are dropped on the way, or the agent hangs.",
    fix: onNode,
  },
  {
    words: /Cannot reach/,
    step: "connection",
    why: "The machine is off, or the agent does not run, or it listens elsewhere.",
    fix: onNode,
  },
];

/** The finding of a node that did not answer: what was tried, how far it went, what to do next. */
export function connectionFinding(node: Node, error: McpError): Finding {
  const { step, why, fix } = troubleOf(error);
  const isNamed = isIP(hostOf(node.address)) === 0;
  const before = steps.slice(0, steps.indexOf(step))
    .filter((passed) => passed !== "name" || isNamed)
    .map((passed) => `${passed} ok, `);
  // Nobody can tell from here how far a question came that nobody answered.
  const passed = step === "answer" && error.kind === "unavailable" ? [] : before;
  return {
    id: "connection",
    level: "error",
    what: `tried ${node.address}: ${passed.join("")}${step} failed: ${reasonOf(error)}`,
    why,
    fix: fix(node, error),
  };
}

function troubleOf(error: McpError): Trouble {
  switch (error.kind) {
    case "unauthenticated":
    case "forbidden":
      return {
        step: "token",
        why: "The node answers nobody whom it does not know as an admin.",
        fix: ({ name }, { hint }) => commandIn(hint) ?? `mcp login ${name}`,
      };
    case "not_found":
    case "invalid":
      return {
        step: "TLS",
        why: "Without the CA that vouches for it, nobody can tell whether it is this node.",
        fix: ({ name }, { hint }) => commandIn(hint) ?? `mcp node remove ${name}`,
      };
    case "unimplemented":
      return {
        step: "answer",
        why: "Its agent is older than this mcp, and knows no such question.",
        fix: () => "mcp-agent doctor",
      };
    case "unavailable": {
      const text = errorChain(error);
      const known = troubles.find(({ words }) => words.test(text));
      if (known !== undefined) return known;
    }
  }
  return { step: "answer", why: "The node is there, and could not say more.", fix: onNode };
}

/** What happened, without saying once more to whom. */
function reasonOf(error: McpError): string {
  return errorChain(error.cause ?? error).replace(/^Cannot reach \S+: /, "");
}

/** The command in a hint such as "Run `mcp login rift`". */
function commandIn(hint: string | undefined): string | undefined {
  return /^Run `([^`]+)`/.exec(hint ?? "")?.[1];
}

function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(":")).replace(/^\[|\]$/g, "");
}
