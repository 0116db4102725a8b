/**
 * `deno run -A tests/machine/enter.ts [PROGRAM…]` — boots a machine, runs a program or a shell in it
 * as root, then forgets the machine.
 *
 * Needs every permission: it starts programs as root, mounts, and connects.
 *
 * @module
 */

import { Machine, userEnvironment } from "./machine.ts";

if (import.meta.main) {
  await using machine = await Machine.boot({ tell });
  const { inside, outside } = machine.addresses;
  tell(`The machine is at ${inside}, this system at ${outside}; its disk is ${machine.disk("/")}`);
  const argv = Deno.args.length > 0 ? Deno.args : ["bash"];
  const [program = "", ...args] = machine.enter(argv);
  const env = { ...userEnvironment, TERM: Deno.env.get("TERM") ?? "dumb" };
  // Ctrl-C is for the program in there.
  Deno.addSignalListener("SIGINT", () => {});
  const child = new Deno.Command(program, { args, cwd: "/", clearEnv: true, env }).spawn();
  Deno.exitCode = (await child.status).code;
}

function tell(line: string): void {
  // deno-lint-ignore no-console -- an entry: what is said to people goes to stderr
  console.error(line);
}
