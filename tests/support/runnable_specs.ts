/**
 * Specs over every field that a rootless podman can run on a machine without control groups for
 * memory and CPU, and changes of exactly one field.
 *
 * @module
 */

import fc from "fast-check";
import { componentDefaults, type ComponentSpec } from "../../lib/domain/component_spec.ts";
import { keyOf } from "../../lib/domain/component_fields.ts";

/** What generated specs may refer to. */
export interface SpecSurroundings {
  /** Images whose own processes stay up, with busybox in /bin. */
  readonly images: readonly string[];
  /** A folder of the node, with the folders "one" and "two" in it. */
  readonly folder: string;
  /** A network that was made. */
  readonly network: string;
  /** Begins the names of volumes. */
  readonly prefix: string;
}

const waits = "exec sleep 1000";
const words = fc.constantFrom("", "one", "two words", "--flag", "ä=ö", "a'b\"c", "$HOME", "[1]");
const values = fc.oneof(words, fc.string({ maxLength: 12 }), fc.constant("line\nline"))
  .map((text) => text.replaceAll("\0", ""));
const capabilities = ["CHOWN", "NET_BIND_SERVICE", "NET_ADMIN", "SYS_TIME", "NET_RAW", "SETUID"];

function some<T>(values: readonly T[], maxLength = 3): fc.Arbitrary<T[]> {
  return fc.subarray([...values], { maxLength: Math.min(maxLength, values.length) })
    .chain((chosen) => fc.shuffledSubarray(chosen, { minLength: chosen.length }));
}

function mostly<T>(usual: T, other: fc.Arbitrary<T>): fc.Arbitrary<T> {
  return fc.oneof({ weight: 2, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: other });
}

/** Specs called "web" that podman runs, and that complain of nothing. */
export function anyRunnableSpec(around: SpecSurroundings): fc.Arbitrary<ComponentSpec> {
  const { images, folder, network, prefix } = around;
  const port = fc.integer({ min: 20_000, max: 32_000 });
  const ports = fc.uniqueArray(port, { maxLength: 3 }).chain((hosts) =>
    fc.tuple(
      ...hosts.map((host) =>
        fc.constantFrom("", "127.0.0.1:", "0.0.0.0:", "[::1]:", "[0:0:0:0:0:0:0:1]:").chain((ip) =>
          fc.constantFrom("", "/tcp", "/udp").map((protocol) =>
            `${ip}${host}:${host % 97}${protocol}`
          )
        )
      ),
    )
  ).map((list) => list.map((text) => text.replace(/:0(\/|$)/, ":97$1")));
  const options = some(["ro", "nosuid", "nodev", "noexec", "rw"])
    .map((list) => list.includes("ro") ? list.filter((each) => each !== "rw") : list)
    .map((list) => list.length === 0 ? "" : `:${list.join(",")}`);
  const volumes = fc.tuple(options, options, options).chain(([one, two, three]) =>
    some([`${folder}/one:/m/one${one}`, `${folder}/two:/m/two${two}`, `${prefix}-v:/m/v${three}`])
  );
  return fc.record({
    image: fc.constantFrom(...images),
    network: mostly("", fc.constantFrom("none", "host", "slirp4netns", "bridge", network)),
    user: mostly("", fc.constantFrom("0", "0:0", "root", "1000:1000", "65534", "nobody")),
    restart: fc.constantFrom("no", "on-failure", "on-failure:3", "always", "unless-stopped"),
    ports: mostly<string[]>([], ports),
    volumes: mostly<string[]>([], volumes),
    cmd: fc.array(words, { maxLength: 3 }),
    entrypoint: fc.constantFrom<string[]>(
      [],
      ["/bin/sh", "/script"],
      ["/bin/sh", "-c", `${waits} # two  spaces`],
      ["/bin/busybox", "sh", "/script"],
    ),
    env: fc.dictionary(
      fc.constantFrom("APP", "TZ", "HOME", "TERM", "container", "HOSTNAME", "A_1", "b.c"),
      values,
      { maxKeys: 4, noNullPrototype: true },
    ),
    labels: fc.dictionary(fc.constantFrom("org.t", "a.b/c", "team", "x-y"), values, {
      maxKeys: 3,
      noNullPrototype: true,
    }),
    workdir: mostly("", fc.constantFrom("/", "/bin", "/bin/", "/bin/../bin")),
    hostname: mostly("", fc.constantFrom("box", "box.example", "a1b2c3d4e5f6")),
    pids: mostly(0, fc.constantFrom(100, 2048)),
    ulimits: fc.dictionary(
      fc.constant("nofile"),
      fc.constantFrom("256", "256:512", "512:512"),
      { maxKeys: 1, noNullPrototype: true },
    ),
    capAdd: some(capabilities),
    capDrop: fc.oneof(some(capabilities), fc.constant(["ALL"])),
    readOnly: fc.boolean(),
    tmpfs: some([
      "/t",
      "/tmp",
      "/u:size=1m",
      "/w:rw,mode=1777",
      "/x:noexec,size=64k",
      "/y:exec,suid",
    ]),
    devices: some(["/dev/null:/dev/extra", "/dev/zero", "/dev/full:/dev/more:r", "/dev/null:rwm"]),
    stopSignal: mostly("", fc.constantFrom("QUIT", "SIGQUIT", "SIGTERM", "SIGINT", "RTMIN+3")),
    stopTimeoutMs: mostly<number | undefined>(undefined, fc.constantFrom(0, 1_500, 10_000, 33_000)),
    privileged: fc.constantFrom(false, false, false, true),
    // Without "pid": podman 4.3 takes five seconds to end a container that shares it.
    hostNamespaces: mostly<"uts"[]>([], fc.constant(["uts"])),
  }).map((chosen) => sensible({ ...componentDefaults, name: "web", ...chosen }));
}

