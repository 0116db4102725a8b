import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { errorChain, McpError } from "../../lib/errors.ts";
import { realFiles } from "../../lib/system/files.ts";
import { watchSyncs } from "../support/watched_syncs.ts";

/** A folder that is gone after the test. */
async function temporaryFolder() {
  const path = await Deno.makeTempDir();
  return {
    path,
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

async function failureOf(act: Promise<unknown>): Promise<McpError> {
  let failure: unknown;
  await rejects(act, (error) => (failure = error, true));
  ok(failure instanceof McpError, String(failure));
  strictEqual(failure.kind, "unavailable");
  return failure;
}

Deno.test("realFiles reads what it has written", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "a.toml");
  for (const text of ["", "one\n", "ü\u{1f511}".repeat(500_000)]) {
    await realFiles.writeText(path, text, { mode: 0o600 });
    ok(await realFiles.readText(path) === text);
  }
});

Deno.test("realFiles says that a file is absent", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "absent", "a.toml");
  strictEqual(await realFiles.readText(path), undefined);
  strictEqual(await realFiles.mode(path), undefined);
  strictEqual(await realFiles.remove(path), false);
  deepStrictEqual(await realFiles.list(path), []);
});

Deno.test("realFiles.writeText() creates the folders on the way", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "a", "b", "c.toml");
  await realFiles.writeText(path, "x", { mode: 0o644 });
  strictEqual(await realFiles.readText(path), "x");
});

for (const umask of [0o000, 0o022, 0o077, 0o777]) {
  for (const mode of [0o600, 0o640, 0o644, 0o666, 0o755]) {
    const given = `mode ${mode.toString(8)} and umask ${umask.toString(8)}`;
    Deno.test(`realFiles.writeText() sets the very mode given ${given}`, async () => {
      await using folder = await temporaryFolder();
      const path = join(folder.path, "a.toml");
      const before = Deno.umask(umask);
      try {
        await realFiles.writeText(path, "secret", { mode });
      } finally {
        Deno.umask(before);
      }
      strictEqual(await realFiles.mode(path), mode);
    });
  }
}

Deno.test("realFiles.writeText() gives a file that is there its new mode", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "token");
  await realFiles.writeText(path, "old", { mode: 0o644 });
  await realFiles.writeText(path, "new", { mode: 0o600 });
  strictEqual(await realFiles.mode(path), 0o600);
});

Deno.test("realFiles.writeText() leaves who has the old file open with the old text", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "a.toml");
  await realFiles.writeText(path, "old", { mode: 0o600 });
  using open = await Deno.open(path);
  await realFiles.writeText(path, "new", { mode: 0o600 });
  strictEqual(await new Response(open.readable).text(), "old");
  strictEqual(await realFiles.readText(path), "new");
});

Deno.test("realFiles.writeText() is never seen half done", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "a.toml");
  const texts = ["a".repeat(300_000), "b".repeat(200_000)];
  await realFiles.writeText(path, texts[0] ?? "", { mode: 0o600 });
  let writing = true;
  const writer = (async () => {
    for (let round = 0; round < 30; round++) {
      await realFiles.writeText(path, texts[round % 2] ?? "", { mode: 0o600 });
    }
    writing = false;
  })();
  while (writing) {
    const seen = await realFiles.readText(path);
    ok(texts.includes(seen ?? ""), `${seen?.length} characters seen`);
  }
  await writer;
  deepStrictEqual(await realFiles.list(folder.path), ["a.toml"]);
});

Deno.test("realFiles.writeText() has all of the text on disk before the name points to it", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "a.toml");
  await realFiles.writeText(path, "old", { mode: 0o600 });
  const seen: unknown[] = [];
  using _watch = await watchSyncs(async ({ bytes }) => {
    seen.push([bytes, await Deno.readTextFile(path)]);
  });
  await realFiles.writeText(path, "the new text", { mode: 0o600 });
  deepStrictEqual(seen, [["the new text".length, "old"]]);
});

Deno.test("realFiles.writeText() writes to what a symlink points to, and keeps the symlink", async () => {
  await using folder = await temporaryFolder();
  const [real, link] = [join(folder.path, "kept", "mcp.toml"), join(folder.path, "mcp.toml")];
  await realFiles.writeText(real, "old", { mode: 0o600 });
  await Deno.symlink(real, link);
  await realFiles.writeText(link, "new", { mode: 0o600 });
  strictEqual(await realFiles.readText(real), "new");
  ok((await Deno.lstat(link)).isSymlink);
});

Deno.test("realFiles.writeText() leaves nothing behind when it fails", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "a.toml");
  await Deno.mkdir(join(path, "a folder where the file should be"), { recursive: true });
  const failure = await failureOf(realFiles.writeText(path, "secret text", { mode: 0o600 }));
  strictEqual(failure.message, `Cannot write ${path}`);
  ok(!errorChain(failure).includes("secret text"));
  deepStrictEqual(await realFiles.list(folder.path), ["a.toml"]);
});

Deno.test("realFiles.writeText() names the file when its folder cannot be", async () => {
  await using folder = await temporaryFolder();
  await realFiles.writeText(join(folder.path, "file"), "", { mode: 0o600 });
  const path = join(folder.path, "file", "below", "a.toml");
  const failure = await failureOf(realFiles.writeText(path, "x", { mode: 0o600 }));
  strictEqual(failure.message, `Cannot write ${path}`);
});

Deno.test({
  name: "realFiles names the file when its folder may not be written or read" +
    (Deno.uid() === 0 ? " (skipped: root may everything)" : ""),
  ignore: Deno.uid() === 0,
  fn: async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, "a.toml");
    await realFiles.writeText(path, "x", { mode: 0o000 });
    const unread = await failureOf(realFiles.readText(path));
    match(errorChain(unread), /^Cannot read .*a\.toml: .*[Pp]ermission denied/);
    await Deno.chmod(folder.path, 0o500);
    try {
      const unwritten = await failureOf(realFiles.writeText(path, "y", { mode: 0o600 }));
      match(errorChain(unwritten), /^Cannot write .*a\.toml: .*[Pp]ermission denied/);
      await failureOf(realFiles.remove(path));
    } finally {
      await Deno.chmod(folder.path, 0o700);
    }
  },
});

Deno.test("realFiles.readText() names the folder it was given for a file", async () => {
  await using folder = await temporaryFolder();
  const failure = await failureOf(realFiles.readText(folder.path));
  strictEqual(failure.message, `Cannot read ${folder.path}`);
});

Deno.test("realFiles.list() is sorted", async () => {
  await using folder = await temporaryFolder();
  for (const name of ["b", "a", "B", "10", "9"]) {
    await realFiles.writeText(join(folder.path, name), "", { mode: 0o600 });
  }
  deepStrictEqual(await realFiles.list(folder.path), ["10", "9", "B", "a", "b"]);
});

Deno.test("realFiles.remove() removes a file once", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "a.toml");
  await realFiles.writeText(path, "x", { mode: 0o600 });
  strictEqual(await realFiles.remove(path), true);
  strictEqual(await realFiles.remove(path), false);
});
