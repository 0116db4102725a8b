import { deepStrictEqual, match, rejects, strictEqual } from "node:assert/strict";
import { maxSecretBytes } from "../../lib/domain/secret_mount.ts";
import { McpError } from "../../lib/errors.ts";
import type { ExecOptions, ExecResult } from "../../lib/system/exec.ts";
import { readSecretValues } from "./secret_values.ts";
import type { SecretOrigin, Sources } from "./sources.ts";

/** A workstation with some files and commands. */
class Desk {
  readonly warnings: string[] = [];
  readonly ran: string[] = [];
  readonly files: Record<string, { content: Uint8Array; mode: number }> = {};
  readonly commands: Record<string, Partial<ExecResult>> = {};

  put(path: string, content: string | Uint8Array, mode = 0o600): this {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    this.files[path] = { content: bytes, mode };
    return this;
  }

  answer(line: string, result: Partial<ExecResult>): this {
    this.commands[line] = result;
    return this;
  }

  async read(
    origins: Readonly<Record<string, SecretOrigin | undefined>>,
    component?: string,
    sources: Partial<Sources> = {},
  ): Promise<[string, string][]> {
    const secrets = Object.entries(origins).map(([name, from], at) => ({
      component: "web",
      name,
      from,
      line: 10 + at,
    }));
    const file = "/home/ada/shop.toml";
    const values = await readSecretValues(
      {
        files: { readFile: (path) => Promise.resolve(this.files[path]) },
        exec: (argv, options) => this.#run(argv, options),
        interrupted: new AbortController().signal,
        warn: (text) => this.warnings.push(text),
      },
      { file, envFiles: [], secrets, ...sources },
      component,
    );
    return values.map(({ name, value }) => [name, new TextDecoder().decode(value)]);
  }

  /** Kind and details of a refusal. */
  async refusal(origins: Readonly<Record<string, SecretOrigin>>): Promise<readonly string[]> {
    let told: readonly string[] = [];
    await rejects(this.read(origins), (error) => {
      if (!(error instanceof McpError)) return false;
      strictEqual(error.message, "Cannot read the secrets of /home/ada/shop.toml");
      told = error.details;
      return true;
    });
    return told;
  }

  #run(argv: readonly string[], { timeoutMs }: ExecOptions): Promise<ExecResult> {
    const line = argv.join(" ");
    this.ran.push(`${line} within ${timeoutMs / 1000} s`);
    const result = this.commands[line];
    if (result === undefined) {
      return Promise.reject(new McpError("unavailable", `Cannot run ${argv[0]}: it did not start`));
    }
    return Promise.resolve({ code: 0, stdout: "", stderr: "", ...result });
  }
}

Deno.test({
  name: "readSecretValues() takes a file beside the definition as it is, byte by byte",
  permissions: "none",
  fn: async () => {
    const desk = new Desk().put("/home/ada/secrets/key", "one\n\n").put("/etc/tls", "two");
    const origins = { key: { file: "secrets/key" }, tls: { file: "/etc/tls" } };
    deepStrictEqual(await desk.read(origins), [["key", "one\n\n"], ["tls", "two"]]);
    deepStrictEqual(desk.warnings, []);
  },
});

Deno.test({
  name: "readSecretValues() cuts one line end of what a command prints, and no more",
  permissions: "none",
  fn: async () => {
    const desk = new Desk().answer("pass show a", { stdout: "one\n\n" })
      .answer("/home/ada/bin/get b", { stdout: "two\r\n" })
      .answer("pass show c", { stdout: " three " });
    deepStrictEqual(
      await desk.read({
        a: { command: ["pass", "show", "a"] },
        b: { command: ["bin/get", "b"] },
        c: { command: ["pass", "show", "c"] },
      }),
      [["a", "one\n"], ["b", "two"], ["c", " three "]],
    );
    strictEqual(desk.ran[0], "pass show a within 30 s");
  },
});

Deno.test({
  name:
    "readSecretValues() reads each once, only what one component mounts, and nothing of the node's",
  permissions: "none",
  fn: async () => {
    const desk = new Desk().answer("get key", { stdout: "k" }).answer("get tls", { stdout: "t" });
    const key = { name: "key", line: 1, from: { command: ["get", "key"] } };
    const sources = {
      secrets: [
        { ...key, component: "web" },
        { ...key, component: "api", from: undefined },
        { component: "web", name: "tls", line: 2, from: { command: ["get", "tls"] } },
        { component: "api", name: "old", line: 3, from: undefined },
      ],
    };
    deepStrictEqual(await desk.read({}, "api", sources), [["key", "k"]]);
    deepStrictEqual(desk.ran.length, 1);
    deepStrictEqual(await desk.read({}, undefined, sources), [["key", "k"], ["tls", "t"]]);
    deepStrictEqual(
      await readSecretValues(
        {
          files: { readFile: () => Promise.reject() },
          exec: () => Promise.reject(),
          interrupted: AbortSignal.abort(),
          warn: () => {},
        },
        undefined,
        undefined,
      ),
      [],
    );
  },
});

Deno.test({
  name: "readSecretValues() warns of a file that others can read",
  permissions: "none",
  fn: async () => {
    const desk = new Desk().put("/home/ada/key", "one", 0o640).put("/home/ada/tls", "two", 0o604);
    await desk.read({ key: { file: "key" }, tls: { file: "tls" } });
    deepStrictEqual(desk.warnings, [
      "others can read the secret /home/ada/key; `chmod 600 /home/ada/key` keeps them out",
      "others can read the secret /home/ada/tls; `chmod 600 /home/ada/tls` keeps them out",
    ]);
  },
});

Deno.test({
  name: "readSecretValues() tells all that cannot be read at once, and no value of what can",
  permissions: "none",
  fn: async () => {
    const desk = new Desk().put("/home/ada/good", "hidden")
      .put("/home/ada/empty", "")
      .answer("fails", { code: 2, stdout: "hidden\n", stderr: "1\n2\n3\nno such entry\n" })
      .answer("binary", { stdout: "hidden\ufffd" })
      .answer("large", { stdout: "x".repeat(maxSecretBytes + 1) })
      .answer("silent", { stdout: "\n" });
    const refusal = await desk.refusal({
      good: { file: "good" },
      gone: { file: "gone" },
      empty: { file: "empty" },
      fails: { command: ["fails"] },
      absent: { command: ["absent"] },
      binary: { command: ["binary"] },
      large: { command: ["large"] },
      silent: { command: ["silent"] },
    });
    deepStrictEqual(refusal, [
      '/home/ada/shop.toml:11: secret "gone": there is no file /home/ada/gone',
      '/home/ada/shop.toml:12: secret "empty": it is empty',
      '/home/ada/shop.toml:13: secret "fails": fails ended with exit code 2',
      "  2",
      "  3",
      "  no such entry",
      '/home/ada/shop.toml:14: secret "absent": Cannot run absent: it did not start',
      '/home/ada/shop.toml:15: secret "binary": what binary printed is no text in UTF-8; use a file',
      `/home/ada/shop.toml:16: secret "large": it holds ${maxSecretBytes + 1} bytes, and ` +
      `${maxSecretBytes} are the limit`,
      '/home/ada/shop.toml:17: secret "silent": it is empty',
    ]);
    match(refusal.join(), /^(?!.*hidden)/s);
  },
});
