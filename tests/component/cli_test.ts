/**
 * `mcp` from its arguments to its screen and exit code: real files, real gRPC over
 * TLS, real HTTPS to MCIAS. Only the agent's answers are scripted.
 */

import { create, type MessageShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { deepStrictEqual, doesNotMatch, match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import type { Environment } from "../../cli/system.ts";
import { McpError } from "../../lib/errors.ts";
import { realFiles } from "../../lib/system/files.ts";
import { McpAgent } from "../../proto/gen/mcp/v1/mcp_pb.ts";
import { throwawayCertificates } from "../support/certificates.ts";
import { eventually } from "../support/eventually.ts";
import { MciasServer } from "../support/mcias_server.ts";
import {
  certificates,
  deadNode,
  hangingNode,
  type Methods,
  type Script,
  startNode,
} from "../support/scripted_node.ts";
import { denoDir, json, now, processArgv, Workstation } from "../support/workstation.ts";

const definition = `# the certificate authority
name = "metacrypt" # never renamed
node = "rift"
active = true # flipped by mcp stop

[[components]]
name = "api"
image = "registry.example/metacrypt:v1.7.0"

# the web interface
[[components]]
name = "web"
image = "registry.example/metacrypt-web:v1.7.0"
ports = ["127.0.0.1:18080:8080"]
`;

const knowsNothing: Script = {
  getServiceSpec: () => {
    throw new McpError("not_found", "There is no such service");
  },
  listServices: () => ({ services: [{ name: "metacrypt" }, { name: "mcr" }] }),
};

const metacryptSpec = {
  name: "metacrypt",
  active: true,
  components: [{ name: "api", image: "registry.example/metacrypt:v1" }],
};

// --- Nodes ---------------------------------------------------------------------

Deno.test("node add creates the config and keeps the CA beside it", async () => {
  await using home = new Workstation();
  const added = await home.run([
    ..."node add rift 192.0.2.7:9444 --ca-data".split(" "),
    certificates.caDerBase64,
  ]);
  strictEqual(added.code, 0, added.err);
  strictEqual(
    await home.read("mcp.toml"),
    '[[nodes]]\nname = "rift"\naddress = "192.0.2.7:9444"\nca_cert = "ca/rift.pem"\n',
  );
  strictEqual((await home.read("ca/rift.pem"))?.trim(), certificates.ca.trim());
  const listed = await home.run("node list --offline");
  strictEqual(listed.out, "NAME  ADDRESS\nrift  192.0.2.7:9444\n");
});

Deno.test("node add takes base64url and files as well", async () => {
  await using home = new Workstation();
  const urlSafe = certificates.caDerBase64.replaceAll("+", "-").replaceAll("/", "_");
  const one = await home.run(["node", "add", "one", "192.0.2.1:1", "--ca-data", urlSafe]);
  const file = await home.write("elsewhere.pem", certificates.ca);
  const two = await home.run(["node", "add", "two", "192.0.2.2:1", "--ca-cert", file]);
  deepStrictEqual([one.code, two.code], [0, 0]);
  strictEqual((await home.read("ca/one.pem"))?.trim(), certificates.ca.trim());
  strictEqual(await home.read("ca/two.pem"), certificates.ca);
});

Deno.test("node add and node remove keep every comment of the config", async () => {
  await using home = new Workstation();
  const written = `# my machines
[services]
dir = "defs" # short

# the first one
[[nodes]]
name = "vade"      # desk
address = "192.0.2.1:9444"
`;
  await home.write("mcp.toml", written);
  await home.run("node add rift 192.0.2.7:9444");
  strictEqual(
    await home.read("mcp.toml"),
    `${written}\n[[nodes]]\nname = "rift"\naddress = "192.0.2.7:9444"\n`,
  );
  await home.run("node remove rift");
  strictEqual(await home.read("mcp.toml"), written);
});

Deno.test("node add of a known name is a conflict, unless it says the same again", async () => {
  await using home = new Workstation();
  await home.run("node add rift 192.0.2.7:9444");
  const again = await home.run("node add rift 192.0.2.7:9444");
  deepStrictEqual([again.code, again.out.includes("already")], [0, true]);
  const other = await home.run("node add rift 192.0.2.8:9444");
  strictEqual(other.code, 5);
  match(other.err, /Next: Run `mcp node remove rift` first/);
});

for (
  const [given, line, complaint] of [
    ["an address without a port", "node add rift 192.0.2.7", /"192.0.2.7" as an address/],
    ["a name that is none", "node add Rift 192.0.2.7:1", /"Rift" as a node name/],
    ["a CA that is none", "node add rift 192.0.2.7:1 --ca-data AAAA", /it is no certificate/],
    ["two CAs", "node add rift 192.0.2.7:1 --ca-data A --ca-cert b", /cannot be used together/],
  ] as const
) {
  Deno.test(`node add refuses ${given} and writes nothing`, async () => {
    await using home = new Workstation();
    const outcome = await home.run(line);
    strictEqual(outcome.code, 2);
    match(outcome.err, complaint);
    strictEqual(await home.read("mcp.toml"), undefined);
  });
}

Deno.test("node remove forgets the node's CA and its token", async () => {
  await using home = new Workstation();
  await home.run(["node", "add", "rift", "192.0.2.7:1", "--ca-data", certificates.caDerBase64]);
  await home.write("tokens/rift", "secret\n", 0o600);
  const removed = await home.run("node remove rift");
  strictEqual(removed.code, 0, removed.err);
  deepStrictEqual(
    [await home.read("mcp.toml"), await home.read("ca/rift.pem"), await home.read("tokens/rift")],
    ["", undefined, undefined],
  );
});

Deno.test("node remove leaves a CA alone that the operator keeps elsewhere", async () => {
  await using home = new Workstation();
  await home.write("platform.pem", certificates.ca);
  await home.write(
    "mcp.toml",
    '[[nodes]]\nname = "rift"\naddress = "192.0.2.7:1"\nca_cert = "platform.pem"\n',
  );
  const removed = await home.run("node remove rift");
  strictEqual(removed.code, 0, removed.err);
  deepStrictEqual(
    [await home.read("mcp.toml"), await home.read("platform.pem")],
    ["", certificates.ca],
  );
});

Deno.test("node remove of an unknown name says which one was meant", async () => {
  await using home = new Workstation();
  await home.run("node add rift 192.0.2.7:1");
  const outcome = await home.run("node remove rfit");
  strictEqual(outcome.code, 4);
  match(outcome.err, /Next: Did you mean "rift"\?/);
});

Deno.test("node list shows versions, and a row for a node that is down", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", {
    nodeStatus: () => ({
      runtime: "podman",
      runtimeVersion: "4.3.1",
      agentVersion: "0.1.0",
      serviceCount: 2,
      componentCount: 3,
    }),
  });
  const vade = deadNode("vade");
  await home.know(rift, vade);
  const { code, out } = await home.run("node list");
  strictEqual(code, 7);
  match(out, /^NAME +ADDRESS +AGENT +RUNTIME +SERVICES +COMPONENTS$/m);
  match(out, /^rift +127\.0\.0\.1:\d+ +0\.1\.0 +podman 4\.3\.1 +2 +3$/m);
  match(out, /^vade +127\.0\.0\.1:\d+ +Node "vade" did not answer: .*refused/m);

  const { nodes } = json(await home.run("node list --json"));
  deepStrictEqual(nodes[0], {
    name: "rift",
    address: rift.address,
    ca_cert: join(home.folder, "ca.pem"),
    agent_version: "0.1.0",
    runtime: "podman",
    runtime_version: "4.3.1",
    runtime_error: null,
    service_count: 2,
    component_count: 3,
  });
  strictEqual(nodes[1].error.kind, "unavailable");
});

