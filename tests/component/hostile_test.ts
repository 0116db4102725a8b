import { create, toBinary } from "@bufbuild/protobuf";
import { Client, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import fc from "fast-check";
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { Buffer } from "node:buffer";
import {
  hasAnyProcess,
  parseLastServiceDeath,
  parseRefusal,
  parseSecretNames,
  parseServiceEvent,
} from "../../agent/runtime/podman/api_output.ts";
import { runArgv } from "../../agent/runtime/podman/argv.ts";
import {
  parseDescription,
  parseEvent,
  parseInspections,
  parseLastDeath,
  parseListing,
  parseVersion,
} from "../../agent/runtime/podman/output.ts";
import { parseDefinition } from "../../cli/definitions/definition.ts";
import { setActive } from "../../cli/definitions/set_active.ts";
import { complaintsAboutComponent } from "../../lib/domain/component_complaints.ts";
import { componentDefaults, type ComponentSpec } from "../../lib/domain/component_spec.ts";
import { parseImage } from "../../lib/domain/image.ts";
import { parsePort, parseVolume } from "../../lib/domain/mappings.ts";
import { isName, parseTarget, requireName } from "../../lib/domain/names.ts";
import { complaintsAbout } from "../../lib/domain/service_spec.ts";
import { checkServerIdentity } from "node:tls";
import { McpError } from "../../lib/errors.ts";
import { methodPath } from "../../lib/rpc/method_path.ts";
import { sentName, Trust } from "../../lib/rpc/trust.ts";
import { parseToml } from "../../lib/toml/parse.ts";
import { writeToml } from "../../lib/toml/edit.ts";
import { specFromWire, specToWire } from "../../lib/wire/specs.ts";
import {
  AdoptRequestSchema,
  DeployRequestSchema,
  McpAgent,
  PullFileRequestSchema,
  PushFileRequestSchema,
  ServiceSpecSchema,
  SyncRequestSchema,
} from "../../proto/gen/mcp/v1/mcp_pb.ts";
import { QuietLogs } from "../support/quiet_logs.ts";
import { ample, TestNode } from "../support/test_node.ts";

const cases = 10_000;

/** Texts that somebody tries, and pieces that are nearly right. */
const piece = fc.constantFrom(
  ...["-", "--", ":", "/", ".", "..", "@", ",", "=", "_", "[", "]", "{", "}", " ", "\t", "\n"],
  ...["\r", "\0", "\x7f", "\x1b[2J", "\u202e", "\u2028", "\ud800", "ü", "\u{1f511}", "'", '"', "`"],
  ...["$(id)", "%2e", "\\", "#", "80", "65536", "0", "-1", "1e9", "127.0.0.1", "[::1]", "::"],
  ...["tcp", "udp", "ro", "z", "Z", "U", "rw", "/srv", "/srv/mcp", "shop", "web", "a", "A"],
  ...["--privileged", "--volume=/:/host", "-v", "host", "container:", "ns:/proc/1/ns/net"],
  ...["registry.example", ":5000", "latest", "@sha256:", "a".repeat(64), "x".repeat(300)],
  ...["__proto__", "constructor", "toString", "on-failure", "always", "no"],
);
const pieces = fc.array(piece, { maxLength: 7 }).map((parts) => parts.join(""));

/** A text that was right, with some letters added, taken or exchanged. */
function nearly(...right: readonly string[]): fc.Arbitrary<string> {
  const change = fc.tuple(fc.nat(400), fc.constantFrom(0, 1, 1), fc.oneof(piece, fc.constant("")));
  return fc.tuple(fc.constantFrom(...right), fc.array(change, { maxLength: 3 })).map(
    ([text, changes]) =>
      changes.reduce((changed, [at, take, add]) => {
        const where = at % (changed.length + 1);
        return changed.slice(0, where) + add + changed.slice(where + take);
      }, text),
  );
}

const anyText = fc.oneof(pieces, fc.string({ unit: "binary", maxLength: 30 }));
const names = fc.oneof(anyText, nearly("shop", "metacrypt-web", "a", "x".repeat(63)));
const images = fc.oneof(
  anyText,
  nearly("registry.example:5000/a/b:v1", "busybox", `a@sha256:${"0".repeat(64)}`, "localhost/x"),
);
const ports = fc.oneof(anyText, nearly("80:80", "127.0.0.1:1:1/udp", "[::1]:5:5", "65535:1"));
const volumes = fc.oneof(anyText, nearly("/srv/shop:/srv/shop", "cache:/c:ro,z", "/a:/b:U"));
const components: fc.Arbitrary<ComponentSpec> = fc.record({
  name: names,
  image: images,
  network: fc.oneof(anyText, nearly("", "mcpnet", "host")),
  user: fc.oneof(anyText, nearly("", "0:0", "app:app")),
  restart: fc.oneof(anyText, nearly("no", "always", "on-failure:3", "unless-stopped")),
  ports: fc.array(ports, { maxLength: 3 }),
  volumes: fc.array(volumes, { maxLength: 3 }),
  cmd: fc.array(anyText, { maxLength: 3 }),
}, { noNullPrototype: true }).map((base): ComponentSpec => ({ ...componentDefaults, ...base }));

/** Whatever happens is a refusal of ours, with a sentence; undefined then. */
function orRefusal<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch (error) {
    // Told only where it is wrong: this comes a hundred thousand times.
    if (error instanceof McpError && error.message !== "" && error.kind !== "internal") {
      return undefined;
    }
    throw new Error("It was not refused as it should be", { cause: error });
  }
}

