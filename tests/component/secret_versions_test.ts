/**
 * Secrets from a deploy to the container, on a real registry: versions, plans, the way back, and what
 * is removed when nobody needs it.
 */

import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import type { DeployResult } from "../../agent/change/rollout/deploy.ts";
import { listSecrets, rememberSecret } from "../../agent/registry/secrets.ts";
import type { ComponentSpec } from "../../lib/domain/component_spec.ts";
import type { SecretMount } from "../../lib/domain/secret_mount.ts";
import type { ServiceSpec } from "../../lib/domain/service_spec.ts";
import { errorChain, McpError } from "../../lib/errors.ts";
import { MemoryRuntime } from "../support/memory_runtime.ts";
import { ada, componentSpec, RolloutTrial, serviceSpec } from "../support/rollout_trial.ts";

const web1 = "registry.example/web:v1";
const web2 = "registry.example/web:v2";
const crash = "registry.example/crash:v1";
const api1 = "registry.example/api:v1";

function mount(name: string, change: Partial<SecretMount> = {}): SecretMount {
  return { name, target: `/run/secrets/${name}`, mode: 0o400, uid: 0, gid: 0, ...change };
}

const withKey = { secrets: [mount("key")] };
const shop = serviceSpec("shop", componentSpec("web", web1, withKey));

function withImage(image: string, change: Partial<ComponentSpec> = withKey): ServiceSpec {
  return serviceSpec("shop", componentSpec("web", image, change));
}

function values(texts: Readonly<Record<string, string>>): Map<string, Uint8Array> {
  const encoder = new TextEncoder();
  return new Map(Object.entries(texts).map(([name, text]) => [name, encoder.encode(text)]));
}

async function start(): Promise<RolloutTrial> {
  return await RolloutTrial.start((clock) => {
    const runtime = new MemoryRuntime({ clock, images: [web1, web2, api1] });
    runtime.publish(crash, { exit: { code: 1, afterMs: 100 } });
    return runtime;
  });
}

/** Rolls out as `mcp deploy` does, and gives the summaries and errors. */
async function deploy(
  trial: RolloutTrial,
  spec: ServiceSpec,
  texts: Readonly<Record<string, string>> = {},
  only?: string,
): Promise<string[]> {
  const options = { keepUnchanged: true, secrets: values(texts) };
  return said(await trial.rollout.deploy(spec, only, ada, options));
}

function said({ outcomes }: DeployResult): string[] {
  return outcomes.map(({ summary, error }) => summary === "" ? error : summary);
}

async function differences(
  trial: RolloutTrial,
  texts: Readonly<Record<string, string>>,
): Promise<string[]> {
  const options = { recreate: false, secrets: values(texts) };
  const { decisions } = await trial.rollout.plan(shop, undefined, options);
  return decisions.flatMap(({ action, differences }) => [
    action,
    ...differences.map(({ field, before, after }) => `${field}: ${before} > ${after}`),
  ]);
}

async function refusalOf(call: Promise<unknown>): Promise<McpError> {
  let refusal: unknown;
  await rejects(call, (error) => (refusal = error, true));
  ok(refusal instanceof McpError, Deno.inspect(refusal));
  return refusal;
}

const keyFile = "/run/secrets/key";

Deno.test("a secret is a file in the container; an unchanged one keeps its version and the container", async () => {
  await using trial = await start();
  deepStrictEqual(await deploy(trial, shop, { key: "one" }), ["created v1"]);
  strictEqual(trial.runtime.secretFile("shop-web", keyFile), "one");
  deepStrictEqual(trial.runtime.secrets, ["mcp.shop.key.1"]);
  trial.runtime.calls.length = 0;
  deepStrictEqual(await deploy(trial, shop, { key: "one" }), [
    "kept v1: it is as it was asked for",
  ]);
  deepStrictEqual(trial.runtime.secrets, ["mcp.shop.key.1"]);
  deepStrictEqual(trial.runtime.calls.filter((call) => /^(run|createSecret)/.test(call)), []);
});

Deno.test("a changed value is a new version and a new container; the version to go back to stays", async () => {
  await using trial = await start();
  for (const key of ["one", "two", "three", "four"]) await deploy(trial, shop, { key });
  strictEqual(trial.runtime.secretFile("shop-web", keyFile), "four");
  // Two good revisions are kept.
  deepStrictEqual(trial.runtime.secrets, ["mcp.shop.key.3", "mcp.shop.key.4"]);
  deepStrictEqual(
    said(await trial.rollout.rollBack("shop", 3, undefined, ada)),
    ["replaced v1"],
  );
  strictEqual(trial.runtime.secretFile("shop-web", keyFile), "three");
  const refusal = await refusalOf(trial.rollout.rollBack("shop", 1, undefined, ada));
  deepStrictEqual([refusal.kind, refusal.message, refusal.details], [
    "conflict",
    'Cannot go back to revision 1 of "shop": secrets are missing',
    ['web mounts the secret "key", and the version of that time is gone'],
  ]);
});

