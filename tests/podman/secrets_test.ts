/**
 * Secrets with real podman, by itself and through its API service: what the container sees of them,
 * new versions, the way back, and that no value is anywhere it does not belong.
 */

import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Podman } from "../../agent/runtime/podman/podman.ts";
import { realClock } from "../../lib/system/clock.ts";
import { realExec } from "../../lib/system/exec.ts";
import { realFollow } from "../../lib/system/follow.ts";
import type { RollOutResponse, SecretMountSchema } from "../../proto/gen/mcp/v1/mcp_pb.ts";
import {
  openPodmanPlace,
  podman,
  type PodmanPlace,
  TrialService,
} from "../support/podman_trial.ts";
import { type PodmanService, startPodmanService } from "../support/podman_service.ts";
import { QuietLogs } from "../support/quiet_logs.ts";
import { scripts } from "../support/script_images.ts";
import { ample, type NodeClient, TestNode } from "../support/test_node.ts";

/** What is not as usual. */
interface More {
  readonly image?: string;
  /** Values that are no text. */
  readonly bytes?: Readonly<Record<string, Uint8Array<ArrayBuffer>>>;
  readonly revision?: number;
  readonly recreate?: boolean;
}

/** A node with real podman, and a service whose only component stays up. */
interface Trial {
  readonly node: TestNode<Podman, typeof realClock>;
  readonly client: NodeClient;
  readonly service: TrialService;
  readonly logs: QuietLogs;
  /** Rolls out with these mounts and values; the summary, or the error. */
  rollOut(
    mounts: readonly MessageInitShape<typeof SecretMountSchema>[],
    values: Readonly<Record<string, string>>,
    more?: More,
  ): Promise<string>;
  /** What a command in the container prints. */
  inside(...command: readonly string[]): Promise<string>;
  /** The podman secrets of the service, sorted. */
  kept(): Promise<string[]>;
}

let place: PodmanPlace;
let stays: string;
let crashes: string;
let api: PodmanService;
Deno.test.beforeAll(async () => {
  place = await openPodmanPlace();
  stays = await place.scripts.publish("secret-stays", "v1", scripts.stays);
  crashes = await place.scripts.publish("secret-crashes", "v1", "exit 3\n");
  api = await startPodmanService();
});
Deno.test.afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
});

function secretTest(name: string, prove: (trial: Trial) => Promise<void>): void {
  for (const how of ["by itself", "through its API service"]) {
    Deno.test(`podman ${how}: ${name}`, async () => {
      await using logs = await QuietLogs.start();
      await using service = new TrialService();
      await using node = await startNode(how === "by itself" ? undefined : api.url);
      try {
        await prove(trialOf(node, service, logs));
      } finally {
        for (const left of await keptOf(service)) await podman("secret", "rm", left);
      }
    });
  }
}

async function startNode(podmanUrl: string | undefined): Promise<Trial["node"]> {
  return await TestNode.start({
    runtime: new Podman({
      exec: realExec,
      follow: realFollow,
      target: { program: "podman", url: podmanUrl },
      pullTimeoutMs: 30_000,
    }),
    clock: realClock,
    config: `[rollout]\nsettle = "500ms"\nstop_timeout = "1s"`,
    agentConfig: "keep_revisions = 2",
  });
}

function trialOf(node: Trial["node"], service: TrialService, logs: QuietLogs): Trial {
  const client = node.client();
  return {
    node,
    client,
    service,
    logs,
    async rollOut(secrets, values, more = {}) {
      const { image = stays, bytes = {}, revision = 0, recreate = false } = more;
      const encoded = Object.entries(values).map(([name, text]) =>
        [name, new TextEncoder().encode(text)] as const
      );
      const component = { name: service.name, image, secrets: [...secrets] };
      const events: RollOutResponse[] = [];
      const request = {
        service: { name: service.name, active: true, components: [component] },
        secrets: [...encoded, ...Object.entries(bytes)].map(([name, value]) => ({ name, value })),
        revision,
        recreate,
      };
      for await (const event of client.rollOut(request, ample)) events.push(event);
      const [result] = events.at(-1)?.results ?? [];
      return result?.success === true ? result.summary : result?.error ?? "no result";
    },
    async inside(...command) {
      return await podman("exec", service.name, ...command);
    },
    kept: async () => await keptOf(service),
  };
}

async function keptOf({ name }: TrialService): Promise<string[]> {
  const names = await podman("secret", "ls", "--format={{.Name}}");
  return names.split("\n").filter((each) => each.startsWith(`mcp.${name}.`)).sort();
}

/** Values of this run, so that nothing from another one is found. */
const value = (word: string) => `${word}-${crypto.randomUUID()}`;

secretTest("a secret is a file with its value, mode and owner, and nothing else", async (trial) => {
  const key = `${value("first")}\nwith "two" lines\n`;
  const mounts = [
    { name: "key" },
    { name: "cert", target: "/etc/cert.pem", mode: 0o440, uid: 33, gid: 34 },
  ];
  strictEqual(await trial.rollOut(mounts, { key, cert: "c" }), "created v1");
  strictEqual(await trial.inside("cat", "/run/secrets/key"), key);
  strictEqual(
    await trial.inside("stat", "-c", "%a %u %g %n", "/run/secrets/key", "/etc/cert.pem"),
    "400 0 0 /run/secrets/key\n440 33 34 /etc/cert.pem\n",
  );
  deepStrictEqual(await trial.kept(), [
    `mcp.${trial.service.name}.cert.1`,
    `mcp.${trial.service.name}.key.1`,
  ]);
  const whole = await podman("container", "inspect", trial.service.name);
  ok(!whole.includes(key.slice(0, 20)), "inspect shows it");
  ok(!trial.logs.text.includes(key.slice(0, 20)), "the log shows it");
  match(trial.logs.text, /secret create mcp\./);
  const registry = new TextDecoder("latin1").decode(await Deno.readFile(trial.node.registryPath));
  ok(!registry.includes(key.slice(0, 20)), "the registry holds it");
  const { drift } = await trial.client.getServiceStatus({ name: trial.service.name }, ample);
  deepStrictEqual(drift, []);
});

