/**
 * All the ways in which a deploy does not go well, with real podman and the real `mcp`: each ends in
 * the verdict, the exit code and the sentence that tell the truth, and leaves the service no worse.
 *
 * Running out of memory is not among them: the machines that this runs on have no memory controller
 * for podman. It is tried with the runtime that stands in for podman.
 *
 * @module
 */

import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { freePort } from "../../deploy/sandbox/free_port.ts";
import { openRegistries, type Registries } from "../support/broken_registries.ts";
import {
  DeployTrial,
  type Fate,
  requireSaid,
  Stage,
  verdictsIn,
  type Written,
} from "../support/failure_trial.ts";
import { eventually } from "../support/eventually.ts";
import { openPodmanPlace, podman, type PodmanPlace } from "../support/podman_trial.ts";
import { startPodmanService } from "../support/podman_service.ts";
import { QuietLogs } from "../support/quiet_logs.ts";
import { ProcessNode } from "../support/agent_process.ts";
import { type Outcome, type RunOptions, Workstation } from "../support/workstation.ts";

const opened = new AsyncDisposableStack();
let place: PodmanPlace;
let registries: Registries;
let stages: Readonly<Record<"ordinary" | "privileged" | "brief" | "hasty", Stage>>;
Deno.test.beforeAll(async () => {
  opened.use(await QuietLogs.start());
  place = opened.use(await openPodmanPlace());
  registries = opened.use(await openRegistries());
  // So that the hasty one need not fetch it.
  await podman("pull", "--quiet", place.web.v1);
  // Long enough that what ends early is seen to end; who says that it is well is believed at once.
  const times = `[rollout]\nsettle = "8s"\nstop_timeout = "1s"`;
  stages = {
    ordinary: opened.use(await Stage.open(times)),
    privileged: opened.use(await Stage.open(times, `allow = ["host_mounts"]`)),
    /** Does not wait for jobs. */
    brief: opened.use(await Stage.open(`${times}\njob_timeout = "1s"`)),
    /** Does not wait for image registries. */
    hasty: opened.use(await Stage.open(`[rollout]\nsettle = "500ms"\npull_timeout = "2s"\n`)),
  };
});
Deno.test.afterAll(async () => await opened[Symbol.asyncDispose]());

const waits = `trap "exit 0" TERM; while :; do sleep 1000; done & wait $!`;
const serves = "httpd -p 8080 -h /www;";
const times = { interval: "100ms", retries: 2, start_period: "800ms", timeout: "5s" };
const http = (path: string, change = {}) => ({ http: path, port: 8080, ...times, ...change });
/** For what will be well: it is waited for long. */
const well = http("/", { start_period: "300s", timeout: "60s" });
/** The server must have had time to begin, or else it is told that nobody listens. */
const begun = { start_period: "4s" };
/** What serves before a deploy. */
const served = (trial: DeployTrial) => trial.web("v1", { healthcheck: well });

interface Scenario {
  readonly given: string;
  readonly node?: keyof typeof stages;
  /** What runs before; a web server of version 1 unless it is said. */
  readonly before?: (trial: DeployTrial) => readonly Written[];
  /** What is done to the node before the deploy. */
  readonly meanwhile?: (trial: DeployTrial) => Promise<unknown>;
  readonly next: (trial: DeployTrial) => readonly Written[] | Promise<readonly Written[]>;
  /** What is run, when it is not a deploy of all. */
  readonly command?: string;
  /** The verdict of each component; none where the deploy was refused. */
  readonly ends: Readonly<Record<string, string>>;
  readonly code: number;
  readonly says: readonly RegExp[];
  readonly after: Readonly<Record<string, Fate>>;
  /** What is not as it should be afterwards; nothing unless it is said. */
  readonly drift?: readonly string[];
  /** What happens to the service's container "web" as soon as it is watched. */
  readonly meddle?: (container: string) => Promise<unknown>;
}

const nothing = () => [];

