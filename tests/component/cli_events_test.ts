/** `mcp events` and `mcp audit`: many nodes as one sequence in time, now and as it goes on. */

import { timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { McpError } from "../../lib/errors.ts";
import { deadNode, type Script, startNode } from "../support/scripted_node.ts";
import {
  denoDir,
  json,
  now,
  type Outcome,
  processArgv,
  Workstation,
} from "../support/workstation.ts";

const at = (minute: number) => timestampFromDate(new Date(now.getTime() + minute * 60_000));

function event(
  id: number,
  minute: number,
  change: Partial<Record<"service" | "cause", string>> = {},
) {
  return {
    id: BigInt(id),
    service: "mcr",
    component: "api",
    prevState: "running",
    newState: "exited",
    timestamp: at(minute),
    cause: "exit code 137 (SIGKILL)",
    ...change,
  };
}

// --- Listing ------------------------------------------------------------------------

Deno.test("events of all nodes are one sequence in time, the newest last", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", {
    listEvents: () => ({ events: [event(2, -10), event(1, -30, { cause: "" })] }),
  });
  await using vade = await startNode("vade", {
    listEvents: () => ({ events: [event(9, -20, { service: "dns" })] }),
  });
  await home.know(rift, vade);
  const { code, out, err } = await home.run("events");
  strictEqual(code, 0, err);
  strictEqual(
    out,
    `TIME                  NODE  COMPONENT  CHANGE             CAUSE
2026-03-01 11:30:00Z  rift  mcr/api    running to exited
2026-03-01 11:40:00Z  vade  dns/api    running to exited  exit code 137 (SIGKILL)
2026-03-01 11:50:00Z  rift  mcr/api    running to exited  exit code 137 (SIGKILL)
`,
  );
  deepStrictEqual(json(await home.run("events --json")).events[2], {
    node: "rift",
    id: 2,
    service: "mcr",
    component: "api",
    previous_state: "running",
    next_state: "exited",
    at: "2026-03-01T11:50:00.000Z",
    cause: "exit code 137 (SIGKILL)",
  });
});

Deno.test("events --since and --limit are asked of the nodes, and hold over all of them", async () => {
  await using home = new Workstation();
  const script: Script = { listEvents: () => ({ events: [event(2, -10), event(1, -30)] }) };
  await using rift = await startNode("rift", script);
  await using vade = await startNode("vade", script);
  await home.know(rift, vade);
  const { out } = await home.run("events mcr --since 1h --limit 2");
  strictEqual(out.match(/mcr\/api/g)?.length, 2);
  match(out, /Older ones are not shown/);
  const [request] = rift.requests as [{ service: string; limit: number; since: never }];
  deepStrictEqual([request.service, request.limit], ["mcr", 2]);
  strictEqual(timestampDate(request.since).toISOString(), "2026-03-01T11:00:00.000Z");
  for (const wrong of ["--limit 0", "--limit 1001", "--since soon"]) {
    strictEqual((await home.run(`events ${wrong}`)).code, 2, wrong);
  }
});

Deno.test("events keeps a row for a node that is down, and knows services by name", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", {
    listEvents: ({ service }) => {
      if (service === "mrc") throw new McpError("not_found", "There is no such service");
      return { events: [event(1, -30)] };
    },
    listServices: () => ({ services: [{ name: "mcr" }] }),
  });
  await home.know(rift, deadNode("vade"));
  const { code, out } = await home.run("events");
  strictEqual(code, 7);
  match(out, /^- +vade {2}Node "vade" did not answer/m);
  strictEqual(json(await home.run("events --json")).nodes[1].error.kind, "unavailable");
  await home.know(rift);
  const unknown = await home.run("events mrc");
  strictEqual(unknown.code, 4);
  match(unknown.err, /Did you mean "mcr"\?/);
});

Deno.test("audit shows who called what on all nodes, refusals too", async () => {
  await using home = new Workstation();
  const entry = {
    method: "Deploy",
    caller: "kyle",
    peer: "192.0.2.9:51234",
    outcome: "OK",
    durationMs: 1200,
    service: "mcr",
  };
  await using rift = await startNode("rift", {
    listAudit: () => ({ entries: [{ ...entry, timestamp: at(-1) }] }),
  });
  await using vade = await startNode("vade", {
    listAudit: () => ({
      entries: [{
        ...entry,
        caller: "",
        service: "",
        outcome: "PERMISSION_DENIED",
        timestamp: at(-2),
      }],
    }),
  });
  await home.know(rift, vade);
  const { code, out } = await home.run("audit --since 2026-03-01");
  strictEqual(code, 0);
  strictEqual(
    out,
    `TIME                  NODE  CALLER  CALL    SERVICE  OUTCOME            TOOK    FROM
2026-03-01 11:58:00Z  vade  -       Deploy  -        PERMISSION_DENIED  1200ms  192.0.2.9:51234
2026-03-01 11:59:00Z  rift  kyle    Deploy  mcr      OK                 1200ms  192.0.2.9:51234
`,
  );
  deepStrictEqual(json(await home.run("audit --json")).calls[1], {
    node: "rift",
    at: "2026-03-01T11:59:00.000Z",
    caller: "kyle",
    method: "Deploy",
    service: "mcr",
    outcome: "OK",
    duration_ms: 1200,
    peer: "192.0.2.9:51234",
  });
});

