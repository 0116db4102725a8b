/** What a program can do that has an agent's permissions and no good intentions: nothing of all this. */

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { serverPermissions } from "../../agent/permissions.ts";
import { ProcessNode } from "../support/agent_process.ts";
import type { AttemptOutcome, HostilePlace } from "../support/hostile.ts";
import { ThrowAwayFolder } from "../support/throw_away_folder.ts";

const program = new URL("../support/hostile.ts", import.meta.url).pathname;

/** How Deno, and its Node parts, say that it was the permission that was lacking. */
const forLackOfPermission =
  /NotCapable|Requires .* (access|permission)|not allowed|ERR_ACCESS_DENIED|EACCES|EPERM|requires? .*--allow/i;

Deno.test("a program with an agent's permissions is refused everything else", async (t) => {
  await using node = await ProcessNode.make();
  await using outside = await ThrowAwayFolder.make();
  await Deno.writeTextFile(outside.at("secret.txt"), "the secret");
  await Deno.writeTextFile(outside.at("secret.json"), '"the secret"');
  await Deno.writeTextFile(outside.at("code.ts"), 'export default "the secret"');
  await Deno.writeTextFile(outside.at("podman"), "#!/bin/sh\necho mine\n", { mode: 0o755 });
  // The loopback itself is open to the agent: that is where it asks components for their health.
  using listener = Deno.listen({ hostname: "127.0.0.2", port: 0 });
  const otherSocket = outside.at("socket");
  using socket = Deno.listen({ transport: "unix", path: otherSocket });
  let visits = 0;
  const counting = [listener, socket].map(
    async (door: Deno.Listener<Deno.TcpConn | Deno.UnixConn>) => {
      for await (const connection of door) {
        visits++;
        connection.close();
      }
    },
  );

  const place: HostilePlace = {
    inside: `${node.folder}/srv`,
    outside: outside.path,
    own: node.address,
    other: `127.0.0.2:${listener.addr.port}`,
    otherSocket,
  };
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-check",
      "--no-config",
      // So that nothing but permissions stands in the way.
      "--unstable-worker-options",
      ...serverPermissions(node.config),
      program,
      JSON.stringify(place),
    ],
    env: { HOSTILE_SECRET: "the secret" },
  }).output();
  const outcomes = new TextDecoder().decode(stdout).trim().split("\n")
    .map((line): AttemptOutcome => JSON.parse(line));
  for (const { attempt, refusal, got } of outcomes) {
    await t.step(attempt, () => {
      ok(refusal !== undefined, `it succeeded: ${got}`);
      ok(forLackOfPermission.test(refusal), refusal);
    });
  }
  ok(outcomes.length > 75, new TextDecoder().decode(stderr));
  const output = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  ok(!output.includes("the secret"), "it read the secret");
  strictEqual(visits, 0);
  deepStrictEqual(
    (await Array.fromAsync(Deno.readDir(outside.path))).map(({ name }) => name).sort(),
    ["code.ts", "podman", "secret.json", "secret.txt", "socket"],
  );
  listener.close();
  socket.close();
  await Promise.all(counting);
});
