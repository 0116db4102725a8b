import { strictEqual } from "node:assert/strict";
import { renderJson } from "./json.ts";

Deno.test({
  name: "renderJson() leaves nothing in the text that a terminal would obey",
  permissions: "none",
  fn() {
    const name = "a\u001b[2J\u009b31m\u007f\u202eb";
    const text = renderJson({ name });
    strictEqual(text, '{\n  "name": "a\\u001b[2J\\u009b31m\\u007f\\u202eb"\n}\n');
    strictEqual(JSON.parse(text).name, name);
  },
});
