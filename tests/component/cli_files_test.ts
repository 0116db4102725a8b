/** `mcp push` and `mcp pull`: real files here, scripted answers there. */

import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { McpError } from "../../lib/errors.ts";
import { realFiles } from "../../lib/system/files.ts";
import type { PushFileRequest } from "../../proto/gen/mcp/v1/mcp_pb.ts";
import { type Script, startNode } from "../support/scripted_node.ts";
import { denoDir, json, processArgv, Workstation } from "../support/workstation.ts";

const limit = 4 * 1024 * 1024;
/** No text, and every byte there is. */
const binary = Uint8Array.from({ length: 256 }, (_, at) => at);

const moves: Script = {
  getServiceSpec: () => ({}),
  pushFile: () => ({ success: true }),
  pullFile: () => ({ content: binary, mode: 0o640 }),
};

function pushed({ requests }: { readonly requests: readonly unknown[] }): PushFileRequest {
  return requests.at(-1) as PushFileRequest;
}

// --- Push --------------------------------------------------------------------------

Deno.test("push sends a file with its mode, to its own name or to the one that is given", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", moves);
  await home.know(rift);
  const file = join(home.home, "mcr.toml");
  await realFiles.writeFile(file, binary, { mode: 0o600 });
  const { code, out, err } = await home.run(["push", file, "mcr"]);
  strictEqual(code, 0, err);
  strictEqual(out, `Pushed ${file} to /srv/mcr/mcr.toml on rift (256 bytes, mode 0600)\n`);
  const { service, path, content, mode } = pushed(rift);
  deepStrictEqual([service, path, Uint8Array.from(content), mode], [
    "mcr",
    "mcr.toml",
    binary,
    0o600,
  ]);
  await home.run(["push", file, "mcr", "certs/other.toml"]);
  strictEqual(pushed(rift).path, "certs/other.toml");
  await home.run(["push", file, "mcr", "certs/"]);
  strictEqual(pushed(rift).path, "certs/mcr.toml");
});

Deno.test("push asks no node for where a service lives when the definition or --node says so", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", moves);
  await using vade = await startNode("vade", moves);
  await home.know(rift, vade);
  const file = await home.write("mcr.toml", "x");
  await home.write(
    "services/mcr.toml",
    'name = "mcr"\nnode = "vade"\n[[components]]\nname = "api"\nimage = "x:v1"\n',
  );
  strictEqual(json(await home.run(["push", file, "mcr", "--json"])).node, "vade");
  strictEqual(json(await home.run(["push", file, "mcr", "--node", "rift", "--json"])).node, "rift");
  deepStrictEqual([rift.calls, vade.calls], [["pushFile"], ["pushFile"]]);
});

Deno.test("push of the largest file works in full", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", moves);
  await home.know(rift);
  const file = join(home.home, "large");
  await realFiles.writeFile(file, new Uint8Array(limit).fill(7), { mode: 0o644 });
  const { code, out, err } = await home.run(["push", file, "mcr"]);
  strictEqual(code, 0, err);
  match(out, /\(4 MiB, mode 0644\)/);
  strictEqual(pushed(rift).content.byteLength, limit);
});

Deno.test("push refuses before sending what is too large, absent or no regular file", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", moves);
  await home.know(rift);
  const large = join(home.home, "large");
  await realFiles.writeFile(large, new Uint8Array(limit + 1), { mode: 0o644 });
  const fifo = join(home.home, "fifo");
  await new Deno.Command("mkfifo", { args: [fifo] }).output();
  for (
    const [file, code, complaint] of [
      [large, 2, /large: it holds 4194305 bytes, and 4194304 are the limit/],
      [home.home, 2, /: it is a folder/],
      [fifo, 2, /fifo: it is no regular file/],
      ["/dev/null", 2, /it is no regular file/],
      [join(home.home, "absent"), 4, /There is no file .*absent/],
    ] as const
  ) {
    const outcome = await home.run(["push", file, "mcr"]);
    strictEqual(outcome.code, code, file);
    match(outcome.err, complaint);
  }
  deepStrictEqual(rift.calls, []);
});

