import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { decodeUsage, type ProcessUsage, wakeUps } from "./process_usage.ts";

const status = "Name:\tsome\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";

Deno.test({
  name: "decodeUsage() reads past a name with brackets and spaces in it",
  permissions: "none",
  fn: () => {
    const stat = "17 (a) b (c) S 1 17 17 0 -1 4194560 1 2 3 4 150 50 9 9 20 0 3 0 100";
    const threads = { "17": "voluntary_ctxt_switches:\t40\nnonvoluntary_ctxt_switches:\t7\n" };
    deepStrictEqual(decodeUsage(status, stat, threads), {
      processes: 1,
      rssBytes: 1_048_576,
      peakRssBytes: 2_097_152,
      cpuMs: 2_000,
      waits: { "17": 40 },
    });
  },
});

Deno.test({
  name: "wakeUps() counts on when threads end and begin",
  permissions: "none",
  fn: () => {
    const looks = [{ "1": 10, "2": 500 }, { "1": 15, "3": 4 }, { "1": 16, "3": 4 }].map((waits) =>
      ({ waits }) as unknown as ProcessUsage
    );
    strictEqual(wakeUps(looks), 5 + 4 + 1);
  },
});