secretTest("bytes that are no text arrive as they are", async (trial) => {
  const bytes = Uint8Array.from({ length: 256 }, (_, at) => at);
  await trial.rollOut([{ name: "key" }], {}, { bytes: { key: bytes } });
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
  match(await trial.inside("sha256sum", "/run/secrets/key"), new RegExp(`^${digest} `));
});

secretTest(
  "an unchanged value keeps the container; another one replaces it; the old one comes back",
  async (trial) => {
    const { service } = trial;
    const mounts = [{ name: "key" }];
    const [one, two, three] = [value("one"), value("two"), value("three")];
    const id = async () => await service.inspect(service.name, "{{.Id}}");
    await trial.rollOut(mounts, { key: one });
    const first = await id();
    match(await trial.rollOut(mounts, { key: one }), /^kept/);
    strictEqual(await id(), first);
    match(await trial.rollOut(mounts, {}), /^kept/);

    strictEqual(await trial.rollOut(mounts, { key: two }), "replaced v1");
    strictEqual(await trial.inside("cat", "/run/secrets/key"), two);
    strictEqual(await trial.rollOut(mounts, { key: three }), "replaced v1");
    const kept = (...versions: readonly number[]) =>
      versions.map((version) => `mcp.${service.name}.key.${version}`);
    deepStrictEqual(await trial.kept(), kept(2, 3));

    strictEqual(await trial.rollOut(mounts, {}, { revision: 4 }), "replaced v1");
    strictEqual(await trial.inside("cat", "/run/secrets/key"), two);
    deepStrictEqual(await trial.kept(), kept(2, 3));
  },
);

secretTest("a deploy that fails puts the old container back, with its value", async (trial) => {
  const { service } = trial;
  const mounts = [{ name: "key" }];
  const one = value("one");
  await trial.rollOut(mounts, { key: one });
  const error = await trial.rollOut(mounts, { key: value("two") }, { image: crashes });
  match(error, /the previous container (is back|still serves)/);
  strictEqual(await trial.inside("cat", "/run/secrets/key"), one);
  deepStrictEqual(await trial.kept(), [`mcp.${service.name}.key.1`]);
});

secretTest(
  "a container keeps its file when podman's secret is gone, also over a restart",
  async (trial) => {
    const { service, client } = trial;
    const one = value("one");
    await trial.rollOut([{ name: "key" }], { key: one });
    await podman("secret", "rm", `mcp.${service.name}.key.1`);
    const { results } = await client.restartService({ name: service.name }, ample);
    deepStrictEqual(results.map(({ error }) => error), [""]);
    strictEqual(await trial.inside("cat", "/run/secrets/key"), one);
  },
);

secretTest("another version mounted by hand is drift, and shows no value", async (trial) => {
  const { service, client } = trial;
  const mounts = [{ name: "key" }];
  await trial.rollOut(mounts, { key: value("one") });
  await trial.rollOut(mounts, { key: value("two") });
  const labels = await service.inspect(service.name, '{{index .Config.Labels "mcp.revision"}}');
  await podman("rm", "--force", "--time=0", service.name);
  await podman(
    ...["run", "--detach", `--name=${service.name}`, `--label=mcp.service=${service.name}`],
    ...[`--label=mcp.component=${service.name}`, `--label=mcp.revision=${labels}`],
    ...["--label=mcp.node=rift", "--restart=unless-stopped"],
    `--secret=mcp.${service.name}.key.1,type=mount,target=/run/secrets/key,mode=0400`,
    stays,
  );
  const { drift } = await client.getServiceStatus({ name: service.name }, ample);
  deepStrictEqual(
    drift.flatMap(({ fields }) =>
      fields.map(({ field, deployed, declared }) => [field, deployed, declared])
    ),
    [["secrets.key", "version 1", "version 2"]],
  );
});

secretTest(
  "an adopted container's own secret is taken as it is, and removing takes ours only",
  async (trial) => {
    const { service, client } = trial;
    const foreign = service.name;
    const own = value("foreign");
    const { code } = await realExec(["podman", "secret", "create", foreign, "-"], {
      timeoutMs: 300_000,
      stdin: own,
    });
    strictEqual(code, 0);
    try {
      await podman("run", "--detach", `--name=${service.name}`, `--secret=${foreign}`, stays);
      const { results } = await client.adoptContainer({ service: service.name }, ample);
      deepStrictEqual(results.map(({ unexpressed }) => unexpressed), [[]]);
      const mounts = [{ name: foreign, mode: 0o444 }];
      strictEqual(await trial.rollOut(mounts, {}, { recreate: true }), "replaced v1");
      strictEqual(await trial.inside("cat", `/run/secrets/${foreign}`), own);
      await trial.rollOut(mounts, { [foreign]: value("ours") });
      const removal = await client.removeService({ name: service.name }, ample);
      ok(removal.removed.includes(`secret ${foreign}`), removal.removed.join(", "));
      deepStrictEqual(await trial.kept(), []);
      ok((await podman("secret", "ls", "--format={{.Name}}")).split("\n").includes(foreign));
    } finally {
      await podman("secret", "rm", foreign);
    }
  },
);
