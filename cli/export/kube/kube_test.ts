import { deepStrictEqual, match, ok } from "node:assert/strict";
import { componentDefaults, type ComponentSpec } from "../../../lib/domain/component_spec.ts";
import { healthCheckDefaults } from "../../../lib/domain/health_check.ts";
import { toKube } from "./kube.ts";

const web: ComponentSpec = { ...componentDefaults, name: "web", image: "registry.example/web:v1" };

function text(...components: readonly Partial<ComponentSpec>[]): string {
  const { files } = toKube({
    name: "shop",
    active: true,
    components: components.map((component) => ({ ...web, ...component })),
  });
  return files[0]?.text ?? "";
}

/** Given what the component says, text of the file that says it, without its indent. */
const cases: readonly [given: string, change: Partial<ComponentSpec>, expected: string][] = [
  ["one that is brought back", {}, "kind: Deployment"],
  ["one that stays stopped", { restart: "no" }, "kind: Pod\nrestartPolicy: Never"],
  ["one that is brought back when it fails", { restart: "on-failure" }, "restartPolicy: OnFailure"],
  [
    "a port",
    { ports: ["[::1]:5353:53/udp"] },
    `ports:
- containerPort: 53
hostPort: 5353
hostIP: "::1"
protocol: UDP`,
  ],
  ["the node's network", { network: "host", ports: ["80:80"] }, "hostNetwork: true"],
  [
    "a network where names are found",
    { network: "shop" },
    "kind: Service\nmetadata:\nname: shop-web",
  ],
  ["a user", { user: "root:1000" }, "runAsUser: 0\nrunAsGroup: 1000"],
  ["an entrypoint", { entrypoint: ["sh", "-c"] }, 'command:\n- sh\n- "-c"'],
  ["arguments", { cmd: ["no", "1", "a b"] }, 'args:\n- "no"\n- "1"\n- "a b"'],
  ["a process number of a shell", { cmd: ["echo $$ $A"] }, 'args:\n- "echo $$$$ $$A"'],
  ["what a shell runs", { cmd: ["echo $(date)"] }, 'args:\n- "echo $(date)"'],
  [
    "a variable in a variable",
    { env: { A: "1", B: "$(A)" } },
    `env:
- name: A
value: "1"
- name: B
value: "$$(A)"`,
  ],
  [
    "limits",
    { memory: "64m", cpus: 0.0125 },
    `limits:
memory: 67108864
cpu: "13m"
requests:
memory: 0
cpu: 0`,
  ],
  ["a folder", { volumes: ["/srv/shop:/data:ro"] }, "hostPath:\npath: /srv/shop"],
  ["a volume", { volumes: ["Shop_Data:/data"] }, "persistentVolumeClaim:\nclaimName: shop-data"],
  [
    "a folder in memory",
    { tmpfs: ["/tmp:size=1m"] },
    "emptyDir:\nmedium: Memory\nsizeLimit: 1048576",
  ],
  [
    "files that cannot be changed",
    { readOnly: true, tmpfs: ["/tmp"] },
    `volumeMounts:
- name: mount-1
mountPath: /tmp
- name: mount-2
mountPath: /run
- name: mount-3
mountPath: /var/tmp`,
  ],
  [
    "secrets in their folder",
    {
      secrets: [{ name: "pw", target: "/run/secrets/pw.txt", mode: 0o400, uid: 0, gid: 0 }],
    },
    `secret:
secretName: shop-web-secrets
items:
- key: pw.txt
path: pw.txt
mode: 256
optional: false`,
  ],
  ["a secret elsewhere", {
    secrets: [{ name: "key", target: "/etc/tls.key", mode: 0o400, uid: 0, gid: 0 }],
  }, "mountPath: /etc/tls.key\nreadOnly: true\nsubPath: tls.key"],
  [
    "capabilities",
    { capAdd: ["CHOWN"], capDrop: ["ALL"] },
    `capabilities:
add:
- CHOWN
drop:
- ALL`,
  ],
  ["how long it may take to stop", { stopTimeoutMs: 1_500 }, "terminationGracePeriodSeconds: 2"],
  [
    "a check by HTTPS",
    {
      ports: ["8443:8443"],
      healthcheck: {
        ...healthCheckDefaults,
        startPeriodMs: 120_000,
        probe: { kind: "https", port: 8443, path: "/" },
      },
    },
    `livenessProbe:
httpGet:
path: /
port: 8443
scheme: HTTPS
periodSeconds: 30
timeoutSeconds: 5
failureThreshold: 3
initialDelaySeconds: 30`,
  ],
];

for (const [given, change, expected] of cases) {
  Deno.test({
    name: `toKube() given ${given}`,
    permissions: "none",
    fn() {
      const flat = text(change).replaceAll(/^ +/gm, "");
      ok(withoutMiddle(flat).includes(expected) || flat.includes(expected), flat);
    },
  });
}

/** Without what stands between the kind of a document and what it is about. */
function withoutMiddle(flat: string): string {
  return flat.replaceAll(/^metadata:\nname: .*\nlabels:\n(app\..*\n)*spec:\nenable.*\n/gm, "");
}

Deno.test({
  name: "toKube() has those stand first that others wait for",
  permissions: "none",
  fn() {
    const names = text(
      { name: "web", dependsOn: ["migrate", "db"] },
      { name: "db" },
      { name: "migrate", kind: "job", restart: "no", dependsOn: ["db"] },
    ).matchAll(/^ {2}name: (.*)$/gm);
    deepStrictEqual([...names].map(([_, name]) => name), ["shop-db", "shop-migrate", "shop-web"]);
  },
});

Deno.test({
  name: "toKube() has one claim for a volume of several components",
  permissions: "none",
  fn() {
    const written = text({ name: "a", volumes: ["data:/a"] }, { name: "b", volumes: ["data:/b"] });
    deepStrictEqual(written.match(/^kind: .*$/gm), [
      "kind: PersistentVolumeClaim",
      "kind: Deployment",
      "kind: Deployment",
    ]);
  },
});

Deno.test({
  name: "toKube() makes no Service of a name that none can have",
  permissions: "none",
  fn() {
    const { files, notes } = toKube({
      name: "1st",
      active: true,
      components: [{ ...web, network: "shop" }],
    });
    ok(!files[0]?.text.includes("kind: Service"));
    match(notes.find(({ key }) => key === "name")?.what ?? "", /others do not find it as 1st-web/);
  },
});