Deno.test("node list without a login still lists the nodes", async () => {
  await using home = new Workstation();
  await home.run("node add rift 192.0.2.7:9444");
  const { code, out } = await home.run("node list");
  strictEqual(code, 3);
  match(out, /^rift +192\.0\.2\.7:9444 +There is no token for node "rift"$/m);
  match(out, /Next: Run `mcp login rift`/);
});

for (
  const line of [
    ...["node list", "list", "ps", "status", "deploy mcr", "stop mcr", "login", "sync", "audit"],
    ...["adopt mcr", "service show mcr", "service edit mcr", "service export mcr", "events"],
    ...["push /etc/hostname mcr", "pull mcr mcr.toml -", "events --follow"],
  ]
) {
  Deno.test(`${line} without a config says how to get one`, async () => {
    await using home = new Workstation();
    const outcome = await home.run(line);
    strictEqual(outcome.code, 4);
    match(outcome.err, /There is no config .*mcp\.toml yet\nNext: Run `mcp node add /);
  });
}

// --- Deploy --------------------------------------------------------------------

const deploysWell: Script = {
  deploy: ({ service, component }) => ({
    results: (service?.components ?? [])
      .filter(({ name }) => component === "" || component === name)
      .map(({ name }) => ({ name, success: true, summary: "replaced v1.6.0 by v1.7.0" })),
    revision: 7,
  }),
};

/** What an agent from before verdicts leaves unsaid. */
const noVerdict = {
  verdict: null,
  error: "",
  exit_code: null,
  oom_killed: false,
  restart_count: 0,
  last_probe: null,
  put_back: false,
  log_tail: [],
};

Deno.test("deploy sends the definition of the services folder", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", deploysWell);
  await home.know(rift);
  const file = await home.write("services/metacrypt.toml", definition);
  const { code, out, err } = await home.run("deploy metacrypt");
  strictEqual(code, 0, err);
  strictEqual(
    out,
    `metacrypt/api  ok  replaced v1.6.0 by v1.7.0
metacrypt/web  ok  replaced v1.6.0 by v1.7.0

Revision 7 of metacrypt on rift, from ${file}
`,
  );
  deepStrictEqual(rift.calls, ["rollOut", "deploy"], "this agent is one from before");
  deepStrictEqual(
    rift.requests[1],
    create(McpAgent.method.deploy.input, {
      service: {
        name: "metacrypt",
        active: true,
        components: [
          {
            name: "api",
            image: "registry.example/metacrypt:v1.7.0",
            restart: "unless-stopped",
            kind: "service",
            pull: "always",
          },
          {
            name: "web",
            image: "registry.example/metacrypt-web:v1.7.0",
            restart: "unless-stopped",
            kind: "service",
            pull: "always",
            ports: ["127.0.0.1:18080:8080"],
          },
        ],
      },
    }),
  );
});

Deno.test("deploy of one component sends the whole service and names the component", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", deploysWell);
  await home.know(rift);
  const file = await home.write("services/metacrypt.toml", definition);
  const outcome = await home.run("deploy metacrypt/web --json");
  deepStrictEqual(json(outcome), {
    kind: "result",
    service: "metacrypt",
    component: "web",
    node: "rift",
    origin: "file",
    file,
    revision: 7,
    results: [{
      ...noVerdict,
      name: "web",
      success: true,
      summary: "replaced v1.6.0 by v1.7.0",
    }],
  });
});

Deno.test("deploy -f takes a file from anywhere", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", deploysWell);
  await home.know(rift);
  const file = await home.write("elsewhere.toml", definition);
  strictEqual((await home.run(["deploy", "metacrypt", "-f", file])).code, 0);
  const other = await home.run(["deploy", "mcr", "-f", file]);
  strictEqual(other.code, 2);
  match(
    other.err,
    /name: expected "mcr", the service named on the command line, found "metacrypt"/,
  );
  const absent = await home.run("deploy metacrypt -f absent.toml");
  strictEqual(absent.code, 4);
  deepStrictEqual(rift.calls, ["rollOut", "deploy"]);
});

Deno.test("deploy without a file takes the deployed spec of the node that has it", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", {
    ...deploysWell,
    getServiceSpec: () => ({
      declared: { ...metacryptSpec, components: [{ name: "api", image: "never:deployed" }] },
      deployed: metacryptSpec,
    }),
  });
  await using vade = await startNode("vade", knowsNothing);
  await home.know(vade, rift);
  const { code, out, err } = await home.run("deploy metacrypt");
  strictEqual(code, 0, err);
  match(out, /Revision 7 of metacrypt on rift, from the copy of node "rift"/);
  const sent = rift.requests.at(-1) as MessageShape<Methods["deploy"]["input"]>;
  strictEqual(sent.service?.components[0]?.image, "registry.example/metacrypt:v1");
});

Deno.test("deploy of a service that nobody knows says where its definition goes", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", knowsNothing);
  await home.know(rift);
  const { code, err } = await home.run("deploy metacrytp");
  strictEqual(code, 4);
  match(err, /There is no definition of "metacrytp", and no node has a copy of one\n/);
  match(err, /Did you mean "metacrypt"\?/);
  match(err, /Next: Create .*services\/metacrytp\.toml or pass -f FILE/);
});

Deno.test("deploy without a file is a conflict when two nodes have a copy", async () => {
  await using home = new Workstation();
  const script: Script = { getServiceSpec: () => ({ deployed: metacryptSpec }) };
  await using rift = await startNode("rift", script);
  await using vade = await startNode("vade", script);
  await home.know(rift, vade);
  const { code, err } = await home.run("deploy metacrypt");
  strictEqual(code, 5);
  match(err, /The nodes "rift" and "vade" both know the service "metacrypt"/);
});

Deno.test("deploy without a file does not guess while a node is silent", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", knowsNothing);
  await home.know(rift, deadNode("vade"));
  const { code, err } = await home.run("deploy metacrypt");
  strictEqual(code, 6);
  match(err, /Cannot tell which node has the service "metacrypt"\n {2}Node "vade" did not answer/);
});

Deno.test("deploy of an inactive definition is refused with what to do", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", deploysWell);
  await home.know(rift);
  await home.write("services/metacrypt.toml", definition.replace("= true", "= false"));
  const { code, err } = await home.run("deploy metacrypt");
  strictEqual(code, 5);
  match(err, /Next: Run `mcp start metacrypt` or set `active = true`/);
  deepStrictEqual(rift.calls, []);
});

Deno.test("deploy of an unknown component names the known ones", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", deploysWell);
  await home.know(rift);
  await home.write("services/metacrypt.toml", definition);
  const { code, err } = await home.run("deploy metacrypt/wbe");
  strictEqual(code, 4);
  match(err, /Did you mean `mcp deploy metacrypt\/web`\? Its components are api, web/);
});

Deno.test("deploy tells every mistake of a definition, each with its line", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", deploysWell);
  await home.know(rift);
  const file = await home.write(
    "services/metacrypt.toml",
    `name = "metacript"
node = "rfit"
active = "yes"

[[components]]
name = "api"
imgae = "registry.example/metacrypt:v1"
ports = ["8080", 9090]
`,
  );
  const { code, err } = await home.run("deploy metacrypt");
  strictEqual(code, 2);
  deepStrictEqual(err.split("\n").slice(1, -1).map((line) => line.trim().replace(file, "")), [
    ':1: name: expected "metacrypt", as the file is called, found "metacript"',
    ':2: node: expected a node of the config (rift), found "rfit" (did you mean "rift"?)',
    ':3: active: expected true or false, found "yes"',
    ":5: components[0].image: expected text in quotes, found nothing",
    ':7: components[0].imgae: expected a known key, found "imgae" (did you mean "image"?)',
    ":8: components[0].ports[1]: expected text in quotes, found 9090",
    ':8: components[0].ports[0]: expected "host:container" with an optional address before and "/tcp" or "/udp" after, found "8080"',
  ]);
  deepStrictEqual(rift.calls, []);
});

Deno.test("deploy shows why a component failed, and nothing a terminal would obey", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", {
    deploy: () => ({
      results: [
        { name: "api", success: true, summary: "started" },
        {
          name: "web",
          success: false,
          error: 'Cannot start "metacrypt-web": it ended with exit code 1',
          summary: "the old container runs again",
          logTail: ["listening", "\u001b[2Jpanic: \u009b31mno key"],
        },
      ],
      revision: 8,
    }),
  });
  await home.know(rift);
  await home.write("services/metacrypt.toml", definition);
  const { code, out } = await home.run("deploy metacrypt");
  strictEqual(code, 8);
  ok(
    out.startsWith(`metacrypt/api  ok  started
metacrypt/web  failed  Cannot start "metacrypt-web": it ended with exit code 1
    the old container runs again
    | listening
    | \\x1b[2Jpanic: \\x9b31mno key
`),
    out,
  );
});

Deno.test("deploy that is interrupted says that the node carries on", async () => {
  await using home = new Workstation();
  const interruption = new AbortController();
  await using rift = await startNode("rift", {
    deploy: (_request, { signal }) => {
      interruption.abort();
      return new Promise((resolve) => signal.addEventListener("abort", () => resolve({})));
    },
  });
  await home.know(rift);
  await home.write("services/metacrypt.toml", definition);
  const { code, err } = await home.run("deploy metacrypt", { interrupted: interruption.signal });
  strictEqual(code, 130);
  strictEqual(
    err,
    'Node "rift" cannot tell the steps of a deploy: waiting for its end\n' +
      'Stopped waiting; node "rift" carries on with the deploy\n' +
      "Next: `mcp status metacrypt` shows how it ended\n",
  );
});

Deno.test("deploy shows each component with its time while it waits", async () => {
  await using home = new Workstation();
  const shown = Promise.withResolvers<void>();
  await using rift = await startNode("rift", {
    deploy: async () => {
      await shown.promise;
      return { results: [{ name: "api", success: true }], revision: 1 };
    },
  });
  await home.know(rift);
  await home.write("services/metacrypt.toml", definition);
  const { code, err } = await home.run("deploy metacrypt", {
    terminal: true,
    // A turn of the event loop instead of a tenth of a second.
    sleep: () => new Promise((resolve) => setTimeout(resolve, 0)),
    onErr: (err) => {
      if (err.includes("metacrypt/web  deploying")) shown.resolve();
    },
  });
  strictEqual(code, 0);
  match(err, /metacrypt\/api {2}deploying {2}0s\n. metacrypt\/web {2}deploying {2}0s\n/);
});

// --- Stop, start, restart ---------------------------------------------------------

const lifecycle: Script = {
  stopService: () => ({ results: [{ name: "api", success: true, summary: "stopped" }] }),
  startService: () => ({ results: [{ name: "api", success: true, summary: "started" }] }),
  restartService: () => ({ results: [{ name: "api", success: true, summary: "restarted" }] }),
};

Deno.test("stop and start flip active and keep the rest of the file as it was", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", lifecycle);
  await home.know(rift);
  const file = await home.write("services/metacrypt.toml", definition, 0o640);
  const stopped = await home.run("stop metacrypt");
  strictEqual(stopped.code, 0, stopped.err);
  strictEqual(
    stopped.out,
    `metacrypt/api  ok  stopped\n\nSet active = false in ${file}\n`,
  );
  strictEqual(
    await home.read("services/metacrypt.toml"),
    definition.replace("active = true", "active = false"),
  );
  strictEqual(await realFiles.mode(file), 0o640);
  deepStrictEqual(json(await home.run("start metacrypt --json")), {
    service: "metacrypt",
    node: "rift",
    active: true,
    file,
    file_changed: true,
    results: [{ ...noVerdict, name: "api", success: true, summary: "started" }],
  });
  strictEqual(await home.read("services/metacrypt.toml"), definition);
  deepStrictEqual(rift.calls, ["stopService", "startService"]);
});

Deno.test("stop records the intent also when the node is down", async () => {
  await using home = new Workstation();
  await home.know(deadNode("rift"));
  await home.write("services/metacrypt.toml", definition);
  const { code, err } = await home.run("stop metacrypt");
  strictEqual(code, 6);
  match(err, /Cannot stop "metacrypt" now, but .*metacrypt\.toml says active = false: Node "rift"/);
  match(err, /Next: Run `mcp sync` when node "rift" is back/);
  match(await home.read("services/metacrypt.toml") ?? "", /^active = false # flipped/m);
});

Deno.test("stop without a file finds the node that knows the service", async () => {
  await using home = new Workstation();
  await using vade = await startNode("vade", knowsNothing);
  await using rift = await startNode("rift", {
    ...lifecycle,
    getServiceSpec: () => ({ declared: metacryptSpec }),
  });
  await home.know(vade, rift);
  const { code, out, err } = await home.run("stop metacrypt");
  strictEqual(code, 0, err);
  strictEqual(out, "metacrypt/api  ok  stopped\n");
  deepStrictEqual(rift.calls, ["getServiceSpec", "stopService"]);
});

Deno.test("stop of a service that nobody knows says which one was meant", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", knowsNothing);
  await home.know(rift);
  const { code, err } = await home.run("stop mrc");
  strictEqual(code, 4);
  match(err, /No node manages a service "mrc"\nNext: Did you mean "mcr"\?/);
});

Deno.test("restart leaves the definition alone", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", lifecycle);
  await home.know(rift);
  await home.write("services/metacrypt.toml", definition.replace("= true", "= false"));
  strictEqual((await home.run("restart metacrypt")).code, 0);
  match(await home.read("services/metacrypt.toml") ?? "", /^active = false/m);
  deepStrictEqual(rift.calls, ["restartService"]);
});

Deno.test("start exits with 8 when a component did not start", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", {
    startService: () => ({ results: [{ name: "api", success: false, error: "no such image" }] }),
  });
  await home.know(rift);
  await home.write("services/metacrypt.toml", definition);
  const { code, out } = await home.run("start metacrypt");
  strictEqual(code, 8);
  match(out, /metacrypt\/api {2}failed {2}no such image/);
});

// --- Reading ----------------------------------------------------------------------

const minutesAgo = (minutes: number) =>
  timestampFromDate(new Date(now.getTime() - minutes * 60_000));

const services = [
  {
    name: "metacrypt",
    active: true,
    components: [
      {
        name: "api",
        image: "registry.example/metacrypt:v1.7.0",
        desiredState: "running",
        observedState: "running",
        version: "v1.7.0",
        started: minutesAgo(90),
        observedAt: minutesAgo(1),
        container: "metacrypt-api",
        stateSince: minutesAgo(90),
        revision: 7,
        imageDigest: `sha256:${"0123456789abcdef".repeat(4)}`,
        tagMoved: true,
      },
      {
        name: "web",
        image: "registry.example/metacrypt-web:v1.7.0",
        desiredState: "running",
        observedState: "exited",
        version: "v1.7.0",
        observedAt: minutesAgo(1),
        exitCode: 137,
        container: "metacrypt-web",
        stateSince: minutesAgo(2),
      },
    ],
  },
  {
    name: "mcr",
    active: true,
    components: [{
      name: "api",
      image: "registry.example/mcr",
      desiredState: "running",
      observedState: "unknown",
      lastObservedState: "running",
      observedAt: minutesAgo(3),
      container: "mcr-api",
    }, {
      name: "web",
      image: "registry.example/mcr",
      desiredState: "ignore",
      observedState: "unknown",
      container: "mcr-web",
    }],
  },
];

const reads: Script = {
  listServices: () => ({ services }),
  liveCheck: () => ({ services }),
  getServiceStatus: ({ name }) => {
    if (name !== "" && name !== "metacrypt") throw new McpError("not_found", "No such service");
    return {
      services: name === "" ? services : services.slice(0, 1),
      drift: [{
        service: "metacrypt",
        component: "web",
        desiredState: "running",
        observedState: "exited",
      }],
      recentEvents: [{
        service: "metacrypt",
        component: "web",
        prevState: "running",
        newState: "exited",
        timestamp: minutesAgo(2),
        cause: "exit code 137",
        id: 42n,
      }],
    };
  },
};

Deno.test("list shows what the registries remember, and when it was seen", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", reads);
  await home.know(rift);
  const { code, out } = await home.run("list");
  strictEqual(code, 0);
  strictEqual(
    out,
    `NODE  SERVICE    COMPONENT  DESIRED  OBSERVED                  VERSION  SEEN
rift  metacrypt  api        running  running                   v1.7.0   1m ago
rift  metacrypt  web        running  exited (137)              v1.7.0   1m ago
rift  mcr        api        running  unknown (running 3m ago)  -        3m ago
rift  mcr        web        ignore   unknown                   -        never
`,
  );
});

Deno.test("ps shows what runs, and with --all the rest", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", reads);
  await home.know(rift);
  strictEqual(
    (await home.run("ps")).out,
    `NODE  SERVICE    COMPONENT  STATE    UPTIME  VERSION  DIGEST                        IMAGE
rift  metacrypt  api        running  1h 30m  v1.7.0   0123456789ab (tag has moved)  registry.example/metacrypt:v1.7.0
`,
  );
  strictEqual((await home.run("ps --all")).out.split("\n").length, 6);
});

Deno.test("status shows drift with the command that ends it, and events with their cause", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", reads);
  await using vade = await startNode("vade", { getServiceStatus: reads.getServiceStatus! });
  await home.know(rift);
  strictEqual(
    (await home.run("status metacrypt")).out,
    `2 components: 1 drifting

NODE  SERVICE    COMPONENT  DESIRED  OBSERVED         VERSION  REV  SEEN
rift  metacrypt  api        running  running 1h 30m   v1.7.0   7    1m ago
rift  metacrypt  web        running  exited (137) 2m  v1.7.0   -    1m ago  DRIFT

Drift
  rift metacrypt/web should be running and is exited: mcp start metacrypt

WHEN    NODE  COMPONENT      CHANGE             CAUSE
2m ago  rift  metacrypt/web  running to exited  exit code 137
`,
  );
  await home.know(rift, vade);
  strictEqual((await home.run("status")).code, 0);
});

Deno.test("status of an unknown service says which one was meant", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", reads);
  await home.know(rift);
  const { code, err } = await home.run("status metacryp");
  strictEqual(code, 4);
  match(err, /No node manages a service "metacryp"\nNext: Did you mean "metacrypt"\?/);
});

Deno.test("status says when a node cannot ask its runtime", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", {
    getServiceStatus: () => ({ services, runtimeError: "podman did not answer" }),
  });
  await home.know(rift);
  const { out } = await home.run("status");
  match(out, /Node "rift" cannot ask its container runtime: podman did not answer/);
});

Deno.test("status begins with what needs attention", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", reads);
  await using idle = await startNode("idle", { getServiceStatus: () => ({}) });
  await home.know(rift, deadNode("vade"));
  const [headline] = (await home.run("status")).out.split("\n");
  strictEqual(headline, "4 components: 1 drifting, 1 unknown, 1 node without an answer");
  await home.know(idle);
  match((await home.run("status")).out, /^There are no components yet\n/);
  await using well = await startNode("well", {
    getServiceStatus: () => ({
      services: [{ ...services[0]!, components: services[0]!.components.slice(0, 1) }],
      recentEvents: Array.from({ length: 20 }, () => ({ service: "metacrypt", component: "api" })),
    }),
  });
  await home.know(well);
  const { out } = await home.run("status");
  match(out, /^1 component: all as they should be\n/);
  strictEqual(out.match(/metacrypt\/api/g)?.length, 10, "events has the rest");
});

Deno.test("status --json has one object per node, instants in UTC and no empty strings for absence", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", reads);
  await home.know(rift, deadNode("vade"));
  const outcome = await home.run("status metacrypt --json");
  strictEqual(outcome.code, 7);
  const { nodes: [first, second], ...rest } = json(outcome);
  deepStrictEqual(rest, {});
  deepStrictEqual(first, {
    name: "rift",
    services: [{
      name: "metacrypt",
      active: true,
      components: [
        {
          name: "api",
          container: "metacrypt-api",
          image: "registry.example/metacrypt:v1.7.0",
          version: "v1.7.0",
          desired_state: "running",
          observed_state: "running",
          last_observed_state: null,
          observed_at: "2026-03-01T11:59:00.000Z",
          started_at: "2026-03-01T10:30:00.000Z",
          exit_code: null,
          state_since: "2026-03-01T10:30:00.000Z",
          revision: 7,
          image_digest: `sha256:${"0123456789abcdef".repeat(4)}`,
          tag_moved: true,
        },
        {
          name: "web",
          container: "metacrypt-web",
          image: "registry.example/metacrypt-web:v1.7.0",
          version: "v1.7.0",
          desired_state: "running",
          observed_state: "exited",
          last_observed_state: null,
          observed_at: "2026-03-01T11:59:00.000Z",
          started_at: null,
          exit_code: 137,
          state_since: "2026-03-01T11:58:00.000Z",
          revision: null,
          image_digest: null,
          tag_moved: false,
        },
      ],
    }],
    drift: [{
      service: "metacrypt",
      component: "web",
      desired_state: "running",
      observed_state: "exited",
      fields: [],
      next: "mcp start metacrypt",
    }],
    findings: [],
    recent_events: [{
      id: 42,
      service: "metacrypt",
      component: "web",
      previous_state: "running",
      next_state: "exited",
      at: "2026-03-01T11:58:00.000Z",
      cause: "exit code 137",
    }],
    runtime_error: null,
  });
  deepStrictEqual([second.name, second.error.kind], ["vade", "unavailable"]);
});

for (const command of ["list", "ps --all", "status"]) {
  Deno.test(`${command} keeps every row when one node is dead and one hangs`, async () => {
    await using home = new Workstation();
    await using rift = await startNode("rift", reads);
    await using orion = hangingNode("orion");
    const vade = deadNode("vade");
    await home.know(vade, rift, orion);
    const { code, out } = await home.run(`${command} --timeout 2s`);
    strictEqual(code, 7);
    match(out, /^vade {2,}Node "vade" did not answer: Cannot reach .*refused/m);
    match(out, /^rift +metacrypt +api +running/m);
    match(out, /^orion {2}Node "orion" did not answer: No answer from .* within 2 s$/m);
    match(out, /^Next: Check that mcp-agent is running on "vade"/m);
  });
}

for (const command of ["list", "ps --all"]) {
  Deno.test(`${command} shows who lives before it has given up the dead`, async () => {
    await using home = new Workstation();
    await using rift = await startNode("rift", reads);
    await using vade = await startNode("vade", reads);
    await using lyra = await startNode("lyra", reads);
    await using orion = hangingNode("orion");
    await using mira = hangingNode("mira");
    await home.know(orion, rift, deadNode("vega"), lyra, mira, vade);
    let out = "";
    const calledOff = new AbortController();
    const running = home.run(`${command} --timeout 1h`, {
      interrupted: calledOff.signal,
      onOut: (text) => out = text,
    });
    // Nothing but their deadline, an hour away, could end the two that hang.
    await eventually("who lives", () => {
      const isShown = ["rift", "lyra", "vade"].every((name) => out.includes(`\n${name} `));
      return Promise.resolve(isShown || undefined);
    });
    doesNotMatch(out, /orion|mira|vega/);
    calledOff.abort();
    strictEqual((await running).code, 130);
  });

  Deno.test(`${command} shows the dead below who lives, and is one object for scripts`, async () => {
    await using home = new Workstation();
    await using rift = await startNode("rift", reads);
    await using orion = hangingNode("orion");
    await home.know(deadNode("vade"), orion, rift);
    const [{ out, code }, scripts] = await Promise.all([
      home.run(`${command} --timeout 2s`),
      home.run(`${command} --timeout 2s --json`),
    ]);
    const names = [...out.matchAll(/^(\w+) {2}/gm)].map(([, name]) => name);
    deepStrictEqual([...new Set(names)], ["NODE", "rift", "vade", "orion"]);
    match(out, /within 2 s\n\nNext: /);
    deepStrictEqual([code, scripts.code], [7, 7]);
    deepStrictEqual(json(scripts).nodes.map(({ name }: { name: string }) => name), [
      "vade",
      "orion",
      "rift",
    ]);
  });
}

Deno.test("list with all nodes down shows them all and exits with 6", async () => {
  await using home = new Workstation();
  await home.know(deadNode("rift"), deadNode("vade"));
  const { code, out } = await home.run("list");
  strictEqual(code, 6);
  match(out, /^rift {2}Node "rift" did not answer/m);
  match(out, /^vade {2}Node "vade" did not answer/m);
});

Deno.test("list that is interrupted ends at once", async () => {
  await using home = new Workstation();
  await using orion = hangingNode("orion");
  await home.know(orion);
  const interruption = new AbortController();
  const listing = home.run("list --timeout 1h --json", { interrupted: interruption.signal });
  interruption.abort();
  const outcome = await listing;
  strictEqual(outcome.code, 130);
  strictEqual(json(outcome).error.kind, "interrupted");
});

// --- Who asks ------------------------------------------------------------------------

Deno.test("a node is asked with MCP_TOKEN, then with its own token, then with the shared one", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", reads);
  await home.know({ ...rift, token: "wrong" });
  strictEqual((await home.run("list")).code, 3);
  strictEqual((await home.run("list", { env: { MCP_TOKEN: rift.token } })).code, 0);
  await Deno.remove(join(home.folder, "tokens", "rift"));
  strictEqual((await home.run("list")).code, 3);
  await home.write("token", `${rift.token}\n2026-03-01T12:00:01Z\n`, 0o600);
  strictEqual((await home.run("list")).code, 0);
});

Deno.test("a token that the node does not accept is told with the way to a new one", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", reads);
  await home.know({ ...rift, token: "wrong" });
  const { code, out } = await home.run("list");
  strictEqual(code, 3);
  match(out, /Node "rift" does not accept the token: The token is not valid/);
  match(out, /Next: Run `mcp login rift`/);
  ok(!out.includes("wrong"), "the token is not shown");
});

Deno.test("an expired token is refused before any node is asked", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", reads);
  await home.know(rift);
  await Deno.remove(join(home.folder, "tokens", "rift"));
  await home.write("token", `${rift.token}\n2026-03-01T11:59:59Z\n`, 0o600);
  const { code, out } = await home.run("list");
  strictEqual(code, 3);
  match(out, /The token in .*token expired at 2026-03-01T11:59:59\.000Z/);
  match(out, /Next: Run `mcp login rift`/);
  deepStrictEqual(rift.calls, []);
});

Deno.test("a token that others may read is refused with the command that fixes it", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", reads);
  await home.know(rift);
  const file = await home.write("tokens/rift", rift.token, 0o644);
  const { code, out } = await home.run("list");
  strictEqual(code, 2);
  ok(out.includes(`Next: Run \`chmod 600 ${file}\``), out);
  deepStrictEqual(rift.calls, []);
});

Deno.test("a node whose certificate another CA signed is not talked to", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", reads);
  await home.know(rift);
  await home.write("ca.pem", (await throwawayCertificates()).ca);
  const { code, out } = await home.run("list");
  strictEqual(code, 6);
  match(out, /Node "rift" did not answer: /);
  match(out, /Next: Compare the CA of "rift" with what `mcp-agent init` printed there/);
  deepStrictEqual(rift.calls, []);
});

