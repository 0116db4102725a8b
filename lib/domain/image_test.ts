import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { imageVersion, isLocalImage, parseImage } from "./image.ts";

const hex = "0123456789abcdef".repeat(4);
const digest = `sha256:${hex}`;

for (
  const [text, repository, tag, sum] of [
    ["nginx", "nginx", undefined, undefined],
    ["nginx:1.27", "nginx", "1.27", undefined],
    ["library/nginx", "library/nginx", undefined, undefined],
    ["registry.example/metacrypt:v2", "registry.example/metacrypt", "v2", undefined],
    ["registry.example:5000/a/b/c:v2", "registry.example:5000/a/b/c", "v2", undefined],
    ["registry.example:5000/metacrypt", "registry.example:5000/metacrypt", undefined, undefined],
    ["127.0.0.1:5000/a:b", "127.0.0.1:5000/a", "b", undefined],
    ["[::1]:5000/a:b", "[::1]:5000/a", "b", undefined],
    ["localhost/built-here:latest", "localhost/built-here", "latest", undefined],
    [`a/b@${digest}`, "a/b", undefined, digest],
    [`a/b:v1@${digest}`, "a/b", "v1", digest],
    ["a__b.c-d---e:_x", "a__b.c-d---e", "_x", undefined],
    [`a:${"t".repeat(128)}`, "a", "t".repeat(128), undefined],
  ] as const
) {
  Deno.test({
    name: `parseImage() takes ${text.slice(0, 60)} apart`,
    permissions: "none",
    fn: () => deepStrictEqual({ ...parseImage(text) }, { repository, tag, digest: sum }),
  });
}

for (
  const text of [
    "",
    ":v1",
    "@" + digest,
    "-nginx",
    "--privileged",
    "a/-b",
    "Nginx",
    "a/B",
    "a//b",
    "a/",
    "/a",
    "a:",
    "a:-b",
    `a:${"t".repeat(129)}`,
    "a@sha256:short",
    `a@sha512:${hex}`,
    `a@${digest.toUpperCase()}`,
    "a b",
    "a\n",
    "a\0",
    "a$(id)",
    "docker://a/b",
    "dir:/etc",
    "../a",
    "a..b",
    "a_-b",
    "a".repeat(513),
  ]
) {
  Deno.test({
    name: `parseImage() refuses ${JSON.stringify(text).slice(0, 60)}`,
    permissions: "none",
    fn: () => strictEqual(parseImage(text), undefined),
  });
}

for (
  const [text, expected] of [
    ["registry.example:5000/metacrypt:v1.7.0", "v1.7.0"],
    ["registry.example:5000/metacrypt", ""],
    [`metacrypt@${digest}`, "0123456789ab"],
    [`metacrypt:v1@${digest}`, "v1"],
    ["not an image", ""],
  ] as const
) {
  Deno.test({
    name: `imageVersion() of ${text.slice(0, 40)} is ${JSON.stringify(expected)}`,
    permissions: "none",
    fn: () => strictEqual(imageVersion(text), expected),
  });
}

for (
  const [text, expected] of [
    ["localhost/a", true],
    ["localhost:5000/a", false],
    ["localhost.example/a", false],
    ["a/localhost/b", false],
  ] as const
) {
  Deno.test({
    name: `isLocalImage() is ${expected} given ${text}`,
    permissions: "none",
    fn: () => strictEqual(isLocalImage(text), expected),
  });
}
