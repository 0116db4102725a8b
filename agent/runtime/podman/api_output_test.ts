import { deepStrictEqual, match, ok, strictEqual, throws } from "node:assert/strict";
import { McpError } from "../../../lib/errors.ts";
import {
  hasAnyProcess,
  parseLastServiceDeath,
  parseRefusal,
  parseSecretNames,
  parseServiceEvent,
  versionOfHead,
} from "./api_output.ts";
import { parseImages, parseInspections, parseListing, parseStoredImages } from "./output.ts";

/** What the service of podman 4.3.1 answered. */
const answers: Readonly<Record<string, { readonly status: number; readonly text: string }>> = JSON
  .parse(
    await Deno.readTextFile(
      new URL("../../../tests/fixtures/podman/4.3/api_answers.json", import.meta.url),
    ),
  );

function textOf(name: string): string {
  const found = answers[name];
  ok(found !== undefined, `nothing is captured as ${name}`);
  return found.text;
}

const container = "4cf794dbfc44d4e8b35b654d7390a144111feeb4c9344c331b00c7cc84da7e41";
const image = "d1c55218d2930c6432c0e34f61dc92653e2fdba87f0577ec7da1dfbe76582c64";

Deno.test({
  name: "parseListing() reads the containers that podman's service tells",
  permissions: "none",
  fn: () => {
    const [web, job, made, ...others] = parseListing(textOf("list"));
    strictEqual(others.length, 0);
    deepStrictEqual({ ...web, labels: undefined }, {
      id: container,
      name: "shop-web",
      image: "localhost/tiny:v1",
      imageId: image,
      status: "running",
      exitCode: undefined,
      startedAt: new Date("2026-11-20T15:35:41Z"),
      labels: undefined,
    });
    strictEqual(web?.labels["mcp.component"], "web");
    deepStrictEqual([job?.name, job?.status, job?.exitCode], ["shop-job", "exited", 7]);
    deepStrictEqual([made?.status, made?.startedAt], ["created", undefined]);
    deepStrictEqual(parseListing(textOf("list_none")), []);
  },
});

Deno.test({
  name: "containers and images that podman's service tells one by one are read as a list",
  permissions: "none",
  fn: () => {
    const detail = parseInspections(`[${textOf("container")}]`).get("shop-web");
    deepStrictEqual([detail?.id, detail?.status, detail?.imageId], [container, "running", image]);
    const [found] = parseImages(`[${textOf("image")}]`);
    strictEqual(found?.id, image);
    ok(found.names.includes("localhost/tiny:v1"));
    const stored = parseStoredImages(textOf("images")).find(({ id }) => id === image);
    deepStrictEqual([stored?.names, stored?.digest], [["localhost/tiny:v1"], found.digest]);
  },
});

Deno.test({
  name: "versionOfHead() and parseSecretNames() read what podman's service tells",
  permissions: "none",
  fn: () => {
    strictEqual(versionOfHead({ server: "x", "libpod-api-version": "4.3.1" }), "4.3.1");
    throws(() => versionOfHead({ "api-version": "1.41" }), { kind: "unavailable" });
    deepStrictEqual(parseSecretNames(textOf("secrets")), new Set(["mcp.shop.password.1"]));
    for (const none of [textOf("secrets_none"), "null"]) {
      deepStrictEqual(parseSecretNames(none), new Set());
    }
  },
});

Deno.test({
  name: "parseServiceEvent() reads what happened to containers of podman 4.3",
  permissions: "none",
  fn: () => {
    const events = textOf("lives").trim().split("\n").map(parseServiceEvent);
    const job = events.filter(({ container }) => container === "shop-job");
    deepStrictEqual(job.map(({ status, exitCode }) => [status, exitCode]), [
      ["create", undefined],
      ["init", undefined],
      ["start", undefined],
      ["died", 7],
      ["cleanup", undefined],
    ]);
    match(job.at(-1)?.at.toISOString() ?? "", /^2026-11-20T15:35:41\.\d{3}Z$/);
  },
});

const died = {
  Type: "container",
  Action: "died",
  Actor: { ID: "ab", Attributes: { name: "web", containerExitCode: "137" } },
  time: 1_795_187_904,
  timeNano: 1_795_187_904_307_146_087,
};

Deno.test({
  name: "parseServiceEvent() reads events of podman 5, which leave out what they lack",
  permissions: "none",
  fn: () => {
    const at = new Date(1_795_187_904_307);
    deepStrictEqual(parseServiceEvent(JSON.stringify(died)), {
      container: "web",
      status: "died",
      at,
      exitCode: 137,
    });
    const start = { ...died, Action: "start", Actor: { ID: "ab", Attributes: { name: "web" } } };
    deepStrictEqual(parseServiceEvent(JSON.stringify(start)), {
      container: "web",
      status: "start",
      at,
      exitCode: undefined,
    });
    // A label is an attribute as well.
    const labelled = { name: "web", containerExitCode: "none" };
    const odd = { ...start, Actor: { ID: "ab", Attributes: labelled } };
    strictEqual(parseServiceEvent(JSON.stringify(odd)).exitCode, undefined);
  },
});

for (
  const [given, line] of [
    ["no JSON", "<html>"],
    ["no actor", JSON.stringify({ ...died, Actor: null })],
    ["no time", JSON.stringify({ ...died, timeNano: undefined })],
    ["a time beyond all times", JSON.stringify({ ...died, timeNano: 1e300 })],
    [
      "an exit code that is none",
      JSON.stringify({ ...died, Actor: { Attributes: { name: "web", containerExitCode: "x" } } }),
    ],
  ] as const
) {
  Deno.test({
    name: `parseServiceEvent() refuses ${given}`,
    permissions: "none",
    fn: () =>
      throws(() => parseServiceEvent(line), (error) => {
        ok(error instanceof McpError, String(error));
        strictEqual(error.kind, "unavailable");
        return true;
      }),
  });
}

for (
  const [given, answer, exitCode] of [
    ["podman 4.3", textOf("deaths"), 7],
    ["no death", textOf("deaths_none"), undefined],
    [
      "two deaths",
      `${textOf("deaths")}${JSON.stringify(died)}\n`,
      137,
    ],
  ] as const
) {
  Deno.test({
    name: `parseLastServiceDeath() given ${given}`,
    permissions: "none",
    fn: () => strictEqual(parseLastServiceDeath(answer), exitCode),
  });
}

for (
  const [given, answer, has] of [
    ["a container that runs", textOf("top"), true],
    ["a container that has ended", textOf("top_ended"), false],
    ["a table without a line", '{"Processes":null,"Titles":["PID"]}', false],
  ] as const
) {
  Deno.test({
    name: `hasAnyProcess() given ${given}`,
    permissions: "none",
    fn: () => strictEqual(hasAnyProcess(answer), has),
  });
}

for (
  const [given, answer, reason] of [
    [
      "an absent container",
      textOf("container_absent"),
      /^no container with name or ID "nobody" found: no such container$/,
    ],
    ["an absent image", textOf("image_absent"), /image not known$/],
    ["a question it cannot read", textOf("no_filter"), /^failed to parse parameters for /],
    ["a path it does not know", textOf("no_such_path"), /^$/],
    ["a cause alone", '{"cause":"no space"}', /^no space$/],
    ["JSON of another shape", "[1]", /^$/],
  ] as const
) {
  Deno.test({
    name: `parseRefusal() given ${given}`,
    permissions: "none",
    fn: () => match(parseRefusal(answer), reason),
  });
}