// --- Login ------------------------------------------------------------------------------

async function knowMcias(home: Workstation, mcias: MciasServer): Promise<void> {
  await home.write("mcias.pem", mcias.ca);
  await home.write(
    "mcp.toml",
    `[mcias]\nserver_url = "${mcias.url}"\nca_cert = "mcias.pem"\n`,
  );
}

Deno.test("login trades a piped password for a token that only its owner can read", async () => {
  await using home = new Workstation();
  await using mcias = await MciasServer.start({
    users: { kyle: { password: "correct horse", roles: ["admin"] } },
    now: () => now,
  });
  await knowMcias(home, mcias);
  const { code, out, err } = await home.run("login --username kyle", { stdin: "correct horse\n" });
  strictEqual(code, 0, err);
  strictEqual(out, "Logged in as kyle until 2026-03-01T13:00:00.000Z\n");
  strictEqual(await realFiles.mode(join(home.folder, "token")), 0o600);
  match(
    await home.read("token") ?? "",
    /^test-token-[\w-]+\n2026-03-01T13:00:00\.000Z\nissued_at 2026-03-01T12:00:00\.000Z\nissuer https:\/\/localhost:\d+\n$/,
  );
});

Deno.test("login asks for what is missing and shows no password", async () => {
  await using home = new Workstation();
  await using mcias = await MciasServer.start({
    users: { kyle: { password: "correct horse", totpCode: "123456", roles: ["admin"] } },
  });
  await knowMcias(home, mcias);
  const { code, err } = await home.run("login", {
    keys: ["kylr\u007fe\r", "correct ", "horse\r", "123456\r"],
  });
  strictEqual(code, 0, err);
  match(err, /User name: .*kyle/);
  match(err, /One-time code/);
  ok(!err.includes("horse"), "the password is not shown");
  strictEqual(home.raw, false);
});

