import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { isName } from "../../lib/domain/names.ts";
import { convertedName, NameConverter } from "./converted_name.ts";

Deno.test({
  name: "convertedName() makes a name of anything",
  permissions: "none",
  fn() {
    for (const text of ["my_app.web", "Ünïcode", "---", "", "a".repeat(200), "-a_", "🦕"]) {
      ok(isName(convertedName(text, "component")), text);
    }
    strictEqual(convertedName("my_app.web", "component"), "my-app-web");
  },
});

Deno.test({
  name: "NameConverter gives no name twice",
  permissions: "none",
  fn() {
    const converter = new NameConverter();
    const names = ["web_1", "web-1", "web.1", "_", "."].map((text) =>
      converter.convert(text, "component")
    );
    deepStrictEqual(names, ["web-1", "web-1-2", "web-1-3", "component", "component-2"]);
  },
});
