/** `mcp logs`: many nodes and components as one sequence, harmless on a terminal, bounded. */

import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { McpError } from "../../lib/errors.ts";
import { deadNode, type Script, startNode } from "../support/scripted_node.ts";
import { now, Workstation } from "../support/workstation.ts";

const seconds = BigInt(now.getTime() / 1000);
const line = (
  component: string,
  second: number,
  text: string,
  more: { stderr?: boolean } = {},
) => ({
  component,
  timestamp: { seconds: seconds + BigInt(second), nanos: second },
  text,
  ...more,
});

const hello = { services: [{ name: "hello", components: [{ name: "web" }, { name: "db" }] }] };

function prints(...lines: ReturnType<typeof line>[]): Script {
  return {
    listServices: () => hello,
    streamLogs: async (_request, _call, send) => {
      for (const each of lines) await send({ lines: [each] });
    },
  };
}

Deno.test("logs of all components and nodes come in the order of time", async () => {
  await using home = new Workstation();
  await using rift = await startNode(
    "rift",
    prints(line("web", 1, "one"), line("db", 3, "three"), line("web", 5, "five")),
  );
  await using vade = await startNode("vade", prints(line("web", 2, "two"), line("web", 4, "four")));
  await using rest = await startNode("rest", { listServices: () => ({}) });
  await home.know(rift, vade, rest);
  const { code, out, err } = await home.run("logs hello");
  deepStrictEqual([code, err], [0, ""]);
  strictEqual(
    out,
    `rift web | one
vade web | two
rift db  | three
vade web | four
rift web | five
`,
  );
  deepStrictEqual(rest.calls, ["listServices"]);
});

Deno.test("logs asks the node for the part that is wanted, and --grep chooses of it", async () => {
  await using home = new Workstation();
  await using rift = await startNode(
    "rift",
    prints(line("web", 1, "all is well"), line("web", 2, "panic: no key")),
  );
  await home.know(rift);
  const { out } = await home.run([
    ..."logs hello/web --tail 5 --since 10m --until 1m -t --grep".split(" "),
    "^panic|err",
  ]);
  strictEqual(out, "2026-03-01T12:00:02.000000002Z  web | panic: no key\n");
  const request = rift.requests.at(-1) as Record<string, unknown> & {
    since: { seconds: bigint };
    until: { seconds: bigint };
  };
  deepStrictEqual(
    [request["component"], request["follow"], request["tail"]],
    ["web", false, 5],
  );
  deepStrictEqual(
    [seconds - request.since.seconds, seconds - request.until.seconds],
    [600n, 60n],
  );
  const wrong = await home.run(["logs", "hello", "--grep", "("]);
  strictEqual(wrong.code, 2);
  match(wrong.err, /Cannot use "\(" as a pattern/);
});

Deno.test("logs --json prints one object per line, and says what was passed over", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", {
    listServices: () => hello,
    streamLogs: async (_request, _call, send) => {
      await send({
        lines: [
          { component: "web", timestamp: { seconds, nanos: 1 }, skipped: 7 },
          line("web", 1, "after", { stderr: true }),
        ],
      });
    },
  });
  await home.know(rift);
  const { out } = await home.run("logs hello --json");
  deepStrictEqual(out.trim().split("\n").map((each) => JSON.parse(each)), [
    {
      node: "rift",
      component: "web",
      at: "2026-03-01T12:00:00.000000001Z",
      stream: "stdout",
      skipped: 7,
    },
    {
      node: "rift",
      component: "web",
      at: "2026-03-01T12:00:01.000000001Z",
      stream: "stderr",
      text: "after",
    },
  ]);
  match((await home.run("logs hello")).out, /web \| … 7 lines passed over/);
});

Deno.test("nothing that a container prints is obeyed by the terminal, and components have colors", async () => {
  await using home = new Workstation();
  await using rift = await startNode(
    "rift",
    prints(line("web", 1, "\u001b[2J\u0007bin\u009b31m\ufffd"), line("db", 2, "fine")),
  );
  await home.know(rift);
  const { out } = await home.run("logs hello", { terminal: true });
  const [web = "", db = ""] = out.split("\n");
  ok(web.includes("\\x1b[2J\\x07bin\\x9b31m\ufffd"), web);
  // deno-lint-ignore no-control-regex -- colors
  const colorOf = (line: string) => /^\u001b\[(\d+)m/.exec(line)?.[1];
  ok(colorOf(web) !== undefined && colorOf(web) !== colorOf(db), out);
});

Deno.test("logs keeps what one node says when another is down, and exits with 7", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", prints(line("web", 1, "here")));
  await home.know(rift, deadNode("vade"));
  const { code, out, err } = await home.run("logs hello");
  strictEqual(code, 7);
  match(out, /rift web \| here/);
  match(err, /vade: Node "vade" did not answer/);
});