Deno.test("the number of a version is never given to another value", async () => {
  await using trial = await start();
  await deploy(trial, shop, { key: "one" });
  await deploy(trial, withImage(crash), { key: "two" });
  deepStrictEqual(trial.runtime.secrets, ["mcp.shop.key.1"]);
  await deploy(trial, shop, { key: "three" });
  deepStrictEqual(trial.runtime.secrets, ["mcp.shop.key.1", "mcp.shop.key.3"]);
  // Without the component nobody needs its secrets.
  await deploy(trial, serviceSpec("shop", componentSpec("api", api1)));
  deepStrictEqual(trial.runtime.secrets, []);
  await deploy(trial, shop, { key: "four" });
  deepStrictEqual(trial.runtime.secrets, ["mcp.shop.key.4"]);
});

Deno.test("a deploy that fails leaves the old container with the old value, and no new version", async () => {
  await using trial = await start();
  await deploy(trial, shop, { key: "one" });
  const [error = ""] = await deploy(trial, withImage(crash), { key: "two" });
  match(error, /the previous container is back/);
  strictEqual(trial.runtime.secretFile("shop-web", keyFile), "one");
  deepStrictEqual(trial.runtime.secrets, ["mcp.shop.key.1"]);
});

Deno.test("what has no value anywhere is refused before anything moves, all of it at once", async () => {
  await using trial = await start();
  await deploy(trial, shop, { key: "one" });
  const before = [await trial.containers(), trial.revisions("shop"), trial.runtime.secrets];
  const more = serviceSpec(
    "shop",
    componentSpec("web", web2, { secrets: [mount("key"), mount("salt")] }),
    componentSpec("api", api1, { secrets: [mount("tls"), mount("key")] }),
  );
  trial.runtime.calls.length = 0;
  for (
    const refused of [
      trial.rollout.deploy(more, undefined, ada, { secrets: values({ key: "two" }) }),
      trial.rollout.plan(more, undefined, { recreate: false }),
    ]
  ) {
    const { kind, message, details, hint } = await refusalOf(refused);
    deepStrictEqual([kind, message], ["conflict", 'Cannot deploy "shop": secrets are missing']);
    deepStrictEqual(details, [
      'web mounts the secret "salt", of which the node has no value',
      'api mounts the secret "tls", of which the node has no value',
    ]);
    match(hint ?? "", /file = …/);
  }
  deepStrictEqual(
    [await trial.containers(), trial.revisions("shop"), trial.runtime.secrets],
    before,
  );
  deepStrictEqual(trial.runtime.calls.filter((call) => !/^list/.test(call)), []);
});

Deno.test("a component alone gets its own secrets; without a value it keeps what it has", async () => {
  await using trial = await start();
  const both = serviceSpec(
    "shop",
    componentSpec("web", web1, withKey),
    componentSpec("api", api1, { secrets: [mount("key"), mount("tls")] }),
  );
  await deploy(trial, both, { key: "one", tls: "t" });
  await deploy(trial, both, { key: "two" }, "web");
  strictEqual(trial.runtime.secretFile("shop-web", keyFile), "two");
  strictEqual(trial.runtime.secretFile("shop-api", keyFile), "one");
  deepStrictEqual(await deploy(trial, both), [
    "kept v1: it is as it was asked for",
    "kept v1: it is as it was asked for",
  ]);
});

Deno.test("a plan tells that a secret has changed, and never how", async () => {
  await using trial = await start();
  deepStrictEqual(await differences(trial, { key: "one" }), [
    "create",
    `image:  > ${web1}`,
    'secrets.key:  > {"target":"/run/secrets/key","uid":0,"gid":0,"mode":"0400"}',
  ]);
  strictEqual(trial.runtime.secrets.length, 0);
  await deploy(trial, shop, { key: "one" });
  deepStrictEqual(await differences(trial, { key: "one" }), ["keep"]);
  deepStrictEqual(await differences(trial, { key: "two" }), [
    "replace",
    "secrets.key: version 1 > changed",
  ]);
  deepStrictEqual(trial.runtime.secrets, ["mcp.shop.key.1"]);
  await deploy(trial, shop, { key: "two" });
  deepStrictEqual(await differences(trial, { key: "one" }), [
    "replace",
    "secrets.key: version 2 > version 1",
  ]);
});

Deno.test("a plan holds for the values it was made with, and for no others", async () => {
  await using trial = await start();
  await deploy(trial, shop, { key: "one" });
  const plan = async (key: string) =>
    (await trial.rollout.plan(shop, undefined, { recreate: false, secrets: values({ key }) }))
      .planId;
  const planId = await plan("two");
  strictEqual(await plan("two"), planId);
  const roll = (key: string) =>
    trial.rollout.deploy(shop, undefined, ada, {
      keepUnchanged: true,
      planId,
      secrets: values({ key }),
    });
  const { message, details } = await refusalOf(roll("three"));
  match(message, /does not hold any more/);
  deepStrictEqual(details, ["a secret of web is another"]);
  deepStrictEqual(trial.runtime.secrets, ["mcp.shop.key.1"]);
  deepStrictEqual(said(await roll("two")), ["replaced v1"]);
});