/** Without what podman refuses to combine. */
function sensible(spec: ComponentSpec): ComponentSpec {
  const shares = spec.hostNamespaces.includes("uts");
  return {
    ...spec,
    hostname: shares ? "" : spec.hostname,
    capDrop: spec.capDrop.filter((name) => !spec.capAdd.includes(name)),
  };
}

/** A change of one field. */
export interface FieldChange {
  readonly key: keyof ComponentSpec;
  /** As a definition calls it. */
  readonly field: string;
  readonly change: Partial<ComponentSpec>;
}

/** Changes of exactly one field of this spec, each to something else. */
export function changesOf(spec: ComponentSpec, around: SpecSurroundings): readonly FieldChange[] {
  const isHost = spec.hostNamespaces.includes("uts");
  const canPublish = !["host", "none"].includes(spec.network);
  const changes: readonly Partial<ComponentSpec>[] = [
    { user: spec.user === "1:1" ? "2:2" : "1:1" },
    { restart: spec.restart === "no" ? "always" : "no" },
    { cmd: [...spec.cmd, "one more"] },
    { env: { ...spec.env, A_1: `${spec.env["A_1"]}, and more` } },
    { env: { ...spec.env, TZ: "Elsewhere" } },
    { labels: { ...spec.labels, team: "another" } },
    {
      entrypoint: ["/bin/busybox", "sh", "-c", waits],
      // Without one of its own, the image's command would go with it.
      cmd: spec.cmd.length === 0 ? ["word"] : spec.cmd,
    },
    { workdir: "/m" },
    ...(isHost ? [] : [{ hostname: "another" }]),
    { pids: spec.pids + 7 },
    { ulimits: { nofile: "250:260" } },
    { capAdd: [...spec.capAdd, "AUDIT_WRITE"] },
    { capDrop: [...spec.capDrop, "FOWNER"] },
    { readOnly: !spec.readOnly },
    { tmpfs: [...spec.tmpfs, "/another:size=2m"] },
    ...(spec.privileged ? [] : [
      { devices: [...spec.devices, "/dev/null:/dev/yet"] },
      { privileged: true, devices: [] },
    ]),
    { volumes: [...spec.volumes, `${around.folder}:/m/another`] },
    ...(canPublish ? [{ ports: [...spec.ports, "127.0.0.1:19998:98"] }] : []),
    { network: spec.network === "none" ? "" : "none", ports: [] },
    { stopSignal: spec.stopSignal === "USR1" ? "USR2" : "USR1" },
    { stopTimeoutMs: (spec.stopTimeoutMs ?? 0) + 5_000 },
    { hostNamespaces: [...spec.hostNamespaces, "pid"] },
  ];
  return changes.map((change) => {
    // The first is the one it is about.
    const key = Object.keys(change)[0] as keyof ComponentSpec;
    return { key, field: keyOf(key), change };
  });
}