/** A property that holds 10,000 times; its test may touch nothing. */
function holds<Value>(
  name: string,
  arbitrary: fc.Arbitrary<Value>,
  check: (value: Value) => boolean | void,
): void {
  Deno.test({
    name,
    permissions: "none",
    fn: () => fc.assert(fc.property(arbitrary, check), { numRuns: cases }),
  });
}

// --- Texts ---

/** What nothing on podman's command line may hold, whichever flag it stands behind. */
function isHarmless(text: string): boolean {
  // deno-lint-ignore no-control-regex -- control characters are what is looked for
  return !text.startsWith("-") && !/[\s\u0000-\u001f\u007f"'`$\\]/.test(text);
}

holds("a name that is taken is a harmless word", names, (text) => {
  const taken = orRefusal(() => requireName("service", text)) !== undefined;
  strictEqual(taken, isName(text));
  if (taken) ok(/^[a-z0-9][a-z0-9-]*$/.test(text) && text.length <= 63, JSON.stringify(text));
  const target = orRefusal(() => parseTarget(text));
  if (target !== undefined) ok(isName(target.service) && isName(target.component ?? "x"));
});

holds("an image that is taken is harmless, and no transport of podman", images, (text) => {
  if (parseImage(text) === undefined) return;
  ok(isHarmless(text), JSON.stringify(text));
  ok(!/^[a-z-]+:\/|^(dir|oci|docker-archive|oci-archive|ostree|sif):\//.test(text), text);
});

holds("a port that is taken is an address, two numbers and a protocol", ports, (text) => {
  const port = parsePort(text);
  if (port === undefined) return;
  ok(isHarmless(text), JSON.stringify(text));
  for (const number of [port.hostPort, port.containerPort]) ok(number > 0 && number < 65_536);
});

holds("a volume that is taken has two parts, and podman's own options only", volumes, (text) => {
  const volume = parseVolume(text);
  if (volume === undefined) return;
  const [source, target, options = "", ...rest] = text.split(":");
  deepStrictEqual(
    [source, target, options === "" ? [] : options.split(","), rest],
    [volume.source, volume.target, volume.options, []],
  );
  ok(!text.startsWith("-") && !/[\0\n]/.test(text), JSON.stringify(text));
  for (const path of [volume.source, volume.target]) {
    ok(!path.split("/").some((part) => part === ".."), path);
  }
});

holds("a spec that is taken says to podman what it says, and nothing else", components, (spec) => {
  if (complaintsAboutComponent(spec, []).length > 0) return;
  const argv = runArgv({
    name: "shop-web",
    spec,
    labels: { "mcp.service": "shop" },
    pull: "never",
  });
  const image = argv.findIndex((argument, at) => at > 0 && !argument.startsWith("-"));
  deepStrictEqual(argv.slice(image), [spec.image, ...spec.cmd]);
  const known =
    /^--(detach|pull=never|name=shop-web|label=mcp\.service=shop|(network|user|restart|publish|volume)=[^-].*)$/s;
  for (const flag of argv.slice(1, image)) {
    ok(known.test(flag), JSON.stringify(flag));
    // deno-lint-ignore no-control-regex -- control characters are what is looked for
    ok(!/[\u0000-\u001f]/.test(flag), JSON.stringify(flag));
  }
});

holds(
  "a spec survives the wire as it is, whatever it holds",
  fc.record({
    name: names,
    active: fc.boolean(),
    components: fc.array(components, { maxLength: 2 }),
  }, { noNullPrototype: true }),
  (spec) => {
    complaintsAbout(spec);
    const expected = spec.components.map((component) => ({
      ...component,
      restart: component.restart === "" ? "unless-stopped" : component.restart,
    }));
    deepStrictEqual(specFromWire(create(ServiceSpecSchema, specToWire(spec))), {
      ...spec,
      components: expected,
    });
  },
);

// --- Definitions ---

const rightDefinition = `# The shop
name = "shop"
node = "rift"
active = true # for now

[[components]]
name = "web"
image = "registry.example:5000/shop-web:v1.2.3"
network = 'mcpnet'
ports = ["127.0.0.1:18443:8443", "53:53/udp"]
volumes = [
  "/srv/shop:/srv/shop", # all of it
  "cache:/cache:ro",
]
cmd = ["serve", "--verbose"]

[[components]]
name = "api"
image = "registry.example:5000/shop-api@sha256:${"0".repeat(64)}"
restart = "on-failure:3"
`;

const tomlPiece = fc.constantFrom(
  ...['name = "shop"', 'node = "rift"', "active = true", "[[components]]", "[components]", "[a.b]"],
  ...[
    'image = "x"',
    "ports = [",
    "]",
    "{ x = 1 }",
    "=",
    "= 1",
    "a.b.c = 1",
    '"" = 1',
    "'''",
    '"""',
  ],
  ...[
    "1979-05-27T07:32:00Z",
    "07:32:00",
    "inf",
    "-nan",
    "0x1G",
    "1_000",
    "9".repeat(40),
    "\\u0000",
  ],
  ...["#", "\n", "\n", "\n", "\r\n", "\t", " ", "\0", "\ufeff", "__proto__ = 1", "[__proto__]"],
  ...["constructor.prototype = 1", "ports = 1", "components = 1", "components = [1]", "name = []"],
);
const tomlish = fc.oneof(
  fc.array(fc.oneof(tomlPiece, piece), { maxLength: 15 }).map((parts) => parts.join("")),
  fc.array(tomlPiece, { maxLength: 15 }).map((parts) => parts.join("\n")),
  nearly(rightDefinition),
  nearly(rightDefinition, rightDefinition.replaceAll("\n", "\r\n")),
  fc.string({ unit: "binary", maxLength: 80 }),
);
const expectations = {
  service: "shop",
  because: "as the file is called",
  nodeNames: ["rift", "pike"],
};

holds("a definition is read or refused, whatever its text is", tomlish, (text) => {
  const read = orRefusal(() => parseDefinition(text, "shop.toml", expectations));
  if (read !== undefined) deepStrictEqual(complaintsAbout(read.spec), []);
  strictEqual(({} as Record<string, unknown>)["1"], undefined);
});

const anyJson = fc.jsonValue({ maxDepth: 2 });
const tomlObject = fc.record({
  name: fc.oneof(names, anyJson),
  node: fc.oneof(fc.constantFrom("rift", "pike"), names, anyJson),
  active: fc.oneof(fc.boolean(), anyJson),
  components: fc.oneof(
    fc.array(fc.oneof(fc.record({ name: names, image: images }), components, anyJson), {
      maxLength: 3,
    }),
    anyJson,
  ),
  more: anyJson,
}, { requiredKeys: [] });

holds("a definition is read or refused, whatever its values are", tomlObject, (value) => {
  let text: string;
  try {
    text = writeToml(JSON.parse(JSON.stringify(value)));
  } catch {
    // TOML has no null, and no text that is not well-formed.
    return;
  }
  orRefusal(() => parseDefinition(text, "shop.toml", expectations));
});

// --- Edits ---

const comment = fc.constantFrom("", "", " # c", "  # active = true", "\t# ünï");
const between = fc.constantFrom("", "", "# active = false", "# [components]", "   ", "\t# x");
const otherValue = fc.constantFrom(
  ...['"text"', "'lit'", "1_000", "0xff", "1.5e3", "true", "1979-05-27T07:32:00Z", "07:32:00"],
  ...[
    "[]",
    "[1, 2,]",
    '[\n  "a", # one\n  "b",\n]',
    "{ active = false, b = [1] }",
    '"active = true"',
  ],
  ...['"""\nactive = true\n"""', "'''\n[x]\nactive = false\n'''", '"\\u00fc\\n"'],
);
const otherKey = fc.constantFrom(
  "alpha",
  '"quoted key"',
  "dotted.key",
  "'lit key'",
  "active_",
  "x",
);
const pairs = fc.uniqueArray(fc.tuple(otherKey, otherValue, comment, between), {
  selector: ([key]) => key,
  maxLength: 4,
}).map((list) => list.flatMap(([key, value, note, line]) => [line, `${key} = ${value}${note}`]));
const written = fc.record({
  head: pairs,
  order: fc.boolean(),
  active: fc.constantFrom("active = true", "active=false", "active   =   true # yes", undefined),
  node: fc.constantFrom(
    'node = "rift"',
    "node = 'rift' # n",
    'node = """rift"""',
    'node = """\nrift"""',
  ),
  tables: fc.array(fc.tuple(fc.constantFrom("[[components]]", "[[components]] # c"), pairs), {
    maxLength: 3,
  }),
  lineEnd: fc.constantFrom("\n", "\r\n"),
  last: fc.constantFrom("", "\n", "\n\n# end"),
}).map(({ head, order, active, node, tables, lineEnd, last }) => {
  const own = [node, ...(active === undefined ? [] : [active])];
  const top = order ? [...head, ...own] : [...own, ...head];
  const lines = [...top, ...tables.flatMap(([header, inner]) => ["", header, ...inner])];
  return (lines.join("\n") + last).replaceAll("\n", lineEnd);
});

function plain(text: string): Record<string, unknown> {
  return structuredClone(parseToml(text, "x").value) as Record<string, unknown>;
}

holds(
  "an edit of a definition changes what it is to change, and every other value stays",
  fc.tuple(written, fc.boolean()),
  ([text, active]) => {
    const before = plain(text);
    const edited = setActive(text, active);
    const after = plain(edited);
    strictEqual(after["active"] ?? true, active);
    deepStrictEqual({ ...after, active: 0 }, { ...before, active: 0 });
    for (const note of text.match(/#[^\r\n]*/g) ?? []) {
      ok(edited.includes(note.trimEnd()), `lost ${note}`);
    }
    strictEqual(setActive(edited, active), edited);
  },
);

// --- What podman prints ---

const fixtures = new URL("../fixtures/podman/4.3/", import.meta.url);
const fixtureNames = [
  "ps.json",
  "inspect_running.json",
  "inspect_exited.json",
  "inspect_restarted.json",
  "inspect_created.json",
  "version.json",
  "version_remote.json",
];
const captured = fixtureNames.map((name) => Deno.readTextFileSync(new URL(name, fixtures)));
const capturedImage = JSON.stringify([{ Config: { Env: ["PATH=/bin"], Cmd: ["sh"], Labels: {} } }]);
/** As podman's service tells it, whose other answers are what podman prints. */
const capturedServiceEvent =
  '{"Type":"container","Action":"died","Actor":{"ID":"f77b","Attributes":{"containerExitCode":"137","name":"shop-web"}},"time":1893499200,"timeNano":1893499200100000000}';
const capturedEvent =
  '{"ID":"f77b","Image":"x:v1","Name":"shop-web","Status":"died","Time":"2030-01-01T12:00:00.1Z","Type":"container","ContainerExitCode":137}';

const odd = fc.oneof(
  fc.constantFrom<unknown>(
    ...[null, true, false, 0, -0, -1, 1e308, 2 ** 53, -62135596800, 1.5, "", [], {}, [[]], [null]],
    ...["-", "\0", "a:b:c:d", "running", "RUNNING", "2030-13-99T99:99:99Z", "--privileged"],
  ),
  anyText,
  fc.jsonValue({ maxDepth: 2 }),
);

/** Puts something odd somewhere into a value, or takes something out of it. */
function spoil(value: unknown, way: readonly number[], put: unknown): unknown {
  const [turn, ...rest] = way;
  if (turn === undefined || typeof value !== "object" || value === null) return put;
  if (Array.isArray(value)) {
    if (value.length === 0) return [put];
    const at = turn % value.length;
    return turn % 11 === 0 ? value.toSpliced(at, 1) : value.with(at, spoil(value[at], rest, put));
  }
  const keys = Object.keys(value);
  const key = keys[turn % keys.length];
  if (key === undefined) return { odd: put };
  const others = Object.entries(value).filter(([other]) => other !== key);
  if (turn % 11 === 0) return Object.fromEntries(others);
  const inner = spoil((value as Record<string, unknown>)[key], rest, put);
  return Object.fromEntries([...others, [key, inner]]);
}

const podmanText = fc.oneof(
  fc.tuple(
    fc.constantFrom(...captured, capturedImage, capturedEvent, capturedServiceEvent),
    fc.array(fc.tuple(fc.array(fc.nat(1_000), { minLength: 1, maxLength: 5 }), odd), {
      minLength: 1,
      maxLength: 3,
    }),
  ).map(([text, changes]) =>
    JSON.stringify(
      changes.reduce<unknown>((value, [way, put]) => spoil(value, way, put), JSON.parse(text)),
    ) ?? "undefined"
  ),
  nearly(...captured, capturedImage, capturedEvent, capturedServiceEvent),
  anyText,
);

function requireTime(at: Date | undefined): void {
  ok(at === undefined || !Number.isNaN(at.getTime()), "a time that is none");
}

Deno.test("what podman prints is understood or refused, whatever it is", () => {
  let understood = 0;
  const running = captured[1] ?? "";
  fc.assert(
    fc.property(podmanText, (text) => {
      for (const { startedAt } of orRefusal(() => parseListing(text)) ?? []) {
        understood++;
        requireTime(startedAt);
      }
      for (const { startedAt } of orRefusal(() => parseInspections(text))?.values() ?? []) {
        understood++;
        requireTime(startedAt);
      }
      orRefusal(() => parseVersion(text));
      orRefusal(() => parseLastDeath(text));
      requireTime(orRefusal(() => parseEvent(text))?.at);
      requireTime(orRefusal(() => parseServiceEvent(text))?.at);
      orRefusal(() => parseLastServiceDeath(text));
      orRefusal(() => parseSecretNames(text));
      orRefusal(() => hasAnyProcess(text));
      parseRefusal(text);
      for (const [container, image] of [[text, capturedImage], [running, text]] as const) {
        const described = orRefusal(() => parseDescription("web", container, image));
        if (described === undefined) continue;
        understood++;
        complaintsAboutComponent(described.spec, []);
        ok(described.unexpressed.every((line) => typeof line === "string"));
      }
    }),
    { numRuns: cases },
  );
  ok(understood > 1_000, `only ${understood} answers were understood`);
});

// --- Messages ---

const seeds: readonly Uint8Array[] = [
  toBinary(
    DeployRequestSchema,
    create(DeployRequestSchema, {
      service: {
        name: "shop",
        active: true,
        components: [{ name: "web", image: "registry.example/web:v1", ports: ["80:80"] }],
      },
    }),
  ),
  toBinary(
    SyncRequestSchema,
    create(SyncRequestSchema, { services: [{ name: "shop", components: [{ name: "web" }] }] }),
  ),
  toBinary(AdoptRequestSchema, create(AdoptRequestSchema, { service: "shop", dryRun: true })),
  toBinary(
    PushFileRequestSchema,
    create(PushFileRequestSchema, {
      service: "shop",
      path: "certs/shop.pem",
      content: new Uint8Array(100),
      mode: 0o600,
    }),
  ),
  toBinary(
    PullFileRequestSchema,
    create(PullFileRequestSchema, { service: "shop", path: "../../mcp.db" }),
  ),
];

/** Bytes of a message with some exchanged, cut off, or said twice; or any bytes at all. */
const message = fc.oneof(
  fc.uint8Array({ maxLength: 60 }),
  fc.tuple(
    fc.constantFrom(...seeds),
    fc.array(fc.tuple(fc.nat(500), fc.nat(255)), { maxLength: 4 }),
    fc.nat(500),
    fc.boolean(),
  ).map(([seed, changes, cut, isCut]) => {
    const bytes = new Uint8Array(seed);
    for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
    return isCut ? bytes.subarray(0, cut % bytes.length) : bytes;
  }),
);

/** A client that sends bytes as they are. */
class RawClient implements Disposable {
  readonly #client: Client;
  readonly #metadata = new Metadata();

  constructor(node: TestNode, token: string) {
    const { secureContext } = new Trust(node.ca);
    const credentialsOfClient = credentials.createFromSecureContext(secureContext, {
      checkServerIdentity: (_sentName, certificate) =>
        checkServerIdentity("127.0.0.1", certificate),
    });
    this.#client = new Client(node.address, credentialsOfClient, {
      "grpc.ssl_target_name_override": sentName("127.0.0.1"),
      "grpc.default_authority": sentName("127.0.0.1"),
    });
    this.#metadata.set("authorization", `Bearer ${token}`);
  }

  /** The name of the status that a call ends with; a stream is left once it has begun. */
  async call(path: string, bytes: Uint8Array, isStream: boolean): Promise<string> {
    const same = (value: Buffer) => value;
    const body = Buffer.from(bytes);
    const options = { deadline: Date.now() + 300_000 };
    const code = await new Promise<number>((resolve) => {
      if (!isStream) {
        this.#client.makeUnaryRequest(
          path,
          same,
          same,
          body,
          this.#metadata,
          options,
          (error: ServiceError | null) => resolve(error?.code ?? status.OK),
        );
        return;
      }
      const stream = this.#client.makeServerStreamRequest(
        path,
        same,
        same,
        body,
        this.#metadata,
        options,
      );
      stream.on("data", () => stream.cancel());
      stream.on("error", ({ code }: ServiceError) => resolve(code));
      stream.on("end", () => resolve(status.OK));
      setTimeout(() => stream.cancel(), 20);
    });
    return status[code] ?? String(code);
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

Deno.test("a node answers 10,000 messages of rubbish by sensible statuses, and goes on", async () => {
  await using logs = await QuietLogs.start();
  await using node = await TestNode.start();
  using client = new RawClient(node, node.adminToken);
  const methods = McpAgent.methods;
  const messages = fc.sample(message, cases);
  const counts: Record<string, number> = {};
  let next = 0;
  const work = async () => {
    for (let at = next++; at < messages.length; at = next++) {
      const method = methods[at % methods.length];
      if (method === undefined) throw new Error("There are no methods");
      const isStream = method.methodKind === "server_streaming";
      const code = await client.call(methodPath(method), messages[at] ?? seeds[0]!, isStream);
      counts[code] = (counts[code] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: 32 }, work));
  const told = JSON.stringify(counts);
  // INTERNAL is what the library says of bytes that are no message.
  const sensible = [
    "OK",
    "CANCELLED",
    "INVALID_ARGUMENT",
    "NOT_FOUND",
    "FAILED_PRECONDITION",
    "INTERNAL",
  ];
  for (const code of Object.keys(counts)) ok(sensible.includes(code), told);
  ok((counts["OK"] ?? 0) > 100 && (counts["INVALID_ARGUMENT"] ?? 0) > 100, told);
  deepStrictEqual(logs.messages("mcp.agent").filter((line) => line.includes("Defect")), []);
  ok((await node.client().nodeStatus({}, ample)).nodeName === "rift");
});