Deno.test("push tells a refusal of the node, however the agent says it", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", {
    ...moves,
    pushFile: ({ path }) => {
      if (path === "../x") throw new McpError("invalid", 'Cannot use the path "../x"');
      return { success: false, error: "the disk is full" };
    },
  });
  await home.know(rift);
  const file = await home.write("mcr.toml", "x");
  const status = await home.run(["push", file, "mcr", "../x"]);
  deepStrictEqual([status.code, status.err], [2, 'Error: Cannot use the path "../x"\n']);
  const inside = await home.run(["push", file, "mcr"]);
  deepStrictEqual([inside.code, inside.out], [
    8,
    "failed  /srv/mcr/mcr.toml on rift: the disk is full\n",
  ]);
});

// --- Pull --------------------------------------------------------------------------

Deno.test("pull writes the file in one step, with the mode it has on the node", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", moves);
  await home.know(rift);
  const file = join(home.home, "mcr.toml");
  await Deno.writeTextFile(file, "the old one", { mode: 0o666 });
  const { code, out, err } = await home.run(["pull", "mcr", "conf/mcr.toml", file]);
  strictEqual(code, 0, err);
  strictEqual(out, `Pulled /srv/mcr/conf/mcr.toml on rift to ${file} (256 bytes, mode 0640)\n`);
  deepStrictEqual(await Deno.readFile(file), binary);
  strictEqual(await realFiles.mode(file), 0o640);
  deepStrictEqual((await realFiles.list(home.home)).filter((name) => name.startsWith(".mcp")), []);
});

Deno.test("pull to - writes the bytes and nothing else to standard output", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", moves);
  await home.know(rift);
  const { code, out, err, bytes } = await home.run("pull mcr mcr.toml -");
  deepStrictEqual([code, out, err, bytes], [0, "", "", binary]);
  const { file, content_base64 } = json(await home.run("pull mcr mcr.toml - --json"));
  strictEqual(file, null);
  deepStrictEqual(Uint8Array.from(atob(content_base64), (each) => each.charCodeAt(0)), binary);
});

Deno.test("pull without a local name writes into the current folder", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", moves);
  await home.know(rift);
  const [program = "", ...args] = processArgv("pull", "mcr", "certs/mcr.pem");
  const { code, stderr } = await new Deno.Command(program, {
    args,
    cwd: home.home,
    env: { HOME: home.home, DENO_DIR: await denoDir() },
    stdin: "null",
  }).output();
  strictEqual(code, 0, new TextDecoder().decode(stderr));
  deepStrictEqual(await Deno.readFile(join(home.home, "mcr.pem")), binary);
});

Deno.test("pull replaces no folder and no device, and asks no node for them", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", moves);
  await home.know(rift);
  for (
    const [file, code, complaint] of [
      [home.home, 2, /it is a folder\nNext: Name the file in it/],
      [`${home.home}/new/`, 2, /it is a folder/],
      ["/dev/null", 2, /it is no regular file\nNext: Pass - for standard output/],
      [join(home.home, "absent", "mcr.toml"), 4, /There is no folder .*absent/],
    ] as const
  ) {
    const outcome = await home.run(["pull", "mcr", "mcr.toml", file]);
    strictEqual(outcome.code, code, file);
    match(outcome.err, complaint);
  }
  deepStrictEqual(rift.calls, []);
  ok((await Deno.stat("/dev/null")).isCharDevice);
});

Deno.test("pull that fails leaves the local file as it was", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", {
    ...moves,
    pullFile: ({ path }) => {
      if (path === "absent") throw new McpError("not_found", "There is no such file");
      return { error: "it is a FIFO" };
    },
  });
  await home.know(rift);
  const file = await home.write("mcr.toml", "mine");
  const absent = await home.run(["pull", "mcr", "absent", file]);
  strictEqual(absent.code, 4);
  const inside = await home.run(["pull", "mcr", "pipe", file]);
  deepStrictEqual([inside.code, inside.out], [8, "failed  /srv/mcr/pipe on rift: it is a FIFO\n"]);
  strictEqual(await home.read("mcr.toml"), "mine");
});