const scenarios: readonly Scenario[] = [
  // Images.
  {
    given: "an image that no registry has",
    next: (t) => [t.web("v2", { image: `${place.registry}/nothing:v1` })],
    ends: { web: "failed" },
    code: 8,
    says: [/Cannot pull the image ".*nothing:v1": .*manifest unknown.*; nothing was changed/],
    after: { web: "untouched" },
  },
  {
    given: "a tag that is not there",
    next: (t) => [t.web("v2", { image: place.web.v2.replace(/v2$/, "v3") })],
    ends: { web: "failed" },
    code: 8,
    says: [/hello-web:v3": .*manifest unknown.*; nothing was changed/],
    after: { web: "untouched" },
  },
  {
    given: "a digest that the registry does not have any more",
    next: async (t) => [t.web("v2", { image: await registries.forget(await publishWeb(t)) })],
    ends: { web: "failed" },
    code: 8,
    says: [/Cannot pull the image ".*@sha256:.*manifest unknown.*; nothing was changed/],
    after: { web: "untouched" },
  },
  {
    given: "a registry that is down",
    next: (t) => [t.web("v2", { image: `${registries.down}/web:v1` })],
    ends: { web: "failed" },
    code: 8,
    says: [/Cannot pull the image .*connection refused; nothing was changed/],
    after: { web: "untouched" },
  },
  {
    given: "a registry that answers rubbish",
    next: (t) => [t.web("v2", { image: `${registries.rubbish}/web:v1` })],
    ends: { web: "failed" },
    code: 8,
    says: [/Cannot pull the image .*; nothing was changed/],
    after: { web: "untouched" },
  },
  {
    given: "a registry that does not answer",
    node: "hasty",
    before: (t) => [t.web("v1", { pull: "never", healthcheck: well })],
    next: (t) => [t.web("v2", { image: `${registries.silent}/web:v1` })],
    ends: { web: "timed out" },
    code: 8,
    says: [/Cannot pull the image .*: no answer within 2 s; nothing was changed/],
    after: { web: "untouched" },
  },
  {
    given: "a registry that wants a password",
    next: (t) => [t.web("v2", { image: `${registries.closed}/web:v1` })],
    ends: { web: "failed" },
    code: 8,
    says: [/Cannot pull the image .*(authentication required|unauthorized).*; nothing was changed/],
    after: { web: "untouched" },
  },
  {
    given: "an image without its registry",
    next: (t) => [t.web("v2", { image: "no-such-short-name:v1" })],
    ends: { web: "failed" },
    code: 8,
    says: [/Cannot pull the image "no-such-short-name:v1": .*short-name.*; nothing was changed/],
    after: { web: "untouched" },
  },
  {
    given: "an image that is never pulled and not there",
    next: (t) => [t.web("v2", { image: `${registries.down}/web:v1`, pull: "never" })],
    ends: { web: "failed" },
    code: 8,
    says: [/web:v1" is not on the node; nothing was changed/],
    after: { web: "untouched" },
  },
  {
    given: "an image that is on the node, of a registry that is down",
    meanwhile: () => registries.putOnNode(place.web.v2, `${registries.down}/here:v2`),
    next: (t) => [t.web("v2", { image: `${registries.down}/here:v2`, pull: "missing" })],
    ends: { web: "running" },
    code: 0,
    says: [/replaced v1 by v2/],
    after: { web: "new" },
  },
  {
    given: "the same image, pulled always",
    meanwhile: () => registries.putOnNode(place.web.v2, `${registries.down}/there:v2`),
    next: (t) => [t.web("v2", { image: `${registries.down}/there:v2` })],
    ends: { web: "failed" },
    code: 8,
    says: [/connection refused; nothing was changed/],
    after: { web: "untouched" },
  },

  // What podman cannot start.
  {
    given: "a program for another machine",
    next: async (t) =>
      [
        t.web("v2", { image: await publishWeb(t, 'RUN ["/bin/chmod", "755", "/www/index.html"]') }),
      ].map((web) => ({ ...web, cmd: ["/www/index.html"], restart: "no" })),
    // podman has started it by then: what could not be run is told by its log.
    ends: { web: "crashed" },
    code: 8,
    says: [/it ended with exit code 1; the previous container is back/, /\| .*exec format error/i],
    after: { web: "back" },
  },
  {
    given: "a command that is not there",
    next: (t) => [t.web("v2", { cmd: ["/no/such/program"] })],
    ends: { web: "failed" },
    code: 8,
    says: [/\/no\/such\/program.*; the previous container is back/],
    after: { web: "back" },
  },
  {
    given: "an entrypoint that is not there",
    next: (t) => [t.web("v2", { entrypoint: ["/no/entry"], cmd: ["x"] })],
    ends: { web: "failed" },
    code: 8,
    says: [/\/no\/entry.*; the previous container is back/],
    after: { web: "back" },
  },
  {
    given: "a command that may not be run",
    next: (t) => [t.web("v2", { cmd: ["/www/index.html"] })],
    ends: { web: "failed" },
    code: 8,
    says: [/permission denied.*; the previous container is back/i],
    after: { web: "back" },
  },
  {
    given: "a user that the image does not have",
    next: (t) => [t.web("v2", { user: "nobody-here" })],
    ends: { web: "failed" },
    code: 8,
    says: [/unable to find user nobody-here.*; the previous container is back/],
    after: { web: "back" },
  },
  {
    given: "a working directory that the image does not have",
    next: (t) => [t.web("v2", { workdir: "/no/folder" })],
    ends: { web: "failed" },
    code: 8,
    says: [/\/no\/folder.*; the previous container is back/],
    after: { web: "back" },
  },
  {
    given: "a network that does not exist",
    next: (t) => [t.web("v2", { network: "no-such-network" })],
    ends: { web: "failed" },
    code: 8,
    says: [/network not found.*; the previous container is back/],
    after: { web: "back" },
  },
  {
    given: "a folder of the node that does not exist",
    node: "privileged",
    next: (t) => [t.web("v2", { volumes: ["/no/such/folder:/data"] })],
    ends: { web: "failed" },
    code: 8,
    says: [/\/no\/such\/folder.*; the previous container is back/],
    after: { web: "back" },
  },
  {
    given: "a file mounted over a folder",
    meanwhile: async (t) => {
      await Deno.mkdir(t.folder, { recursive: true });
      await Deno.writeTextFile(`${t.folder}/file`, "");
    },
    next: (t) => [t.web("v2", { volumes: [`${t.folder}/file:/www`] })],
    ends: { web: "failed" },
    code: 8,
    says: [/not a directory.*; the previous container is back/i],
    after: { web: "back" },
  },
  {
    given: "two mounts at one place",
    meanwhile: (t) => Deno.mkdir(`${t.folder}/data`, { recursive: true }),
    next: (t) => [t.web("v2", { volumes: [`${t.folder}/data:/data`], tmpfs: ["/data"] })],
    ends: { web: "failed" },
    code: 8,
    says: [/\/data: duplicate mount destination; the previous container is back/],
    after: { web: "back" },
  },
  {
    given: "a port that another program has",
    next: (t) => {
      const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      t.besides.defer(() => taken.close());
      return [t.web("v2", { ports: [`127.0.0.1:${taken.addr.port}:8080`] })];
    },
    ends: { web: "failed" },
    code: 8,
    says: [/address already in use.*; the previous container still serves/i],
    after: { web: "untouched" },
  },
  {
    given: "a port that a container of another service has",
    meanwhile: async (t) => {
      const name = `${t.service}x`;
      const port = freePort();
      await podman(
        "run",
        "--detach",
        `--name=${name}`,
        `--publish=127.0.0.1:${port}:8080`,
        place.web.v1,
      );
      t.besides.defer(async () => void await podman("rm", "--force", "--time=0", name));
    },
    next: async (t) => {
      const port = (await podman("port", `${t.service}x`, "8080")).trim();
      return [t.web("v2", { ports: [`${port}:8080`] })];
    },
    ends: { web: "failed" },
    code: 8,
    says: [/address already in use.*; the previous container still serves/i],
    after: { web: "untouched" },
  },

  // What starts, and does not stay.
  {
    given: "a crash at its start",
    next: (t) => [t.script("echo no config; exit 1", { restart: "no" })],
    ends: { web: "crashed" },
    code: 8,
    says: [
      /did not stay up: it ended with exit code 1; the previous container is back/,
      /^ {4}\| no config$/m,
    ],
    after: { web: "back" },
  },
  {
    given: "a service that ends at once with exit code 0",
    next: (t) => [t.script("echo done", { restart: "no" })],
    ends: { web: "crashed" },
    code: 8,
    says: [/did not stay up: it ended with exit code 0; the previous container is back/],
    after: { web: "back" },
  },
  {
    given: "a process that is killed",
    next: (t) => [t.script("sh -c 'kill -9 $$'; exit $?", { restart: "no" })],
    ends: { web: "crashed" },
    code: 8,
    says: [/exit code 137 \(SIGKILL\); the previous container is back/],
    after: { web: "back" },
  },
  {
    given: "a process that reads where it may not",
    next: (t) => [t.script("sh -c 'kill -SEGV $$'; exit $?", { restart: "no" })],
    ends: { web: "crashed" },
    code: 8,
    says: [/exit code 139 \(SIGSEGV\); the previous container is back/],
    after: { web: "back" },
  },
  {
    given: "a crash before it is believed",
    next: (t) => [t.script("sleep 0.4; exit 6", { restart: "no" })],
    ends: { web: "crashed" },
    code: 8,
    says: [/it ended with exit code 6; the previous container is back/],
    after: { web: "back" },
  },
  {
    given: "a crash after two seconds",
    next: (t) => [t.script(`${serves} sleep 2; echo lost it; exit 7`, { restart: "no" })],
    ends: { web: "crashed" },
    code: 8,
    says: [/it ended with exit code 7; the previous container is back/, /\| lost it$/m],
    after: { web: "back" },
  },
  {
    given: "a crash again and again",
    next: (t) => [t.script("sleep 0.2; exit 8", { restart: "always" })],
    ends: { web: "crashed" },
    code: 8,
    says: [
      /it (crashed|ended) with exit code 8( and was restarted)?; the previous container is back/,
    ],
    after: { web: "back" },
  },
  {
    given: "a root that cannot be written to, and a program that writes",
    next: (t) => [t.script("echo x >/state || exit 9", { read_only: true, restart: "no" })],
    ends: { web: "crashed" },
    code: 8,
    says: [/exit code 9; the previous container is back/, /\| .*Read-only file system$/m],
    after: { web: "back" },
  },

  {
    given: "a container that somebody removes before it is believed",
    next: (t) => [t.web("v2")],
    meddle: (container) => podman("rm", "--force", "--time=0", container),
    ends: { web: "crashed" },
    code: 8,
    says: [
      /did not stay up: it (is gone|ended with exit code 137.*); the previous container is back/,
    ],
    after: { web: "back" },
  },
  {
    given: "a container that somebody stops before it is believed",
    next: (t) => [t.web("v2")],
    meddle: (container) => podman("stop", "--time=1", container),
    ends: { web: "crashed" },
    code: 8,
    says: [/did not stay up: it ended with exit code 0; the previous container is back/],
    after: { web: "back" },
  },
  {
    given: "a container that somebody restarts before it is believed",
    next: (t) => [t.web("v2")],
    // Between its stop and its start the agent may have noticed, and put the previous one back: then
    // the start fails, and the verdict is the same.
    meddle: (container) => podman("restart", "--time=1", container).catch(() => {}),
    ends: { web: "crashed" },
    code: 8,
    says: [/did not stay up: it .*; the previous container is back/],
    after: { web: "back" },
  },

  // What runs, and is not well.
  {
    given: "something that never listens, asked by http",
    next: (t) => [t.script(waits, { healthcheck: http("/") })],
    ends: { web: "timed out" },
    code: 8,
    says: [/did not become healthy within 1s: hung up on; the previous container is back/],
    after: { web: "back" },
  },
  {
    given: "something that never listens, asked by tcp",
    next: (t) => [t.script(waits, { healthcheck: { tcp: 8080, ...times } })],
    ends: { web: "timed out" },
    code: 8,
    says: [/did not become healthy within 1s: hung up on; the previous container is back/],
    after: { web: "back" },
  },
  {
    given: "a check on a path that is not there",
    next: (t) => [t.web("v2", { healthcheck: http("/nothing", begun) })],
    ends: { web: "unhealthy" },
    code: 8,
    says: [/is not healthy: HTTP 404.*; the previous container is back/],
    after: { web: "back" },
  },
  {
    given: "a check that is answered with an error",
    next: (t) => [t.script(answering("500 Out of order"), { healthcheck: http("/", begun) })],
    ends: { web: "unhealthy" },
    code: 8,
    says: [/is not healthy: HTTP 500.*; the previous container is back/],
    after: { web: "back" },
  },
  {
    given: "a check that is answered too late",
    next: (
      t,
    ) => [t.script(answering("200 OK", 3), { healthcheck: http("/", { timeout: "300ms" }) })],
    ends: { web: "timed out" },
    code: 8,
    says: [
      /did not become healthy .*: (no answer within 0\.3 s|hung up on); the previous container is back/,
    ],
    after: { web: "back" },
  },
  {
    given: "a check that is answered with another address",
    next: (t) => [t.script(answering("302 Found"), { healthcheck: well })],
    ends: { web: "healthy" },
    code: 0,
    says: [/replaced v1 by v2/],
    after: { web: "new" },
  },
  {
    given: "a crash while its check waits for it",
    next: (t) => [
      t.script("sleep 0.5; exit 4", { restart: "no", healthcheck: http("/", { retries: 50 }) }),
    ],
    ends: { web: "crashed" },
    code: 8,
    says: [/did not stay up: it ended with exit code 4; the previous container is back/],
    after: { web: "back" },
  },
  {
    given: "a check by a command that says no",
    next: (t) => [
      t.script(waits, { healthcheck: { exec: ["sh", "-c", "echo no db; exit 2"], ...times } }),
    ],
    ends: { web: "unhealthy" },
    code: 8,
    says: [/is not healthy: exit code 2: no db; the previous container is back/],
    after: { web: "back" },
  },
  {
    given: "a check by a command that is not there",
    next: (t) => [t.script(waits, { healthcheck: { exec: ["/no/check"], ...times } })],
    ends: { web: "unhealthy" },
    code: 8,
    says: [/is not healthy: .*\/no\/check.*; the previous container is back/],
    after: { web: "back" },
  },
  {
    given: "a slow start that its check has the patience for",
    next: (t) => [
      t.script(`sleep 1; ${serves} ${waits}`, { healthcheck: well }),
    ],
    ends: { web: "healthy" },
    code: 0,
    says: [/replaced v1 by v2/],
    after: { web: "new" },
  },

  // What is refused before anything moves.
  {
    given: "two components that want one port",
    next: (t) => [t.web("v2"), t.web("v2", { name: "other" })],
    ends: {},
    code: 2,
    says: [/port/],
    after: { web: "untouched" },
  },
  {
    given: "a mount that the node does not allow",
    next: (t) => [t.web("v2", { volumes: ["/etc/ssl:/etc/ssl:ro"] })],
    ends: {},
    code: 2,
    says: [/volumes has \/etc\/ssl:\/etc\/ssl:ro needs "host_mounts"/, /mcp-agent\.toml/],
    after: { web: "untouched" },
  },
  {
    given: "privileges that the node does not give",
    next: (t) => [t.web("v2", { privileged: true })],
    ends: {},
    code: 2,
    says: [/needs "privileged"/],
    after: { web: "untouched" },
  },
  {
    given: "components that depend on each other",
    next: (t) => [
      t.web("v2", { depends_on: ["worker"] }),
      t.worker(waits, { depends_on: ["web"] }),
    ],
    ends: {},
    code: 2,
    says: [/depends_on/],
    after: { web: "untouched" },
  },
  {
    given: "a check of a port that is not published",
    next: (t) => [t.web("v2", { healthcheck: { tcp: 9090, ...times } })],
    ends: {},
    code: 2,
    says: [/healthcheck\.port.*publishes \(8080\).*9090/],
    after: { web: "untouched" },
  },
  {
    given: "a container of the same name that somebody made by hand",
    meanwhile: async (t) => {
      const name = `${t.service}-worker`;
      await podman("run", "--detach", `--name=${name}`, place.web.v1);
    },
    next: (t) => [t.web("v2"), t.worker(waits)],
    ends: {},
    code: 5,
    says: [/container "trial-\w+-worker"/, /mcp adopt/],
    after: { web: "untouched", worker: "untouched" },
  },
  {
    given: "a secret that nobody has",
    next: (t) => [t.web("v2", { secrets: [{ name: "password" }] })],
    ends: {},
    code: 5,
    says: [/password/],
    after: { web: "untouched" },
  },
  {
    given: "a secret whose file is not there",
    next: (t) => [t.web("v2", { secrets: [{ name: "password", file: "no-such-file" }] })],
    ends: {},
    code: 2,
    says: [/secret "password": there is no file .*no-such-file/],
    after: { web: "untouched" },
  },
  {
    given: "a secret where a folder is mounted already",
    meanwhile: (t) => Deno.mkdir(`${t.folder}/data`, { recursive: true }),
    next: (t) => [
      t.web("v2", {
        volumes: [`${t.folder}/data:/data`],
        secrets: [{ name: "password", command: ["echo", "x"], target: "/data" }],
      }),
    ],
    ends: {},
    code: 2,
    says: [/secrets\[0\]\.target.*nothing else.*"\/data"/],
    after: { web: "untouched" },
  },

  // Jobs.
  {
    given: "a job that fails",
    before: nothing,
    next: (t) => [t.worker("echo cannot migrate; exit 3", { kind: "job" })],
    ends: { worker: "crashed" },
    code: 8,
    says: [/Job ".*-worker" failed: it ended with exit code 3/, /\| cannot migrate$/m],
    after: {},
  },
  {
    given: "a job that does not end",
    node: "brief",
    before: nothing,
    next: (t) => [t.worker(waits, { kind: "job" })],
    ends: { worker: "timed out" },
    code: 8,
    says: [/Job ".*-worker" did not end within 1s/],
    after: {},
  },
  {
    given: "a job that ends well",
    before: nothing,
    next: (t) => [t.worker("echo done", { kind: "job" })],
    ends: { worker: "completed" },
    code: 0,
    says: [/completed/],
    after: { worker: "new" },
  },

  // Several components.
  {
    given: "a component that depends on one that is not healthy",
    next: (t) => [
      t.web("v2", { depends_on: ["worker"] }),
      t.worker(waits, { healthcheck: { exec: ["false"], ...times } }),
    ],
    ends: { web: "skipped", worker: "unhealthy" },
    code: 8,
    says: [/Not tried: it depends on "worker", which is unhealthy; nothing was changed/],
    after: { web: "untouched" },
  },
  {
    given: "a component that depends on one that crashes",
    next: (t) => [
      t.web("v2", { depends_on: ["worker"] }),
      t.worker("exit 1", { restart: "no" }),
    ],
    ends: { web: "skipped", worker: "crashed" },
    code: 8,
    says: [/Not tried: it depends on "worker", which crashed; nothing was changed/],
    after: { web: "untouched" },
  },
  {
    given: "a component that depends on a job that fails",
    next: (t) => [
      t.web("v2", { depends_on: ["worker"] }),
      t.worker("exit 2", { kind: "job" }),
    ],
    ends: { web: "skipped", worker: "crashed" },
    code: 8,
    says: [/Not tried: it depends on "worker", which crashed; nothing was changed/],
    after: { web: "untouched" },
  },
  {
    given: "one component that fails beside one that does not",
    before: (t) => [served(t), t.worker(waits)],
    next: (t) => [t.web("v2"), t.worker("exit 1", { restart: "no" })],
    ends: { web: "running", worker: "crashed" },
    code: 8,
    says: [/replaced v1 by v2/, /exit code 1; the previous container still serves/],
    after: { web: "new", worker: "untouched" },
  },

  // What was there before.
  {
    given: "a first deploy that crashes",
    before: nothing,
    next: (t) => [t.script("exit 1", { restart: "no" })],
    ends: { web: "crashed" },
    code: 8,
    says: [/did not stay up: it ended with exit code 1$/m],
    after: {},
  },
  {
    given: "a first deploy that podman cannot start",
    before: nothing,
    next: (t) => [t.web("v2", { cmd: ["/no/such/program"] })],
    ends: { web: "failed" },
    code: 8,
    says: [/\/no\/such\/program/],
    after: {},
  },
  {
    given: "a first deploy without its image",
    before: nothing,
    next: (t) => [t.web("v2", { image: `${place.registry}/nothing:v1` })],
    ends: { web: "failed" },
    code: 8,
    says: [/; nothing was changed/],
    after: {},
  },
  {
    given: "a new container that fails beside the old one",
    before: (t) => [t.worker(waits)],
    next: (t) => [t.worker("sleep 0.3; exit 5", { restart: "no" })],
    ends: { worker: "crashed" },
    code: 8,
    says: [/exit code 5; the previous container still serves/],
    after: { worker: "untouched" },
  },
  {
    given: "an old container that does not hear that it is to stop",
    before: (t) => [t.script(`${serves} while :; do sleep 1000; done`)],
    next: (t) => [t.web("v2")],
    ends: { web: "running" },
    code: 0,
    says: [/replaced v2/],
    after: { web: "new" },
  },
  {
    given: "a crash, after an old container that does not start a second time",
    before: (t) => [
      t.script(`[ -e /once ] && exit 7; touch /once; ${serves} ${waits}`, { restart: "no" }),
    ],
    next: (t) => [t.script("exit 1", { restart: "no" })],
    ends: { web: "crashed" },
    code: 8,
    says: [/exit code 1; and the previous one, which was put back: .*with exit code 7/],
    after: { web: "down" },
    drift: ["web exited"],
  },
  {
    given: "a rollback to an image that is gone",
    meanwhile: async (t) => {
      const image = await publishWeb(t);
      await t.deploy(t.web("v2", { image, healthcheck: well }));
      await t.deploy(t.web("v2", { healthcheck: well }));
      await registries.forget(image);
      await podman("rmi", image);
    },
    next: (t) => [t.web("v2")],
    command: "rollback SERVICE 2 --yes",
    ends: { web: "failed" },
    code: 8,
    says: [/the image that "web" had then, .* is gone; nothing was changed|Cannot pull the image/],
    after: { web: "untouched" },
  },
];

/** A shell script that answers every request on port 8080 alike. */
function answering(status: string, afterS = 0): string {
  const answer = `HTTP/1.0 ${status}\\r\\nContent-Length: 0\\r\\nLocation: /elsewhere\\r\\n\\r\\n`;
  // The question is read to its end: who closes a connection before that resets it.
  const answering = [
    "while read -r line && [ ${#line} -gt 1 ]; do :; done",
    `sleep ${afterS}; printf '${answer}'`,
  ].join("\n");
  return `cat >/answer <<'END'\n${answering}\nEND\n` +
    "while :; do nc -l -p 8080 -e sh /answer; done & wait $!";
}

/** An image of its own that a registry has: that of the web server, and another layer. */
async function publishWeb(trial: DeployTrial, line = `LABEL of=${trial.service}`): Promise<string> {
  return await registries.publish(place, trial.service, `FROM ${place.web.v2}\n${line}\n`);
}

async function play(scenario: Scenario): Promise<void> {
  const { node = "ordinary", before = (t) => [served(t)], command = "deploy SERVICE" } = scenario;
  const stage = stages[node];
  const { home, node: { serviceRoot } } = stage;
  await using trial = new DeployTrial(place, { home, client: stage.node.client(), serviceRoot });
  const old = before(trial);
  if (old.length > 0) await trial.deploy(...old);
  await scenario.meanwhile?.(trial);
  const there = await trial.containers();
  const asked = await scenario.next(trial);
  await trial.define(...asked);

  const { meddle } = scenario;
  const { code, out, err } = meddle === undefined
    ? await trial.mcp(command)
    : await during(trial, command, "waiting for", async () => {
      // A container that was looked at before.
      await new Promise((resolve) => setTimeout(resolve, 700));
      await meddle(`${trial.service}-web`);
    });
  const told = `${out}${err}`;
  const verdicts = Object.entries(verdictsIn(out, trial.service)).map(([name, [verdict]]) =>
    [name, verdict] as const
  );
  deepStrictEqual(Object.fromEntries(verdicts), scenario.ends, told);
  strictEqual(code, scenario.code, told);
  requireSaid(told, scenario.says);
  await trial.requireFates(there, scenario.after, asked);
  const fate = scenario.after["web"];
  const wasServing = old.some(({ name, image }) => name === "web" && image === place.web.v1);
  if (wasServing && fate !== "new") strictEqual(await trial.version(), fateVersion(scenario));
  if (Object.keys(scenario.after).length > 0 && Object.keys(scenario.ends).length === 1) {
    deepStrictEqual(await trial.drift(), scenario.drift ?? [], told);
  }
}

/** Runs `mcp`, and does something once it has said something; ends when both have. */
async function during(
  trial: DeployTrial,
  command: string,
  said: string,
  act: () => Promise<unknown>,
  options: RunOptions = {},
): Promise<Outcome> {
  let acting: Promise<unknown> | undefined;
  const outcome = await trial.mcp(command, {
    ...options,
    onErr: (err) => {
      if (acting !== undefined || !err.includes(said)) return;
      acting = act();
      // It is awaited below; until then its failure must not end the whole file.
      acting.catch(() => {});
    },
  });
  ok(acting !== undefined, `It never said "${said}":\n${outcome.err}`);
  await acting;
  return outcome;
}

function fateVersion({ command }: Scenario): string {
  // Before a rollback there was another deploy.
  return command === undefined ? "v1" : "v2";
}

/** How many are played at the same time: most of a deploy is waiting. */
const ahead = 6;
const played = new Map<Scenario, Promise<unknown>>();
for (const [at, scenario] of scenarios.entries()) {
  Deno.test({
    name: `a deploy given ${scenario.given}`,
    // The next ones have begun already, and hold what they hold.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      for (const next of scenarios.slice(at, at + ahead)) {
        if (played.has(next)) continue;
        played.set(next, play(next).then(() => undefined, (failure: unknown) => ({ failure })));
      }
      const outcome = await played.get(scenario);
      if (outcome !== undefined) throw (outcome as { failure: unknown }).failure;
    },
  });
}

/** A service on one of the nodes that all scenarios share. */
function openTrial(name: keyof typeof stages): DeployTrial {
  const { home, node } = stages[name];
  return new DeployTrial(place, { home, client: node.client(), serviceRoot: node.serviceRoot });
}

Deno.test("a deploy of what was planned is refused once the node has moved", async () => {
  await using trial = openTrial("ordinary");
  await trial.deploy(served(trial));
  await trial.define(trial.web("v2"));
  const planned = await trial.mcp("plan SERVICE --json");
  const planId = JSON.parse(planned.out).plan_id;
  await podman("stop", "--time=1", `${trial.service}-web`);
  const before = await trial.containers();
  const { code, err } = await trial.mcp(`deploy SERVICE --plan ${planId}`);
  strictEqual(code, 5);
  match(err, /the plan .* does not hold any more/);
  match(err, /the container of web was running and is exited/);
  deepStrictEqual(await trial.containers(), before);
});

Deno.test("a second deploy of a service is refused while one goes on, and told whose it is", async () => {
  await using trial = openTrial("ordinary");
  await trial.deploy(served(trial));
  await trial.define(trial.web("v2"));
  let second: Outcome | undefined;
  const first = await during(trial, "deploy SERVICE", "waiting for", async () => {
    second = await trial.mcp("deploy SERVICE");
  });
  strictEqual(second?.code, 5);
  match(second.err, /a deploy by admin has been running since .*operation/);
  match(second.err, /mcp deploy trial-\w+ --attach/);
  strictEqual(first.code, 0);
  strictEqual(await trial.version(), "v2");
});

Deno.test("a deploy that is left by Ctrl-C fails as it would have, and tells who comes back", async () => {
  await using trial = openTrial("ordinary");
  await trial.deploy(served(trial));
  const before = await trial.containers();
  await trial.define(trial.script("sleep 1.5; exit 3", { restart: "no" }));
  const stop = new AbortController();
  const left = await during(
    trial,
    "deploy SERVICE",
    "waiting for",
    () => Promise.resolve(stop.abort()),
    { interrupted: stop.signal },
  );
  strictEqual(left.code, 130);
  match(left.err, /Detached; the rollout .* goes on .*\n.*--attach/);
  const { code, out } = await trial.mcp("deploy SERVICE --attach");
  strictEqual(code, 8, out);
  match(out, /crashed .*exit code 3; the previous container is back/);
  await trial.requireFates(before, { web: "back" }, []);
  strictEqual(await trial.version(), "v1");
});

Deno.test("a restart of what does not start a second time says how it ended", async () => {
  await using trial = openTrial("ordinary");
  const script = `[ -e /once ] && exit 7; touch /once; ${serves} ${waits}`;
  await trial.deploy(trial.script(script, { restart: "no" }));
  const { code, out } = await trial.mcp("restart SERVICE");
  strictEqual(code, 8);
  match(out, /crashed .*did not stay up: it ended with exit code 7/);
  deepStrictEqual(await trial.drift(), ["web exited"]);
});

Deno.test("a service that answers its check once and then ends was healthy, and is told of afterwards", async () => {
  await using trial = openTrial("ordinary");
  await trial.deploy(served(trial));
  const script = `${serves} until [ -e /enough ]; do sleep 0.1; done; exit 3`;
  await trial.define(trial.script(script, { restart: "no", healthcheck: well }));
  const { code, out } = await trial.mcp("deploy SERVICE");
  strictEqual(code, 0, out);
  match(out, /healthy {2}replaced v1 by v2/);
  await podman("exec", `${trial.service}-web`, "touch", "/enough");
  await eventually("it has ended", async () => {
    const status = (await trial.containers()).get("web")?.status;
    return status === "exited" || undefined;
  });
  deepStrictEqual(await trial.drift(), ["web exited"]);
  const status = await trial.mcp("status SERVICE");
  match(status.out, /exited/);
  strictEqual((await trial.mcp("rollback SERVICE --yes")).code, 0);
  strictEqual(await trial.version(), "v1");
});

Deno.test("a deploy is refused where it cannot even be asked for, and nothing is touched", async (t) => {
  await using trial = openTrial("ordinary");
  await trial.deploy(served(trial));
  const before = await trial.containers();
  const definition = trial.definition;
  await trial.define(trial.web("v2"));
  const refused = async (name: string, code: number, says: RegExp, env = {}) => {
    await t.step(name, async () => {
      const outcome = await trial.mcp("deploy SERVICE", { env });
      strictEqual(outcome.code, code, outcome.err);
      match(outcome.err, says);
      deepStrictEqual(await trial.containers(), before);
    });
  };
  await refused("by a token that nobody gave", 3, /token/, { MCP_TOKEN: "made-up" });
  await Deno.writeTextFile(definition, "components = [");
  await refused("by a definition that is no TOML", 2, /\.toml:/);
  await Deno.writeTextFile(definition, `name = "${trial.service}"\nnode = "nowhere"\n`);
  await refused("by a node that is not known", 2, /nowhere/);
});

/** An agent as a process of its own, over podman's service, and a service that it serves. */
async function openProcess(config: string) {
  await using undo = new AsyncDisposableStack();
  const podmanService = undo.use(await startPodmanService());
  const node = undo.use(
    await ProcessNode.make({
      usesPodman: true,
      config,
      agentConfig: `podman_url = "${podmanService.url}"`,
    }),
  );
  const home = undo.use(new Workstation());
  await home.know({ name: "rift", address: node.address, token: node.adminToken });
  await home.write("ca.pem", node.ca);
  const agent = await node.start().serving();
  const serviceRoot = `${node.folder}/srv`;
  const trial = undo.use(new DeployTrial(place, { home, serviceRoot }));
  await trial.deploy(served(trial));
  await trial.define(trial.web("v2"));
  const kept = undo.move();
  return {
    ...{ podmanService, node, agent, trial },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

const slowly = `[rollout]\nsettle = "8s"\nstop_timeout = "1s"\n`;

Deno.test("a deploy whose agent is killed is told to be interrupted, and can be made again", async () => {
  await using parts = await openProcess(slowly);
  const { node, agent, trial } = parts;
  const before = await trial.containers();
  const cut = await during(trial, "deploy SERVICE", "waiting for", async () => {
    await agent.kill();
    await node.start().serving();
  });
  strictEqual(cut.code, 5, cut.err);
  match(cut.err, /was interrupted/);
  await trial.requireFates(before, { web: "back" }, []);
  strictEqual(await trial.version(), "v1");
  const again = await trial.mcp("deploy SERVICE");
  strictEqual(again.code, 0, again.err);
  strictEqual(await trial.version(), "v2");
});

Deno.test("a deploy whose agent is told to stop is finished first", async () => {
  await using parts = await openProcess(slowly);
  const { agent, trial } = parts;
  const before = await trial.containers();
  const { code, out, err } = await during(trial, "deploy SERVICE", "waiting for", async () => {
    agent.signal("SIGTERM");
    await agent.ended();
  });
  strictEqual(code, 0, err);
  match(out, /running {2}replaced v1 by v2/);
  await trial.requireFates(before, { web: "new" }, [trial.web("v2")]);
});

Deno.test("a deploy whose agent does not wait for it is told to be interrupted, and undone", async () => {
  await using parts = await openProcess(`${slowly}drain_timeout = "100ms"\n`);
  const { node, agent, trial } = parts;
  const before = await trial.containers();
  const cut = await during(trial, "deploy SERVICE", "waiting for", async () => {
    agent.signal("SIGTERM");
    await agent.ended();
    await node.start().serving();
  });
  strictEqual(cut.code, 5, cut.err);
  match(cut.err, /was interrupted/);
  await trial.requireFates(before, { web: "back" }, []);
  strictEqual(await trial.version(), "v1");
});

Deno.test("a deploy goes on when podman's service dies and is started again", async () => {
  await using parts = await openProcess(slowly);
  const { podmanService, trial } = parts;
  const before = await trial.containers();
  const { code, out } = await during(trial, "deploy SERVICE", "waiting for", async () => {
    await podmanService.kill();
    await podmanService.startAgain();
  });
  strictEqual(code, 0, out);
  await trial.requireFates(before, { web: "new" }, [trial.web("v2")]);
});

Deno.test("a deploy during which podman's service dies for good says what it left, and is made good by the next", async () => {
  await using parts = await openProcess(slowly);
  const { podmanService, trial } = parts;
  const before = await trial.containers();
  const { code, out } = await during(
    trial,
    "deploy SERVICE",
    "waiting for",
    () => podmanService.kill(),
  );
  strictEqual(code, 8, out);
  match(out, /and going back failed as well/);
  await podmanService.startAgain();
  // A look that had begun before the deploy ended is not believed.
  await eventually("it is told that what runs is not what was deployed", async () => {
    const { out: status } = await trial.mcp("status SERVICE --json");
    const [{ drift }] = JSON.parse(status).nodes;
    const fields = drift.flatMap(({ fields }: { fields: { field: string }[] }) => fields);
    return fields.some(({ field }: { field: string }) => field === "image") || undefined;
  });
  const again = await trial.mcp("deploy SERVICE");
  strictEqual(again.code, 0, `${again.out}${again.err}`);
  await trial.requireFates(before, { web: "new" }, [trial.web("v2")]);
  strictEqual(await trial.version(), "v2");
});