Deno.test("login with a wrong password keeps no token", async () => {
  await using home = new Workstation();
  await using mcias = await MciasServer.start();
  await knowMcias(home, mcias);
  const { code, err } = await home.run("login -u kyle", { stdin: "wrong" });
  strictEqual(code, 3);
  match(err, /Cannot log in as "kyle"/);
  strictEqual(await home.read("token"), undefined);
});

Deno.test("login that is interrupted puts the terminal back", async () => {
  await using home = new Workstation();
  await using mcias = await MciasServer.start();
  await knowMcias(home, mcias);
  const { code } = await home.run("login", { keys: ["ky", "\u0003"] });
  strictEqual(code, 130);
  strictEqual(home.raw, false);
  deepStrictEqual(mcias.calls, []);
});

Deno.test("login to a node keeps a token that the node accepts", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", { nodeStatus: () => ({ agentVersion: "0.1.0" }) });
  await home.know(rift);
  await Deno.remove(join(home.folder, "tokens"), { recursive: true });
  const refused = await home.run("login", { stdin: "wrong\n" });
  strictEqual(refused.code, 3);
  strictEqual(await home.read("tokens/rift"), undefined);
  const accepted = await home.run("login", { stdin: `${rift.token}\n` });
  strictEqual(accepted.code, 0, accepted.err);
  strictEqual(await home.read("tokens/rift"), `${rift.token}\n`);
  strictEqual(await realFiles.mode(join(home.folder, "tokens", "rift")), 0o600);
  ok(!(accepted.out + accepted.err).includes(rift.token), "the token is not shown");
});

