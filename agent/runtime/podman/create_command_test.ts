import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { readCreateCommand } from "./create_command.ts";

/** The words after "podman run", and what was asked. */
const cases: readonly (readonly [string, readonly string[], Record<string, readonly string[]>])[] =
  [
    ["nothing", ["image"], {}],
    ["values behind an equals sign and behind a space", ["--env=A=b=c", "--env", "D=e", "image"], {
      env: ["A=b=c", "D=e"],
    }],
    ["a value that looks like a flag", ["--env", "--init", "image"], { env: ["--init"] }],
    ["switches before the image", ["--init", "--rm", "image", "--tty"], {
      init: ["true"],
      rm: ["true"],
    }],
    ["a switch that is off", ["--init=false", "--read-only=true", "image"], {
      "read-only": ["true"],
    }],
    ["short flags", ["-d", "-p80:80", "-p", "81:81", "-v=a:/a", "image", "-e", "X"], {
      detach: ["true"],
      publish: ["80:80", "81:81"],
      volume: ["a:/a"],
    }],
    ["short flags together", ["-itu", "1000", "-de", "A=b", "image"], {
      interactive: ["true"],
      tty: ["true"],
      user: ["1000"],
      detach: ["true"],
      env: ["A=b"],
    }],
    ["an old name", ["--net=host", "image"], { network: ["host"] }],
    ["the end of all flags", ["--rm", "--", "image"], { rm: ["true"] }],
  ];
for (const [given, words, flags] of cases) {
  Deno.test({
    name: `readCreateCommand() given ${given}`,
    permissions: "none",
    fn: () => {
      for (
        const begin of [["podman", "run"], ["podman", "--remote", "--url=x", "container", "create"]]
      ) {
        const asked = readCreateCommand([...begin, ...words]);
        deepStrictEqual(
          Object.fromEntries((asked?.flags ?? []).map((flag) => [flag, asked?.values(flag)])),
          flags,
        );
      }
    },
  });
}

Deno.test({
  name: "readCreateCommand() knows nothing of what was made through the API or from a file",
  permissions: "none",
  fn: () => {
    strictEqual(readCreateCommand([]), undefined);
    strictEqual(readCreateCommand(["podman", "kube", "play", "x.yaml"]), undefined);
  },
});
