import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { SecretVersion } from "../../registry/secrets.ts";
import {
  chooseSecrets,
  leftBehind,
  nextVersion,
  type SecretChoice,
  type SecretStock,
  type SecretUser,
} from "./choose.ts";

function known(version: number, hmac: string, runtimeName = `mcp.shop.key.${version}`) {
  return { service: "shop", name: "key", version, runtimeName, hmac } satisfies SecretVersion;
}

const two = [known(1, "aa"), known(2, "bb")];

function stock(
  versions: readonly SecretVersion[],
  change: { readonly hmac?: string; readonly kept?: readonly string[] } = {},
): SecretStock {
  return {
    service: "shop",
    known: versions,
    kept: new Set(change.kept ?? versions.map(({ runtimeName }) => runtimeName)),
    hmacs: new Map(change.hmac === undefined ? [] : [["key", change.hmac]]),
  };
}

function user(change: Partial<SecretUser> = {}): SecretUser {
  return { component: "web", secrets: ["key"], deployed: undefined, past: undefined, ...change };
}

const deployed = (version: number) => ({ versions: { key: version }, byHand: [] });
const past = (version: number) => ({ revision: 7, versions: { key: version } });
const version = (version: number): SecretChoice => ({ kind: "version", version });
const found = (runtimeName: string): SecretChoice => ({ kind: "found", runtimeName });

/** What is chosen; undefined = it is missing. */
const rows: readonly (readonly [string, SecretUser, SecretStock, SecretChoice | undefined])[] = [
  ["a value that nobody had", user(), stock(two, { hmac: "cc" }), { kind: "new", hmac: "cc" }],
  ["the newest value", user(), stock(two, { hmac: "bb" }), version(2)],
  ["an earlier value", user({ deployed: deployed(2) }), stock(two, { hmac: "aa" }), version(1)],
  [
    "a value whose version was removed by hand",
    user(),
    stock(two, { hmac: "bb", kept: ["mcp.shop.key.1"] }),
    { kind: "new", hmac: "bb" },
  ],
  [
    "a value and a version of which none was known",
    user(),
    stock([known(1, "")], { hmac: "aa" }),
    { kind: "new", hmac: "aa" },
  ],
  ["no value", user(), stock(two), version(2)],
  ["no value, and one that runs", user({ deployed: deployed(1) }), stock(two), version(1)],
  [
    "no value, and one that runs whose version was removed by hand",
    user({ deployed: deployed(1) }),
    stock(two, { kept: ["mcp.shop.key.2"] }),
    version(2),
  ],
  ["no value and no version", user(), stock([]), undefined],
  ["no value and no version that is left", user(), stock(two, { kept: [] }), undefined],
  [
    "no value and another service's version",
    user(),
    stock([], { kept: ["mcp.web.key.1"] }),
    undefined,
  ],
  [
    "no value, and versions of a registry that is lost",
    user(),
    stock([], { kept: ["mcp.shop.key.2", "mcp.shop.key.11", "mcp.shop.key2.30"] }),
    found("mcp.shop.key.11"),
  ],
  ["no value, and somebody's own", user(), stock([], { kept: ["key"] }), undefined],
  [
    "no value, and somebody's own, which the adopted container has",
    user({ deployed: { versions: {}, byHand: ["key"] } }),
    stock([], { kept: ["key"] }),
    found("key"),
  ],
  ["a revision", user({ past: past(1), deployed: deployed(2) }), stock(two), version(1)],
  ["a revision, and a value", user({ past: past(1) }), stock(two, { hmac: "bb" }), version(1)],
  [
    "a revision whose version is not known any more",
    user({ past: past(1) }),
    stock([known(2, "bb")]),
    undefined,
  ],
  [
    "a revision whose version was removed by hand",
    user({ past: past(1) }),
    stock(two, { kept: ["mcp.shop.key.2"] }),
    undefined,
  ],
];
for (const [given, who, from, expected] of rows) {
  Deno.test({
    name: `chooseSecrets() given ${given}`,
    permissions: "none",
    fn: () => {
      const { chosen, missing } = chooseSecrets([who], from);
      deepStrictEqual(chosen.get("web")?.get("key"), expected);
      const isMissing = { component: "web", secret: "key", revision: who.past?.revision };
      deepStrictEqual(missing, expected === undefined ? [isMissing] : []);
    },
  });
}

Deno.test({
  name: "chooseSecrets() tells all that is missing at once, and nothing of what is there",
  permissions: "none",
  fn: () => {
    const users = [
      user({ secrets: ["key", "salt"] }),
      user({ component: "api", secrets: ["tls"] }),
    ];
    deepStrictEqual(
      chooseSecrets(users, stock(two)).missing.map(({ component, secret }) => [component, secret]),
      [["web", "salt"], ["api", "tls"]],
    );
  },
});

for (
  const [given, secret, last, kept, expected] of [
    ["none before", "key", 0, [], 1],
    ["versions before", "key", 2, ["mcp.shop.key.1", "mcp.shop.key.2"], 3],
    ["a version before that is gone", "key", 7, [], 8],
    ["what a lost registry has left", "key", 1, ["mcp.shop.key.9", "mcp.shop.keys.20"], 10],
  ] as const
) {
  Deno.test({
    name: `nextVersion() given ${given}`,
    permissions: "none",
    fn: () =>
      strictEqual(nextVersion(secret, last, { service: "shop", kept: new Set(kept) }), expected),
  });
}

Deno.test({
  name: "leftBehind() is what is older than a known version of that very secret, and ours",
  permissions: "none",
  fn: () => {
    const kept = ["1", "2", "3", "4"].map((version) => `mcp.shop.key.${version}`);
    const others = ["mcp.shop.salt.1", "mcp.web.key.1", "key", "mcp.shop.key"];
    deepStrictEqual(
      leftBehind({ service: "shop", known: [known(3, "cc")], kept: new Set([...kept, ...others]) }),
      ["mcp.shop.key.1", "mcp.shop.key.2"],
    );
  },
});
