import { deepStrictEqual } from "node:assert/strict";
import { accountOf, lentTo, overlapping, parseAccounts, parseLentIds } from "./accounts.ts";

const mcp = { name: "mcp", uid: 995, home: "/var/lib/mcp" };

Deno.test({
  name: "parseAccounts() and parseLentIds() leave out lines that are none",
  permissions: "none",
  fn: () => {
    const passwd =
      "root:x:0:0:root:/root:/bin/bash\n# no user\nmcp:x:995:995:MCP agent:/var/lib/mcp:/usr/sbin/nologin\nx:y\n";
    deepStrictEqual(parseAccounts(passwd), [{ name: "root", uid: 0, home: "/root" }, mcp]);
    deepStrictEqual(parseLentIds("mcp:200000:65536\n\nmcp:many:2\n# mcp:1:1:1\nalice:1\n"), [
      { owner: "mcp", start: 200_000, count: 65_536 },
      { owner: "# mcp", start: 1, count: 1 },
    ]);
  },
});

const lent = parseLentIds("alice:100000:65536\nmcp:200000:65536\n995:300000:10\nbob:265535:1\n");

Deno.test({
  name: "lentTo() finds a user by name and by number, overlapping() who else has the same",
  permissions: "none",
  fn: () => {
    deepStrictEqual(lentTo(mcp, lent).map(({ start }) => start), [200_000, 300_000]);
    deepStrictEqual(overlapping(mcp, lent).map(({ owner }) => owner), ["bob"]);
    deepStrictEqual(overlapping({ ...mcp, name: "alice", uid: 1000 }, lent), []);
  },
});

for (
  const [given, userIds, account] of [
    [
      "the ids that are lent to mcp",
      [{ start: 995, count: 1 }, { start: 200_000, count: 65_536 }],
      { name: "mcp", uid: 995, home: "" },
    ],
    ["ids that are lent to nobody", [{ start: 995, count: 1 }, { start: 1, count: 1 }], undefined],
    [
      "ids that are lent to a number",
      [{ start: 995, count: 1 }, { start: 300_000, count: 10 }],
      undefined,
    ],
    ["a rootful podman", [], undefined],
  ] as const
) {
  Deno.test({
    name: `accountOf() given ${given}`,
    permissions: "none",
    fn: () => deepStrictEqual(accountOf({ userIds }, lent), account),
  });
}
