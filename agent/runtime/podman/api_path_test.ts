import { deepStrictEqual, strictEqual } from "node:assert/strict";
import {
  containerPath,
  deathsPath,
  imagePath,
  listPath,
  pingPath,
  topPath,
  watchPath,
} from "./api_path.ts";

for (
  const [what, made, path] of [
    ["a sign of life", pingPath(), "/v4.0.0/libpod/_ping"],
    ["every container", listPath(), "/v4.0.0/libpod/containers/json?all=true"],
    ["a container", containerPath("shop-web"), "/v4.0.0/libpod/containers/shop-web/json"],
    [
      "processes, once",
      topPath("shop-web"),
      "/v4.0.0/libpod/containers/shop-web/top?ps_args=pid&stream=false",
    ],
    [
      "an image of a registry with a port",
      imagePath("127.0.0.1:5000/shop/web:v1"),
      "/v4.0.0/libpod/images/127.0.0.1%3A5000%2Fshop%2Fweb%3Av1/json",
    ],
    [
      "what would be another question",
      containerPath("../images/json?all=true#"),
      "/v4.0.0/libpod/containers/..%2Fimages%2Fjson%3Fall%3Dtrue%23/json",
    ],
  ] as const
) {
  Deno.test({
    name: `podman's service is asked for ${what}`,
    permissions: "none",
    fn: () => strictEqual(made, path),
  });
}

for (
  const [what, made, query] of [
    ["events to come", watchPath(), { stream: "true", filters: { type: ["container"] } }],
    [
      "deaths so far",
      deathsPath("ab12"),
      { stream: "false", since: "10m", filters: { container: ["ab12"], event: ["died"] } },
    ],
  ] as const
) {
  Deno.test({
    name: `podman's service is asked for ${what}`,
    permissions: "none",
    fn: () => {
      const { pathname, searchParams } = new URL(made, "http://podman");
      strictEqual(pathname, "/v4.0.0/libpod/events");
      const { filters = "", ...rest } = Object.fromEntries(searchParams);
      deepStrictEqual({ ...rest, filters: JSON.parse(filters) }, query);
    },
  });
}
