import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { makeServiceFolders } from "../../agent/change/service_files/folders.ts";
import { McpError } from "../../lib/errors.ts";
import { ThrowAwayFolder } from "../support/throw_away_folder.ts";

/** A folder that stands for /srv, with a service's folder and one outside of everything. */
async function withRoot(
  test: (parts: {
    readonly root: string;
    readonly home: string;
    readonly outside: string;
    readonly make: (...paths: readonly string[]) => Promise<void>;
  }) => Promise<void>,
): Promise<void> {
  await using folder = await ThrowAwayFolder.make();
  const root = folder.at("srv");
  const home = `${root}/shop`;
  const outside = folder.at("outside");
  await Deno.mkdir(root);
  await Deno.mkdir(outside);
  const make = (...paths: readonly string[]) =>
    makeServiceFolders(root, "shop", paths.map((path) => path === "" ? home : `${home}/${path}`));
  await test({ root, home, outside, make });
}

async function modeOf(path: string): Promise<string> {
  const { mode, isDirectory } = await Deno.lstat(path);
  return `${isDirectory ? "d" : "-"}${((mode ?? 0) & 0o7777).toString(8)}`;
}

/** Everything below a folder, so that nothing made elsewhere stays unseen. */
async function namesIn(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name)).sort();
}

Deno.test("folders are made with all on the way, readable by the container's users", () =>
  withRoot(async ({ home, make }) => {
    const umask = Deno.umask(0o022);
    try {
      await make("data/db", "cache");
    } finally {
      Deno.umask(umask);
    }
    for (const path of ["", "/data", "/data/db", "/cache"]) {
      strictEqual(await modeOf(`${home}${path}`), "d755", path);
    }
  }));

Deno.test("the service's own folder is made even when nothing below it is mounted", () =>
  withRoot(async ({ home, make }) => {
    await make();
    deepStrictEqual(await namesIn(home), []);
  }));

Deno.test("the service's own folder can be mounted itself", () =>
  withRoot(async ({ home, make }) => {
    await make("");
    deepStrictEqual(await namesIn(home), []);
  }));

Deno.test("folders and files that exist are left as they are", () =>
  withRoot(async ({ home, make }) => {
    await Deno.mkdir(`${home}/data`, { recursive: true, mode: 0o700 });
    await Deno.writeTextFile(`${home}/app.toml`, "a = 1", { mode: 0o600 });
    await make("data", "data", "app.toml");
    strictEqual(await modeOf(`${home}/data`), "d700");
    strictEqual(await Deno.readTextFile(`${home}/app.toml`), "a = 1");
  }));

Deno.test("a missing path that looks like a file is not made, and said to be missing", () =>
  withRoot(async ({ home, make }) => {
    await rejects(make("conf/app.toml"), {
      kind: "not_found",
      message: `Cannot mount ${home}/conf/app.toml: there is no such file or folder`,
      hint: "Put it there with `mcp push`, or make the folder by hand",
    });
    deepStrictEqual(await namesIn(`${home}/conf`), []);
  }));

Deno.test("a dot in a folder on the way does not make it a file", () =>
  withRoot(async ({ home, make }) => {
    await make("conf.d/extra");
    strictEqual((await modeOf(`${home}/conf.d/extra`))[0], "d");
  }));

for (
  const [given, at, path] of [
    ["first", "data", "data/db/files"],
    ["in the middle", "data/db", "data/db/files"],
    ["last", "data/db/files", "data/db/files"],
  ] as const
) {
  for (
    const [kind, target] of [
      ["out of the service's folder", (outside: string) => outside],
      ["into another service's folder", (_: string, root: string) => `${root}/mail`],
      ["to a folder that only begins alike", (_: string, root: string) => `${root}/shop-data`],
      ["by way of the parent", () => "../".repeat(at.split("/").length) + "mail"],
      ["nowhere", (outside: string) => `${outside}/missing`],
      ["to itself", () => at.split("/").at(-1) ?? ""],
    ] as const
  ) {
    Deno.test(`a link that stands ${given} and leads ${kind} is refused, and nothing is made`, () =>
      withRoot(async ({ root, home, outside, make }) => {
        for (const name of ["mail", "shop-data"]) await Deno.mkdir(`${root}/${name}`);
        const parent = `${home}/${at}`.split("/").slice(0, -1).join("/");
        await Deno.mkdir(parent, { recursive: true });
        await Deno.symlink(target(outside, root), `${home}/${at}`);
        await rejects(make(path), (error) => {
          ok(error instanceof McpError, Deno.inspect(error));
          strictEqual(error.kind, "invalid");
          strictEqual(
            error.message,
            `Cannot mount ${home}/${path}: ${home}/${at} leads out of ${home}`,
          );
          return true;
        });
        for (const folder of [outside, `${root}/mail`, `${root}/shop-data`]) {
          deepStrictEqual(await namesIn(folder), []);
        }
      }));
  }
}

Deno.test("a link within the service's folder may be followed", () =>
  withRoot(async ({ home, make }) => {
    await Deno.mkdir(`${home}/v2`, { recursive: true });
    await Deno.symlink("v2", `${home}/current`);
    await make("current/data");
    deepStrictEqual(await namesIn(`${home}/v2`), ["data"]);
  }));

Deno.test("the service's folder itself may be a link, which only the operator can have made", () =>
  withRoot(async ({ home, outside, make }) => {
    await Deno.symlink(outside, home);
    await make("data");
    deepStrictEqual(await namesIn(outside), ["data"]);
  }));

for (const path of ["/etc/mcp", "../mail/data", "", "/srv"]) {
  Deno.test(`a path that is not below the service's folder is refused: ${JSON.stringify(path)}`, () =>
    withRoot(async ({ root }) => {
      const full = path.startsWith("/") ? path : `${root}/${path}`;
      await rejects(makeServiceFolders(root, "shop", [full]), { kind: "invalid" });
    }));
}

Deno.test("a file where a folder is needed is told", () =>
  withRoot(async ({ home, make }) => {
    await Deno.mkdir(home);
    await Deno.writeTextFile(`${home}/data`, "");
    await rejects(make("data/db"), (error) => {
      ok(error instanceof McpError, Deno.inspect(error));
      strictEqual(error.kind, "unavailable");
      match(error.message, /^Cannot (look at|make the folder) .*\/data\/db$/);
      return true;
    });
  }));

Deno.test("a root that does not exist is told, with what to check", () =>
  withRoot(async ({ root }) => {
    await rejects(makeServiceFolders(`${root}/missing`, "shop", []), {
      kind: "unavailable",
      message: `Cannot make the folder ${root}/missing/shop`,
      hint: `Check who owns ${root}/missing: the agent's user must be able to write there`,
    });
  }));
