import { ok, strictEqual } from "node:assert/strict";
import { isOurs, stamped } from "./own_file.ts";

Deno.test({
  name: "a stamped text is ours, and no longer when anything in it is changed",
  permissions: "none",
  fn: () => {
    const text = stamped('[engine]\nevents_logger = "file"\n');
    ok(text.endsWith('[engine]\nevents_logger = "file"\n'));
    strictEqual(isOurs(text), true);
    strictEqual(isOurs(text.replace("file", "journald")), false);
    strictEqual(isOurs(`${text}\n`), false);
    strictEqual(isOurs("[engine]\n"), false);
    strictEqual(isOurs(""), false);
  },
});