Deno.test("login with several nodes and none named lists them", async () => {
  await using home = new Workstation();
  await home.know(deadNode("rift"), deadNode("vade"));
  const { code, err } = await home.run("login", { stdin: "secret" });
  strictEqual(code, 2);
  match(err, /Next: Run `mcp login <node>` with one of rift, vade/);
});

// --- The command line ----------------------------------------------------------------------

Deno.test("every command has help with an example", async () => {
  await using home = new Workstation();
  const { out } = await home.run("--help");
  const words = [...out.matchAll(/^ {2}([a-z]+) {2,}[A-Z]/gm)].map((found) => found[1] ?? "");
  const lines = [
    "",
    ...words.filter((word) => word !== "completion"),
    "node add",
    "node list",
    "node remove",
  ];
  ok(lines.length > 10, out);
  for (const line of lines) {
    const help = await home.run([...line.split(" ").filter((word) => word !== ""), "--help"]);
    strictEqual(help.code, 0);
    match(help.out, new RegExp(`^Examples:\n  mcp ${line}`, "m"), line);
  }
});

for (
  const [given, line, complaint, hint] of [
    ["a mistyped command", "dploy mcr", /"dploy"/, /Did you mean `deploy`\?/],
    ["a mistyped option", "ps --jsno", /"--jsno"/, /Did you mean `--json`\?/],
    ["no service", "deploy", /Expected a `SERVICE\[\/COMPONENT\]`/, /mcp deploy --help/],
    ["a service that is none", "stop Mcr", /"Mcr" as a service name/, /1 to 63 of a-z/],
    ["one argument too many", "stop mcr web", /"web"/, /mcp stop --help/],
    ["a duration that is none", "ps --timeout 5", /"5" as a duration/, /Write it like/],
    ["nothing", "", /No matching command/, /mcp --help/],
  ] as const
) {
  Deno.test(`mcp given ${given} exits with 2 and says what to do`, async () => {
    await using home = new Workstation();
    const { code, out, err } = await home.run(line === "" ? [] : line);
    strictEqual(code, 2);
    strictEqual(out, "");
    match(err, complaint);
    match(err.split("\n").find((each) => each.startsWith("Next: ")) ?? "", hint);
  });
}