Deno.test("logs of a service without a container, or that nobody knows, fails", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", {
    listServices: () => hello,
    streamLogs: () => {
      throw new McpError("not_found", 'There is no container of "hello" on this node');
    },
  });
  await home.know(rift);
  const gone = await home.run("logs hello");
  strictEqual(gone.code, 4);
  match(gone.err, /There is no container of "hello"/);
  const unknown = await home.run("logs helo");
  strictEqual(unknown.code, 4);
  match(unknown.err, /Did you mean "hello"\?/);
});

Deno.test("logs --follow shows lines as they come until Ctrl-C, which ends with 130", async () => {
  await using home = new Workstation();
  const interruption = new AbortController();
  await using rift = await startNode("rift", {
    listServices: () => hello,
    streamLogs: async ({ follow }, { signal }, send) => {
      strictEqual(follow, true);
      await send({ lines: [line("web", 1, "one")] });
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    },
  });
  await home.know(rift);
  const { code, out, err } = await home.run("logs hello --follow", {
    interrupted: interruption.signal,
    onOut: (out) => {
      if (out.includes("one")) interruption.abort();
    },
  });
  deepStrictEqual([code, out, err], [130, "web | one\n", ""]);
});

Deno.test("logs --follow goes on where it was when a node drops and comes back", async () => {
  await using home = new Workstation();
  const interruption = new AbortController();
  let calls = 0;
  await using rift = await startNode("rift", {
    listServices: () => hello,
    streamLogs: async (_request, { signal }, send) => {
      if (calls++ === 0) {
        await send({ lines: [line("web", 1, "one")] });
        throw new McpError("unavailable", "The agent is stopping");
      }
      await send({ lines: [line("web", 2, "two")] });
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    },
  });
  await home.know(rift);
  const { code, out, err } = await home.run("logs hello --follow --tail 3", {
    interrupted: interruption.signal,
    sleep: () => new Promise((resolve) => setTimeout(resolve, 0)),
    onOut: (out) => {
      if (out.includes("two")) interruption.abort();
    },
  });
  strictEqual(code, 130);
  strictEqual(out, "web | one\nweb | two\n");
  match(err, /Node "rift" did not answer: .*trying again in 1s/);
  const again = rift.requests.at(-1) as {
    since: { seconds: bigint; nanos: number };
    tail?: number;
  };
  deepStrictEqual([again.since.seconds - seconds, again.since.nanos, again.tail], [
    1n,
    1,
    undefined,
  ]);
});

Deno.test("logs does not hold more than it shows: what is not read waits on the node", async () => {
  await using home = new Workstation();
  let sent = 0;
  const text = "x".repeat(10_000);
  await using rift = await startNode("rift", {
    listServices: () => hello,
    streamLogs: async (_request, { signal }, send) => {
      for (; sent < 20_000 && !signal.aborted; sent++) {
        await send({ lines: [line("web", sent, text)] });
      }
    },
  });
  await home.know(rift);
  let shown = 0;
  const interruption = new AbortController();
  await home.run("logs hello", {
    interrupted: interruption.signal,
    onOut: (out) => {
      shown = out.split("\n").length - 1;
      if (shown >= 100) interruption.abort();
    },
  });
  // 4 MiB are held here, and what the network takes besides.
  ok(sent - shown < 2_000, `${sent} lines were sent when ${shown} were shown`);
});

Deno.test("lines that are there at the same moment are written at once", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", {
    listServices: () => hello,
    streamLogs: (_request, _call, send) =>
      send({ lines: Array.from({ length: 1_000 }, (_, at) => line("web", 1, `line ${at}`)) }),
  });
  await home.know(rift);
  for (const command of ["logs hello", "logs hello --json"]) {
    let writes = 0;
    const { out } = await home.run(command, { onOut: () => writes++ });
    deepStrictEqual(
      [...out.matchAll(/line (\d+)/g)].map(([_, at]) => Number(at)),
      Array.from({ length: 1_000 }, (_, at) => at),
    );
    ok(writes <= 10, `${writes} writes`);
  }
});
