import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { openNix } from "../support/nix.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const module = `${root}deploy/nix/mcp-agent.nix`;

let reason = "";
const nix = await openNix((told) => reason = told);
const ignore = nix === undefined;
if (ignore) {
  Deno.test.ignore(`the NixOS module is not evaluated, as there is no nix: ${reason}`, () => {});
}

/** What the module comes to, as far as a test looks at it. */
interface Evaluated {
  readonly options: readonly string[];
  readonly units: Readonly<Record<string, { readonly text: string; readonly wantedBy: string[] }>>;
  readonly rules: readonly string[];
  readonly user: { readonly home: string; readonly linger: boolean; readonly uid: number };
  readonly scripts: readonly string[];
}

async function evaluate(settings: string): Promise<Evaluated> {
  if (nix === undefined) throw new Error(reason);
  const { success, stdout, complaint } = await nix([
    ...["--eval", "--strict", "--json", "--arg", "settings", settings],
    `${root}tests/fixtures/nix/evaluate.nix`,
  ]);
  ok(success, complaint);
  return JSON.parse(stdout);
}

Deno.test({
  name: "the NixOS module is nix",
  ignore,
  fn: async () => {
    const parsed = await nix?.(["--parse", module]);
    strictEqual(parsed?.success, true, parsed?.complaint ?? "");
  },
});

Deno.test({
  name: "the NixOS module takes every unit from the node's files, and changes paths only",
  ignore,
  fn: async () => {
    const { units } = await evaluate("null");
    const shipped = await Array.fromAsync(Deno.readDir(`${root}deploy/node/systemd`));
    deepStrictEqual(Object.keys(units).sort(), shipped.map(({ name }) => name).sort());
    for (const [name, { text, wantedBy }] of Object.entries(units)) {
      const original = await Deno.readTextFile(`${root}deploy/node/systemd/${name}`);
      const expected = original.replaceAll("@UID@", "979")
        .replaceAll("/usr/local/bin/mcp-agent", "/nix/store/mcp-agent/bin/mcp-agent")
        .replaceAll("/usr/bin/podman", "/nix/store/podman/bin/podman")
        .replaceAll("/usr/bin/true", "/nix/store/coreutils/bin/true")
        .replaceAll("/bin/kill", "/nix/store/procps/bin/kill");
      ok(text.startsWith(expected), name);
      const started = /^WantedBy=(.*)$/m.exec(original)?.[1];
      deepStrictEqual(wantedBy, started === undefined ? [] : [started], name);
      // There are no such folders on NixOS.
      ok(!/^(Exec|Condition)\w*=\/(usr|bin)\//m.test(text), name);
    }
    match(
      units["mcp-agent.service"]?.text ?? "",
      /^ConditionPathExists=\/srv\/mcp\/mcp-agent\.toml$/m,
    );
    match(units["mcp-podman.service"]?.text ?? "", /^Environment=PATH=\/run\/wrappers\/bin:/m);
    match(units["mcp-containers.service"]?.text ?? "", /^X-RestartIfChanged=false$/m);
  },
});

Deno.test({
  name: "the NixOS module makes the user, the folders and podman's settings",
  ignore,
  fn: async () => {
    const { rules, user, scripts } = await evaluate("null");
    deepStrictEqual([user.home, user.linger, user.uid], ["/var/lib/mcp", true, 979]);
    const shipped = (await Deno.readTextFile(`${root}deploy/node/tmpfiles.d/mcp.conf`)).split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"));
    deepStrictEqual(rules.slice(0, shipped.length), shipped);
    for (const name of ["containers.conf", "storage.conf"]) {
      ok(
        rules.some((rule) => rule.startsWith(`L+ /var/lib/mcp/.config/containers/${name} `)),
        name,
      );
    }
    match(scripts.join("\n"), / init --config \/srv\/mcp\/mcp-agent\.toml --node-name rift /);
  },
});

Deno.test({
  name: "the NixOS module puts a config into its place when it is given one",
  ignore,
  fn: async () => {
    const linked = (rules: readonly string[]) =>
      rules.filter((rule) => rule.startsWith("L+ /srv/mcp/mcp-agent.toml "));
    strictEqual(linked((await evaluate("null")).rules).length, 0);
    strictEqual(linked((await evaluate('{ log.level = "debug"; }')).rules).length, 1);
  },
});
