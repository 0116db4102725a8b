import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { log, startLog } from "./log.ts";

Deno.test({
  name: "startLog() writes one JSON line per record, with its properties",
  permissions: "none",
  fn: async () => {
    const lines: string[] = [];
    {
      const write = (line: string) => lines.push(line);
      await using _log = await startLog({ level: "info", format: "json", write });
      log.rollout.info("Deployed {service}", { service: "mcr", tookMs: 12 });
      log.rollout.debug("not asked for");
    }
    log.rollout.info("after the end");
    strictEqual(lines.length, 1);
    match(lines[0] ?? "", /^\{.*\}\n$/);
    const { message, level, logger, properties, ...rest } = JSON.parse(lines[0] ?? "");
    const { service, tookMs } = { ...properties, ...rest };
    deepStrictEqual([message, level, logger, service, tookMs], [
      "Deployed mcr",
      "INFO",
      "mcp.rollout",
      "mcr",
      12,
    ]);
  },
});

for (const format of ["text", "color"] as const) {
  Deno.test({
    name: `startLog() writes one line per record as ${format}`,
    permissions: "none",
    fn: async () => {
      const lines: string[] = [];
      const write = (line: string) => lines.push(line);
      await using _log = await startLog({ level: "debug", format, write });
      log.podman.debug("podman ps");
      strictEqual(lines.length, 1);
      match(lines[0] ?? "", /podman ps.*\n$/);
    },
  });
}

for (const format of ["text", "color", "json"] as const) {
  Deno.test({
    name: `startLog() breaks no line by what is told, and lets no terminal obey it, as ${format}`,
    permissions: "none",
    fn: async () => {
      const lines: string[] = [];
      const write = (line: string) => lines.push(line);
      await using _log = await startLog({ level: "debug", format, write });
      log.podman.warn("podman said {reason}", { reason: "one\nWARN two\u001b[2J\u009b2J" });
      strictEqual(lines.length, 1);
      strictEqual(lines[0]?.split("\n").length, 2);
      match(lines[0] ?? "", /podman said .*one\\+nWARN two\\+u001b\[2J/);
    },
  });
}