// --- Following ------------------------------------------------------------------------

/** Runs `mcp events --follow` until what it has printed satisfies, then presses Ctrl-C. */
async function followUntil(
  home: Workstation,
  line: string,
  enough: (out: string, err: string) => boolean,
): Promise<Outcome & { readonly pausesMs: readonly number[] }> {
  const interruption = new AbortController();
  const pausesMs: number[] = [];
  let [out, err] = ["", ""];
  const look = () => {
    if (enough(out, err)) interruption.abort();
  };
  const outcome = await home.run(line, {
    interrupted: interruption.signal,
    // A moment instead of the pause that it stands for.
    sleep: (durationMs) => {
      pausesMs.push(durationMs);
      return new Promise((resolve) => setTimeout(resolve, 5));
    },
    onOut: (all) => {
      out = all;
      look();
    },
    onErr: (all) => {
      err = all;
      look();
    },
  });
  return { ...outcome, pausesMs };
}

/** Resolves when the client hangs up. */
function hungUp(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

Deno.test("events --follow prints each event of every node as it comes, until Ctrl-C", async () => {
  await using home = new Workstation();
  const script = (minute: number): Script => ({
    listEvents: () => ({ events: [event(7, -60)] }),
    watchEvents: async (_request, { signal }, send) => {
      // The last that was seen already, and two that are new.
      for (const each of [event(7, -60), event(8, minute), event(9, minute + 1)]) {
        await send({ event: each });
      }
      await hungUp(signal);
    },
  });
  await using rift = await startNode("rift", script(1));
  await using vade = await startNode("vade", script(3));
  await home.know(rift, vade);
  const { code, out, err } = await followUntil(
    home,
    "events --follow",
    (out) => out.split("\n").length > 4,
  );
  deepStrictEqual([code, err], [130, ""]);
  deepStrictEqual(out.split("\n").sort().slice(1), [
    "2026-03-01 12:01:00Z  rift  mcr/api  running to exited  exit code 137 (SIGKILL)",
    "2026-03-01 12:02:00Z  rift  mcr/api  running to exited  exit code 137 (SIGKILL)",
    "2026-03-01 12:03:00Z  vade  mcr/api  running to exited  exit code 137 (SIGKILL)",
    "2026-03-01 12:04:00Z  vade  mcr/api  running to exited  exit code 137 (SIGKILL)",
  ]);
});

Deno.test("events --follow --json prints one object per line", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", {
    listEvents: () => ({}),
    watchEvents: async (_request, { signal }, send) => {
      await send({ event: event(1, 0, { cause: "a\u009bb" }) });
      await send({ event: event(2, 1) });
      await hungUp(signal);
    },
  });
  await home.know(rift);
  const { code, out } = await followUntil(
    home,
    "events --follow --json",
    (out) => out.split("\n").length > 2,
  );
  strictEqual(code, 130);
  ok(!out.includes("\u009b"));
  deepStrictEqual(
    out.trimEnd().split("\n").map((line) => JSON.parse(line)).map(({ node, id }) => [node, id]),
    [["rift", 1], ["rift", 2]],
  );
});

Deno.test("events --follow takes a dropped stream up where it was left, and repeats nothing", async () => {
  await using home = new Workstation();
  let watched = 0;
  await using rift = await startNode("rift", {
    listEvents: () => ({ events: [event(1, -60)] }),
    watchEvents: async ({ since }, { signal }, send) => {
      watched++;
      const from = timestampDate(since!);
      for (const id of watched === 1 ? [2, 3] : [2, 3, 4]) {
        if (timestampDate(at(id)) >= from) await send({ event: event(id, id) });
      }
      if (watched > 1) ok(from > timestampDate(at(1)), "it does not begin anew");
      if (watched === 1) throw new McpError("unavailable", "The agent goes down");
      await hungUp(signal);
    },
  });
  await home.know(rift);
  const { out, err, pausesMs } = await followUntil(
    home,
    "events --follow --json",
    (out) => out.split("\n").length > 3,
  );
  deepStrictEqual(
    out.trimEnd().split("\n").map((line) => JSON.parse(line).id),
    [2, 3, 4],
  );
  strictEqual(
    err,
    'Node "rift" did not answer: The agent goes down; trying again in 1s\n' +
      'Node "rift" answers again\n',
  );
  deepStrictEqual(pausesMs, [1_000]);
});