Deno.test("completion knows commands and options", async () => {
  await using home = new Workstation();
  strictEqual((await home.run("completion bash de")).out, "deploy\n");
  match((await home.run("completion zsh ps --j")).out, /^--json\0/);
  match((await home.run("completion fish")).out, /complete -c mcp/);
});

Deno.test("mcp --json tells failures in JSON on standard output", async () => {
  await using home = new Workstation();
  const { code, out, err } = await home.run("--json list");
  strictEqual(code, 4);
  strictEqual(err, "");
  deepStrictEqual(JSON.parse(out), {
    error: {
      kind: "not_found",
      message: `There is no config ${home.configFile} yet`,
      hint: "Run `mcp node add <name> <host:port>` with the first node",
      details: [],
    },
  });
  strictEqual(json(await home.run("lst --json")).error.kind, "invalid");
});

for (
  const [given, env, terminal, colored] of [
    ["a terminal", { TERM: "xterm" }, true, true],
    ["no terminal", { TERM: "xterm" }, false, false],
    ["NO_COLOR", { TERM: "xterm", NO_COLOR: "1" }, true, false],
    ["an empty NO_COLOR", { TERM: "xterm", NO_COLOR: "" }, true, true],
    ["a dumb terminal", { TERM: "dumb" }, true, false],
  ] as const
) {
  Deno.test(`mcp given ${given} ${colored ? "uses" : "does without"} colors`, async () => {
    await using home = new Workstation();
    await home.run("node add rift 192.0.2.7:1");
    const { out } = await home.run("node list --offline", { env, terminal });
    strictEqual(out.includes("\u001b["), colored);
  });
}

