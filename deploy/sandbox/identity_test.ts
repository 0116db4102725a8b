import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { type AccountFiles, chooseIdentity, withIdentity } from "./identity.ts";

const empty: AccountFiles = { passwd: "", group: "", subuid: "", subgid: "" };

Deno.test({
  name: "chooseIdentity() skips numbers that a user or a group has",
  permissions: "none",
  fn: () => {
    const accounts = { ...empty, passwd: "a:x:59007:100::/:/bin/sh\n", group: "b:x:59008:\n" };
    strictEqual(chooseIdentity(accounts, 7).id, 59_009);
  },
});

Deno.test({
  name: "chooseIdentity() starts subordinate ids behind every range that is taken",
  permissions: "none",
  fn: () => {
    const accounts = { ...empty, subuid: "a:100000:65536\n", subgid: "a:9000000:65536\n" };
    strictEqual(chooseIdentity(accounts, 0).subordinateStart, 9_065_536);
  },
});

Deno.test({
  name: "chooseIdentity() gives different slots ranges that do not overlap",
  permissions: "none",
  fn: () => {
    const [one, two] = [chooseIdentity(empty, 3), chooseIdentity(empty, 4)];
    strictEqual(two.subordinateStart - one.subordinateStart, 65_536);
  },
});

Deno.test({
  name: "chooseIdentity() refuses when every number is taken",
  permissions: "none",
  fn: () => {
    const group = Array.from({ length: 999 }, (_, index) => `g:x:${59_000 + index}:`).join("\n");
    throws(() => chooseIdentity({ ...empty, group }, 5), /are all taken/);
  },
});

Deno.test({
  name: "withIdentity() takes the place of an mcp user that exists",
  permissions: "none",
  fn: () => {
    const accounts = {
      ...empty,
      passwd: "root:x:0:0::/root:/bin/sh\nmcp:x:999:999::/srv:/bin/sh\n",
    };
    const identity = { name: "mcp", id: 59_001, subordinateStart: 6_200_000 };
    deepStrictEqual(withIdentity(accounts, identity, "/home/mcp"), {
      passwd: "root:x:0:0::/root:/bin/sh\nmcp:x:59001:59001::/home/mcp:/usr/sbin/nologin\n",
      group: "mcp:x:59001:\n",
      subuid: "mcp:6200000:65536\n",
      subgid: "mcp:6200000:65536\n",
    });
  },
});