Deno.test("events --follow waits longer and longer for a node that stays away, and says so once", async () => {
  await using home = new Workstation();
  const vade = deadNode("vade");
  await home.know(vade);
  let pauses = 0;
  const interruption = new AbortController();
  const waited: number[] = [];
  const { code, err } = await home.run("events --follow", {
    interrupted: interruption.signal,
    sleep: (durationMs) => {
      waited.push(durationMs);
      if (++pauses === 7) interruption.abort();
      return Promise.resolve();
    },
  });
  strictEqual(code, 130);
  deepStrictEqual(waited, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  match(err, /^Node "vade" did not answer: Cannot reach .*; trying again in 1s\n$/);
});

Deno.test("events --follow begins with --since, and cannot end at --limit", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", {
    listEvents: () => ({ events: [event(5, -1)] }),
    watchEvents: async ({ service, since }, { signal }, send) => {
      deepStrictEqual([service, timestampDate(since!).toISOString()], [
        "mcr",
        "2026-03-01T11:00:00.000Z",
      ]);
      await send({ event: event(5, -1) });
      await hungUp(signal);
    },
  });
  await home.know(rift);
  const { out } = await followUntil(home, "events mcr --follow --since 1h", (out) => out !== "");
  match(out, /^2026-03-01 11:59:00Z/);
  const limited = await home.run("events --follow --limit 5");
  strictEqual(limited.code, 2);
  match(limited.err, /Next: Say where to begin with --since/);
});

Deno.test("events --follow gives a node up that refuses, and ends when none is left", async () => {
  await using home = new Workstation();
  const refuses: Script = {
    listEvents: () => {
      throw new McpError("forbidden", "Only admins may");
    },
  };
  await using rift = await startNode("rift", {
    listEvents: () => ({}),
    watchEvents: async (_request, { signal }, send) => {
      await send({ event: event(1, 0) });
      await hungUp(signal);
    },
  });
  await using vade = await startNode("vade", refuses);
  await home.know(rift, vade);
  const some = await followUntil(
    home,
    "events --follow",
    (out, err) => out !== "" && err !== "",
  );
  deepStrictEqual([some.code, some.err], [130, "Only admins may; it is not tried again\n"]);
  await home.know(vade);
  const none = await home.run("events --follow --json");
  strictEqual(none.code, 3);
  strictEqual(JSON.parse(none.out).error.kind, "forbidden");
  strictEqual(none.out.split("\n").length, 2, "a failure is one line, too");
});

Deno.test("events --follow ends when nobody reads on", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", {
    listEvents: () => ({}),
    watchEvents: async (_request, { signal }, send) => {
      for (let id = 1; !signal.aborted && id < 100; id++) await send({ event: event(id, id) });
      await hungUp(signal);
    },
  });
  await home.know(rift);
  let written = 0;
  const { code } = await home.run("events --follow", {
    onOut: () => written++,
    readerHasGone: () => written > 1,
  });
  deepStrictEqual([code, written], [0, 2]);
});

/** Events without an end, a moment apart. */
const endless: Script = {
  listEvents: () => ({}),
  watchEvents: async (_request, { signal }, send) => {
    for (let id = 1; !signal.aborted; id++) {
      await send({ event: event(id, id) });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  },
};

for (
  const [given, code, end] of [
    ["Ctrl-C", 130, async (child: Deno.ChildProcess) => {
      child.kill("SIGINT");
      for await (const _rest of child.stdout) {
        // Read to its end, so that a full pipe holds nobody up.
      }
    }],
    ["a reader that goes", 0, (child: Deno.ChildProcess) => child.stdout.cancel()],
  ] as const
) {
  Deno.test(`events --follow as a process ends on ${given} with exit code ${code}`, async () => {
    await using home = new Workstation();
    await using rift = await startNode("rift", endless);
    await home.know(rift);
    const [program = "", ...args] = processArgv("events", "--follow");
    const child = new Deno.Command(program, {
      args,
      env: { HOME: home.home, DENO_DIR: await denoDir() },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const reader = child.stdout.getReader();
    match(new TextDecoder().decode((await reader.read()).value), /mcr\/api {2}running to exited/);
    reader.releaseLock();
    await end(child);
    strictEqual(await new Response(child.stderr).text(), "");
    strictEqual((await child.status).code, code);
  });
}