Deno.test("the config is found by --config, then MCP_CONFIG, then XDG_CONFIG_HOME", async () => {
  await using home = new Workstation();
  const configs = { flag: "flag.toml", env: "env.toml", xdg: "xdg/mcp/mcp.toml" };
  for (const [name, path] of Object.entries(configs)) {
    await home.write(path, `[[nodes]]\nname = "${name}"\naddress = "192.0.2.7:1"\n`);
  }
  const env = {
    MCP_CONFIG: join(home.folder, configs.env),
    XDG_CONFIG_HOME: join(home.folder, "xdg"),
  };
  const nodeOf = async (line: string, env: Environment) =>
    json(await home.run(`${line} --json`, { env })).nodes[0].name;
  const flag = join(home.folder, configs.flag);
  strictEqual(await nodeOf(`node list --offline --config ${flag}`, env), "flag");
  strictEqual(await nodeOf("node list --offline", env), "env");
  const { XDG_CONFIG_HOME } = env;
  strictEqual(await nodeOf("node list --offline", { XDG_CONFIG_HOME }), "xdg");
});

// --- The process -----------------------------------------------------------------------------

Deno.test("the process needs no more than its permission set, and ends when a node hangs", async () => {
  await using home = new Workstation();
  await using rift = await startNode("rift", reads);
  await using orion = hangingNode("orion");
  await home.know(rift, orion);
  const [program = "", ...args] = processArgv("list", "--timeout", "1s");
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args,
    env: { HOME: home.home, DENO_DIR: await denoDir() },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  const out = new TextDecoder().decode(stdout);
  strictEqual(code, 7, new TextDecoder().decode(stderr));
  match(out, /^rift +metacrypt +api/m);
  match(out, /^orion {2}Node "orion" did not answer/m);
});