Deno.test("a container that is made again gets the version it was deployed with", async () => {
  await using trial = await start();
  await deploy(trial, shop, { key: "one" });
  await deploy(trial, withImage(crash), { key: "two" });
  trial.runtime.removeByHand("shop-web");
  const [started] = await trial.rollout.start("shop", ada);
  strictEqual(started?.summary, "created again v1");
  strictEqual(trial.runtime.secretFile("shop-web", keyFile), "one");
});

Deno.test("a version that was removed by hand does not make a start mount somebody else's secret", async () => {
  await using trial = await start();
  await deploy(trial, shop, { key: "one" });
  trial.runtime.keepByHand("key", "somebody else's");
  trial.runtime.loseSecret("mcp.shop.key.1");
  trial.runtime.removeByHand("shop-web");
  const [started] = await trial.rollout.start("shop", ada);
  match(started?.error ?? "", /no secret with name or id "mcp\.shop\.key\.1"/);
  // A deploy with the value heals it, under a new number.
  deepStrictEqual(await deploy(trial, shop, { key: "one" }), ["created v1"]);
  deepStrictEqual(trial.runtime.secrets, ["key", "mcp.shop.key.2"]);
});

Deno.test("an agent that is killed leaves a version behind, which the next deploy removes", async () => {
  await using trial = await start();
  await deploy(trial, shop, { key: "one" });
  trial.runtime.keepByHand("mcp.shop.key.2", "never remembered");
  deepStrictEqual(await deploy(trial, shop, { key: "two" }), ["replaced v1"]);
  deepStrictEqual(trial.runtime.secrets, ["mcp.shop.key.1", "mcp.shop.key.3"]);
  strictEqual(trial.runtime.secretFile("shop-web", keyFile), "two");
});

Deno.test("a runtime that cannot keep a secret refuses the deploy, and nothing has moved", async () => {
  await using trial = await start();
  await deploy(trial, shop, { key: "one" });
  const before = trial.revisions("shop");
  trial.runtime.fail("createSecret");
  const refusal = await refusalOf(deploy(trial, shop, { key: "two" }));
  match(errorChain(refusal), /podman is out of order/);
  deepStrictEqual(trial.revisions("shop"), before);
  deepStrictEqual(await trial.containers(), ["shop-web running v1"]);
});

Deno.test("a version that cannot be removed does not fail the deploy, and goes with the next", async () => {
  await using trial = await start();
  for (const key of ["one", "two"]) await deploy(trial, shop, { key });
  trial.runtime.fail("removeSecret");
  deepStrictEqual(await deploy(trial, shop, { key: "three" }), ["replaced v1"]);
  strictEqual(trial.runtime.secrets.length, 3);
  trial.runtime.heal();
  await trial.secrets.prune();
  deepStrictEqual(trial.runtime.secrets, ["mcp.shop.key.2", "mcp.shop.key.3"]);
});

Deno.test("a secret that somebody made by hand is forgotten when nobody needs it, and not removed", async () => {
  await using trial = await start();
  trial.runtime.keepByHand("key", "made by hand");
  const found = { service: "shop", name: "key", version: 1, runtimeName: "key", hmac: "" };
  rememberSecret(trial.registry, found, trial.clock.now());
  await trial.secrets.prune();
  deepStrictEqual(listSecrets(trial.registry, "shop"), []);
  deepStrictEqual(trial.runtime.secrets, ["key"]);
});

Deno.test("pruning leaves a service alone that is being rolled out", async () => {
  await using trial = await start();
  await deploy(trial, shop, { key: "one" });
  const hold = trial.runtime.hold("run");
  const underWay = deploy(trial, shop, { key: "two" });
  await hold.reached;
  await trial.secrets.prune();
  deepStrictEqual(trial.runtime.secrets, ["mcp.shop.key.1", "mcp.shop.key.2"]);
  hold.release();
  deepStrictEqual(await underWay, ["replaced v1"]);
});

Deno.test("the registry holds no value, and no hash that could be had without the node's key", async () => {
  await using trial = await start();
  await deploy(trial, shop, { key: "one" });
  const [row] = trial.registry.all("SELECT * FROM secret_versions");
  match(String(row?.["hmac"]), /^[0-9a-f]{64}$/);
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode("one"));
  ok(row?.["hmac"] !== new Uint8Array(digest).toHex());
  strictEqual((await Deno.stat(trial.folder.at("secrets.key"))).mode! & 0o777, 0o600);
  // With another key every value counts as another one.
  await Deno.remove(trial.folder.at("secrets.key"));
  await trial.startAgain();
  deepStrictEqual(await deploy(trial, shop, { key: "one" }), ["replaced v1"]);
  deepStrictEqual(trial.runtime.secrets, ["mcp.shop.key.1", "mcp.shop.key.2"]);
});
